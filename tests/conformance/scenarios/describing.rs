//! Describing the cluster, topics page by page, and directories.

use crate::{
    exam::Exam,
    requests::{batch, name},
    scenario::{Scenario, alike},
};
use kafka_protocol::messages::{
    DescribeClusterRequest, DescribeLogDirsRequest, DescribeTopicPartitionsRequest,
    FindCoordinatorRequest, ListPartitionReassignmentsRequest,
    describe_log_dirs_request::DescribableLogDirTopic,
    describe_topic_partitions_request::{Cursor, TopicRequest},
    list_partition_reassignments_request::ListPartitionReassignmentsTopics,
};

fn pages(topics: &[&str], limit: i32) -> DescribeTopicPartitionsRequest {
    let topic = |topic: &&str| TopicRequest::default().with_name(name(topic));
    DescribeTopicPartitionsRequest::default()
        .with_topics(topics.iter().map(topic).collect())
        .with_response_partition_limit(limit)
        .with_cursor(None)
}

fn cursor(topic: &str, partition: i32) -> Cursor {
    Cursor::default().with_topic_name(name(topic)).with_partition_index(partition)
}

fn directories(it: &mut Exam, version: i16, topics: Option<&[(&str, &[i32])]>) {
    let topic = |(topic, partitions): &(&str, &[i32])| {
        DescribableLogDirTopic::default()
            .with_topic(name(topic))
            .with_partitions(partitions.to_vec())
    };
    let topics = topics.map(|topics| topics.iter().map(topic).collect());
    it.ask(version, DescribeLogDirsRequest::default().with_topics(topics));
}

pub const SCENARIOS: &[Scenario] = &[
    alike("the cluster in every version", |it| {
        for version in 0..=2 {
            it.ask(version, DescribeClusterRequest::default().with_endpoint_type(1));
        }
    }),
    alike("the cluster with what may be done to it", |it| {
        let request = DescribeClusterRequest::default().with_endpoint_type(1);
        it.ask(1, request.with_include_cluster_authorized_operations(true));
    }),
    alike("the cluster's controllers, asked of a broker", |it| {
        it.ask(1, DescribeClusterRequest::default().with_endpoint_type(2));
        it.ask(1, DescribeClusterRequest::default().with_endpoint_type(9));
    }),
    alike("a topic's partitions page by page", |it| {
        let topic = it.topic(5).name;
        let request = pages(&[&topic], 2);
        it.ask(0, request.clone());
        it.ask(0, request.clone().with_cursor(Some(cursor(&topic, 2))));
        it.ask(0, request.with_cursor(Some(cursor(&topic, 4))));
    }),
    alike("partitions of a topic that does not exist", |it| {
        it.ask(0, pages(&["no-such-topic"], 10));
        it.ask(0, pages(&["a/b"], 10));
    }),
    alike("partitions of a topic from behind its last", |it| {
        let topic = it.topic(2).name;
        it.ask(0, pages(&[&topic], 10).with_cursor(Some(cursor(&topic, 7))));
        it.ask(0, pages(&[&topic], 10).with_cursor(Some(cursor(&topic, -1))));
    }),
    alike("partitions without a limit", |it| {
        let topic = it.topic(2).name;
        it.ask(0, pages(&[&topic], 0));
        it.ask(0, pages(&[&topic], -1));
    }),
    alike("directories of a topic", |it| {
        let topic = it.topic(2);
        it.append(&topic, batch(&["a"]));
        for version in 1..=4 {
            directories(it, version, Some(&[(&topic.name, &[0])]));
        }
    }),
    alike("directories of a topic that does not exist", |it| {
        directories(it, 4, Some(&[("no-such-topic", &[0])]));
    }),
    alike("directories of no topic", |it| directories(it, 4, Some(&[]))),
    alike("reassignments, of which there are none", |it| {
        let request = ListPartitionReassignmentsRequest::default().with_timeout_ms(10_000);
        it.ask(0, request.clone().with_topics(None));
        it.ask(0, request.clone().with_topics(Some(Vec::new())));
        let topic = ListPartitionReassignmentsTopics::default()
            .with_name(name("no-such-topic"))
            .with_partition_indexes(vec![0]);
        it.ask(0, request.with_topics(Some(vec![topic])));
    }),
    alike("the coordinator of a kind that nobody knows", |it| {
        it.ask(2, FindCoordinatorRequest::default().with_key("x".into()).with_key_type(9));
    }),
];
