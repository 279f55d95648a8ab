//! What is asked of topics.

use super::{
    CLUSTER_DENIED, TOPIC_DENIED, ask,
    line::{Line, Need, line},
    text,
};
use crate::{
    fetching,
    producing::{self, name},
};
use bytes::Bytes;
use formats::{compression::Codec, record_batch::BatchBuilder};
use futures::FutureExt;
use kafka_protocol::messages::*;
use security::acl::{
    CLUSTER,
    Operation::{Alter, ClusterAction, Create, Delete, Describe, Read, Write},
    ResourceType::{Cluster, Topic, TransactionalId as Transaction},
};

const READ_T: &[&[Need]] = &[&[(Topic, "t", Read)]];
const WRITE_T: &[&[Need]] = &[&[(Topic, "t", Write)]];
const DESCRIBE_T: &[&[Need]] = &[&[(Topic, "t", Describe)]];
const BROKERS: &[&[Need]] = &[&[(Cluster, CLUSTER, ClusterAction)]];

/// A batch of a transaction that never was.
pub fn transactional_batch() -> Bytes {
    let mut builder = BatchBuilder::new(Codec::None).producer(99, 0, 0).transactional();
    builder.push(1_700_000_000_000, None, Some(b"x"), &[]);
    builder.build()
}

fn metadata(topics: Option<Vec<metadata_request::MetadataRequestTopic>>) -> MetadataRequest {
    MetadataRequest::default().with_topics(topics).with_allow_auto_topic_creation(false)
}

fn named(topic: &str) -> metadata_request::MetadataRequestTopic {
    metadata_request::MetadataRequestTopic::default().with_name(Some(name(topic)))
}

fn fetched(answer: &FetchResponse) -> i16 {
    answer.responses[0].partitions[0].error_code
}

pub fn lines() -> Vec<Line> {
    of_records().into_iter().chain(of_metadata()).chain(of_administrators()).collect()
}

fn of_records() -> Vec<Line> {
    vec![
        line!(Produce, "by name", WRITE_T, |them| {
            let request = producing::produce("t", -1, producing::batch(&["x"]));
            producing::outcome(&ask(&mut them.alice, 12, request).await).0
        }),
        line!(Produce, "by id", WRITE_T, |them| {
            let mut request = producing::produce("t", -1, producing::batch(&["x"]));
            request.topic_data[0].topic_id = them.topic.as_uuid();
            producing::outcome(&ask(&mut them.alice, 13, request).await).0
        }),
        line!(
            Produce,
            "in a transaction",
            &[&[(Transaction, "x", Write), (Topic, "t", Write)]],
            |them| {
                let request = producing::produce("t", -1, transactional_batch());
                let request = request.with_transactional_id(Some(text("x")));
                producing::outcome(&ask(&mut them.alice, 12, request).await).0
            }
        ),
        line!(Fetch, "by name", READ_T, |them| {
            fetched(&ask(&mut them.alice, 12, fetching::fetch("t", 0, 0)).await)
        }),
        line!(Fetch, "by id", READ_T, |them| {
            let mut request = fetching::fetch("t", 0, 0);
            request.topics[0].topic_id = them.topic.as_uuid();
            fetched(&ask(&mut them.alice, 17, request).await)
        }),
        line!(Fetch, "as a replica", BROKERS, |them| {
            let request = fetching::fetch("t", 0, 0).with_replica_id(2.into());
            fetched(&ask(&mut them.alice, 12, request).await)
        }),
        line!(Fetch, "as a replica with a state", BROKERS, |them| {
            let replica = fetch_request::ReplicaState::default().with_replica_id(2.into());
            let mut request = fetching::fetch("t", 0, 0).with_replica_state(replica);
            request.topics[0].topic_id = them.topic.as_uuid();
            fetched(&ask(&mut them.alice, 17, request).await)
        }),
        line!(Fetch, "notices for brokers", BROKERS, |them| {
            let replica = fetch_request::ReplicaState::default().with_replica_id(2.into());
            let request = FetchRequest::default()
                .with_replica_state(replica)
                .with_unknown_tagged_field(10_000, Bytes::new());
            ask(&mut them.alice, 17, request).await.error_code
        }),
        line!(ListOffsets, "the end", DESCRIBE_T, |them| {
            let partition =
                list_offsets_request::ListOffsetsPartition::default().with_timestamp(-1);
            let topic = list_offsets_request::ListOffsetsTopic::default()
                .with_name(name("t"))
                .with_partitions(vec![partition]);
            let request = ListOffsetsRequest::default().with_topics(vec![topic]);
            ask(&mut them.alice, 9, request).await.topics[0].partitions[0].error_code
        }),
        line!(
            OffsetForLeaderEpoch,
            "of a partition",
            &[&[(Topic, "t", Describe)], &[(Cluster, CLUSTER, ClusterAction)]],
            |them| {
                let topic = offset_for_leader_epoch_request::OffsetForLeaderTopic::default()
                    .with_topic(name("t"))
                    .with_partitions(vec![
                        offset_for_leader_epoch_request::OffsetForLeaderPartition::default(),
                    ]);
                let request = OffsetForLeaderEpochRequest::default().with_topics(vec![topic]);
                ask(&mut them.alice, 4, request).await.topics[0].partitions[0].error_code
            }
        ),
        line!(DescribeProducers, "of a partition", READ_T, |them| {
            let topic = describe_producers_request::TopicRequest::default()
                .with_name(name("t"))
                .with_partition_indexes(vec![0]);
            let request = DescribeProducersRequest::default().with_topics(vec![topic]);
            ask(&mut them.alice, 0, request).await.topics[0].partitions[0].error_code
        }),
        line!(DeleteRecords, "before the first", &[&[(Topic, "t", Delete)]], |them| {
            let topic = delete_records_request::DeleteRecordsTopic::default()
                .with_name(name("t"))
                .with_partitions(vec![delete_records_request::DeleteRecordsPartition::default()]);
            let request = DeleteRecordsRequest::default().with_topics(vec![topic]);
            let request = request.with_timeout_ms(60_000);
            ask(&mut them.alice, 2, request).await.topics[0].partitions[0].error_code
        }),
    ]
}

