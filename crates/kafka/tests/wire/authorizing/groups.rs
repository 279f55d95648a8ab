//! What is asked of groups.

use super::{
    GROUP_DENIED, TOPIC_DENIED, ask,
    line::{Line, Need, line},
    text,
};
use crate::producing::name;
use futures::FutureExt;
use kafka_protocol::messages::*;
use security::acl::{
    CLUSTER,
    Operation::{Delete, Describe, Read},
    ResourceType::{Cluster, Group, Topic},
};

const READ_G: &[&[Need]] = &[&[(Group, "g", Read)]];
const DESCRIBE_G: &[&[Need]] = &[&[(Group, "g", Describe)]];

/// Commits offset 1 of topic `t` for group `g`.
pub fn commit() -> OffsetCommitRequest {
    let partition = offset_commit_request::OffsetCommitRequestPartition::default()
        .with_committed_offset(1)
        .with_committed_leader_epoch(-1);
    let topic = offset_commit_request::OffsetCommitRequestTopic::default()
        .with_name(name("t"))
        .with_partitions(vec![partition]);
    OffsetCommitRequest::default()
        .with_group_id(text("g"))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![topic])
}

fn heartbeat() -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest::default()
        .with_group_id(text("h"))
        .with_member_id("m".into())
        .with_rebalance_timeout_ms(300_000)
        .with_subscribed_topic_names(Some(vec![name("t")]))
        .with_topic_partitions(Some(Vec::new()))
}

fn fetch(
    topics: Option<Vec<offset_fetch_request::OffsetFetchRequestTopics>>,
) -> OffsetFetchRequest {
    let group = offset_fetch_request::OffsetFetchRequestGroup::default()
        .with_group_id(text("g"))
        .with_topics(topics);
    OffsetFetchRequest::default().with_groups(vec![group])
}

pub fn lines() -> Vec<Line> {
    of_members().into_iter().chain(of_offsets()).chain(of_administrators()).collect()
}

fn of_members() -> Vec<Line> {
    vec![
        line!(FindCoordinator, "of a group", DESCRIBE_G, |them| {
            let request = FindCoordinatorRequest::default().with_key("g".into());
            ask(&mut them.alice, 3, request).await.error_code
        }),
        line!(JoinGroup, "a group", READ_G, |them| {
            // Refused for its session time-out, once it is allowed.
            ask(&mut them.alice, 9, JoinGroupRequest::default().with_group_id(text("g")))
                .await
                .error_code
        }),
        line!(SyncGroup, "a group", READ_G, |them| {
            ask(&mut them.alice, 4, SyncGroupRequest::default().with_group_id(text("g")))
                .await
                .error_code
        }),
        line!(Heartbeat, "a group", READ_G, |them| {
            ask(&mut them.alice, 4, HeartbeatRequest::default().with_group_id(text("g")))
                .await
                .error_code
        }),
        line!(LeaveGroup, "a group", READ_G, |them| {
            ask(&mut them.alice, 5, LeaveGroupRequest::default().with_group_id(text("g")))
                .await
                .error_code
        }),
        line!(
            ConsumerGroupHeartbeat,
            "with names",
            &[&[(Group, "h", Read), (Topic, "t", Describe)]],
            |them| ask(&mut them.alice, 1, heartbeat()).await.error_code
        ),
        line!(
            ConsumerGroupDescribe,
            "with its topics",
            &[&[(Group, "h", Describe), (Topic, "t", Describe)]],
            |them| {
                assert_eq!(ask(&mut them.root, 1, heartbeat()).await.error_code, 0);
                let request = ConsumerGroupDescribeRequest::default();
                let request = request.with_group_ids(vec![text("h")]);
                ask(&mut them.alice, 1, request).await.groups[0].error_code
            }
        ),
    ]
}

fn of_offsets() -> Vec<Line> {
    vec![
        line!(OffsetCommit, "of a topic", &[&[(Group, "g", Read), (Topic, "t", Read)]], |them| {
            ask(&mut them.alice, 8, commit()).await.topics[0].partitions[0].error_code
        }),
        line!(
            OffsetFetch,
            "of a topic",
            &[&[(Group, "g", Describe), (Topic, "t", Describe)]],
            |them| {
                let topic = offset_fetch_request::OffsetFetchRequestTopics::default()
                    .with_name(name("t"))
                    .with_partition_indexes(vec![0]);
                let answer = ask(&mut them.alice, 8, fetch(Some(vec![topic]))).await;
                let group = &answer.groups[0];
                match group.topics.first() {
                    Some(topic) => {
                        let partition = &topic.partitions[0];
                        let is_told = partition.committed_offset == 1;
                        assert_eq!(is_told, partition.error_code == 0);
                        partition.error_code
                    }
                    None => group.error_code,
                }
            }
        ),
        line!(
            OffsetFetch,
            "of all topics",
            &[&[(Group, "g", Describe), (Topic, "t", Describe)]],
            |them| {
                let answer = ask(&mut them.alice, 8, fetch(None)).await;
                let group = &answer.groups[0];
                match group.error_code {
                    0 if group.topics.is_empty() => TOPIC_DENIED,
                    code => code,
                }
            }
        ),
        line!(OffsetDelete, "of a topic", &[&[(Group, "g", Delete), (Topic, "t", Read)]], |them| {
            let topic = offset_delete_request::OffsetDeleteRequestTopic::default()
                .with_name(name("t"))
                .with_partitions(vec![
                    offset_delete_request::OffsetDeleteRequestPartition::default(),
                ]);
            let request = OffsetDeleteRequest::default().with_group_id(text("g"));
            let answer = ask(&mut them.alice, 0, request.with_topics(vec![topic])).await;
            ask(&mut them.root, 8, commit()).await;
            match answer.topics.first() {
                Some(topic) => topic.partitions[0].error_code,
                None => answer.error_code,
            }
        }),
    ]
}

fn of_administrators() -> Vec<Line> {
    vec![
        line!(DescribeGroups, "one", DESCRIBE_G, |them| {
            let request = DescribeGroupsRequest::default().with_groups(vec![text("g")]);
            ask(&mut them.alice, 6, request).await.groups[0].error_code
        }),
        line!(
            ListGroups,
            "those that it may see",
            &[&[(Group, "g", Describe)], &[(Cluster, CLUSTER, Describe)]],
            |them| {
                let answer = ask(&mut them.alice, 5, ListGroupsRequest::default()).await;
                assert_eq!(answer.error_code, 0);
                let found = answer.groups.iter().any(|group| group.group_id.as_str() == "g");
                if found { 0 } else { GROUP_DENIED }
            }
        ),
        line!(DeleteGroups, "one that there is not", &[&[(Group, "none", Delete)]], |them| {
            let request = DeleteGroupsRequest::default().with_groups_names(vec![text("none")]);
            ask(&mut them.alice, 2, request).await.results[0].error_code
        }),
    ]
}