fn of_metadata() -> Vec<Line> {
    vec![
        line!(Metadata, "by name", DESCRIBE_T, |them| {
            let request = metadata(Some(vec![named("t")]));
            ask(&mut them.alice, 12, request).await.topics[0].error_code
        }),
        line!(Metadata, "by id", DESCRIBE_T, |them| {
            let topic = metadata_request::MetadataRequestTopic::default()
                .with_topic_id(them.topic.as_uuid())
                .with_name(None);
            let answer = ask(&mut them.alice, 12, metadata(Some(vec![topic]))).await;
            assert_eq!(answer.topics[0].name.is_some(), answer.topics[0].error_code == 0);
            answer.topics[0].error_code
        }),
        line!(Metadata, "all", DESCRIBE_T, |them| {
            let answer = ask(&mut them.alice, 12, metadata(None)).await;
            let names = answer.topics.iter().map(|it| it.name.clone().unwrap().to_string());
            match names.collect::<Vec<_>>().contains(&"t".to_owned()) {
                true => 0,
                false => TOPIC_DENIED,
            }
        }),
        line!(
            Metadata,
            "creating",
            // A name that no topic can have, so that it is never created.
            &[
                &[(Topic, "so new", Describe), (Topic, "so new", Create)],
                &[(Topic, "so new", Describe), (Cluster, CLUSTER, Create)],
            ],
            |them| {
                let request = metadata(Some(vec![named("so new")]));
                let request = request.with_allow_auto_topic_creation(true);
                ask(&mut them.alice, 12, request).await.topics[0].error_code
            }
        ),
        line!(Metadata, "operations on the cluster", &[&[(Cluster, CLUSTER, Describe)]], |them| {
            let request = metadata(None).with_include_cluster_authorized_operations(true);
            let answer = ask(&mut them.alice, 10, request).await;
            if answer.cluster_authorized_operations == 0 { CLUSTER_DENIED } else { 0 }
        }),
        line!(DescribeTopicPartitions, "by name", DESCRIBE_T, |them| {
            let topic = describe_topic_partitions_request::TopicRequest::default();
            let request = DescribeTopicPartitionsRequest::default().with_cursor(None);
            let request = request.with_topics(vec![topic.with_name(name("t"))]);
            ask(&mut them.alice, 0, request).await.topics[0].error_code
        }),
        line!(DescribeTopicPartitions, "all", DESCRIBE_T, |them| {
            let request = DescribeTopicPartitionsRequest::default().with_cursor(None);
            let request = request.with_response_partition_limit(2000);
            let answer = ask(&mut them.alice, 0, request).await;
            let found = answer.topics.iter().any(|it| it.name.as_ref() == Some(&name("t")));
            if found { 0 } else { TOPIC_DENIED }
        }),
    ]
}

fn of_administrators() -> Vec<Line> {
    vec![
        line!(DeleteTopics, "by name", &[&[(Topic, "victim", Delete)]], |them| {
            create_victim(&mut them.root).await;
            let request = DeleteTopicsRequest::default().with_timeout_ms(1000);
            let request = request.with_topic_names(vec![name("victim")]);
            ask(&mut them.alice, 5, request).await.responses[0].error_code
        }),
        line!(DeleteTopics, "by id", &[&[(Topic, "victim", Delete)]], |them| {
            let id = create_victim(&mut them.root).await;
            let topic = delete_topics_request::DeleteTopicState::default()
                .with_name(None)
                .with_topic_id(id);
            let request = DeleteTopicsRequest::default().with_timeout_ms(1000);
            ask(&mut them.alice, 6, request.with_topics(vec![topic])).await.responses[0].error_code
        }),
        line!(CreatePartitions, "of a topic", &[&[(Topic, "t", Alter)]], |them| {
            let topic = create_partitions_request::CreatePartitionsTopic::default()
                .with_name(name("t"))
                .with_count(2)
                .with_assignments(None);
            let request = CreatePartitionsRequest::default().with_validate_only(true);
            let request = request.with_topics(vec![topic]).with_timeout_ms(1000);
            ask(&mut them.alice, 3, request).await.results[0].error_code
        }),
    ]
}

/// Makes the topic to be deleted, unless it is there; answers its id.
async fn create_victim(root: &mut crate::client::Client) -> uuid::Uuid {
    let topic = create_topics_request::CreatableTopic::default()
        .with_name(name("victim"))
        .with_num_partitions(1)
        .with_replication_factor(1);
    let request = CreateTopicsRequest::default().with_timeout_ms(60_000);
    ask(root, 7, request.with_topics(vec![topic])).await;
    ask(root, 12, metadata(Some(vec![named("victim")]))).await.topics[0].topic_id
}
