//! Requests in few words: one topic and one partition unless said otherwise.

pub mod groups;
pub mod transactions;

use crate::exam::Topic;
use bytes::Bytes;
use formats::{compression::Codec, record_batch::BatchBuilder};
use kafka_protocol::{
    messages::{
        AlterConfigsRequest, BrokerId, CreatePartitionsRequest, CreateTopicsRequest,
        DeleteRecordsRequest, DeleteTopicsRequest, DescribeConfigsRequest, FetchRequest,
        IncrementalAlterConfigsRequest, InitProducerIdRequest, ListOffsetsRequest, MetadataRequest,
        OffsetForLeaderEpochRequest, ProduceRequest, TopicName, alter_configs_request,
        create_partitions_request::CreatePartitionsTopic,
        create_topics_request::{CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig},
        delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic},
        delete_topics_request::DeleteTopicState,
        describe_configs_request::DescribeConfigsResource,
        fetch_request::{FetchPartition, FetchTopic},
        incremental_alter_configs_request,
        list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic},
        metadata_request::MetadataRequestTopic,
        offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic},
        produce_request::{PartitionProduceData, TopicProduceData},
    },
    protocol::StrBytes,
};
use uuid::Uuid;

/// When the records of scenarios were made.
pub const CREATED: i64 = 1_700_000_000_000;
const TIMEOUT_MS: i32 = 30_000;

pub fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

pub fn name(topic: &str) -> TopicName {
    TopicName(text(topic))
}

/// A topic that does not exist.
pub fn missing() -> Topic {
    Topic { name: "no-such-topic".to_owned(), id: Uuid::from_bytes([7; 16]) }
}

/// A batch of records with these values, a second apart.
pub fn batch(values: &[&str]) -> Bytes {
    filled(BatchBuilder::new(Codec::None), values).build()
}

/// The builder with records of these values.
pub fn filled(mut builder: BatchBuilder, values: &[&str]) -> BatchBuilder {
    for (time, value) in (CREATED..).step_by(1_000).zip(values) {
        builder.push(time, Some(b"key"), Some(value.as_bytes()), &[]);
    }
    builder
}

pub fn produce(topic: &Topic, records: Bytes) -> ProduceRequest {
    produce_to(topic, 0, Some(records))
}

pub fn produce_to(topic: &Topic, partition: i32, records: Option<Bytes>) -> ProduceRequest {
    let partition = PartitionProduceData::default().with_index(partition).with_records(records);
    let topic = TopicProduceData::default()
        .with_name(name(&topic.name))
        .with_topic_id(topic.id)
        .with_partition_data(vec![partition]);
    ProduceRequest::default().with_acks(-1).with_timeout_ms(TIMEOUT_MS).with_topic_data(vec![topic])
}

pub fn fetch_partition(partition: i32, offset: i64) -> FetchPartition {
    FetchPartition::default()
        .with_partition(partition)
        .with_fetch_offset(offset)
        .with_current_leader_epoch(-1)
        .with_last_fetched_epoch(-1)
        .with_log_start_offset(-1)
        .with_partition_max_bytes(1 << 20)
}

pub fn fetch_of(topic: &Topic, partitions: Vec<FetchPartition>) -> FetchRequest {
    let topic = FetchTopic::default()
        .with_topic(name(&topic.name))
        .with_topic_id(topic.id)
        .with_partitions(partitions);
    FetchRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_max_wait_ms(0)
        .with_min_bytes(1)
        .with_max_bytes(50 << 20)
        .with_session_epoch(-1)
        .with_topics(vec![topic])
}

pub fn fetch(topic: &Topic, offset: i64) -> FetchRequest {
    fetch_of(topic, vec![fetch_partition(0, offset)])
}

pub fn list_offsets(topic: &Topic, partition: i32, timestamp: i64) -> ListOffsetsRequest {
    let partition = ListOffsetsPartition::default()
        .with_partition_index(partition)
        .with_current_leader_epoch(-1)
        .with_timestamp(timestamp);
    let topic =
        ListOffsetsTopic::default().with_name(name(&topic.name)).with_partitions(vec![partition]);
    ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![topic])
}

pub fn end_of_epoch(topic: &Topic, partition: i32, epoch: i32) -> OffsetForLeaderEpochRequest {
    let partition = OffsetForLeaderPartition::default()
        .with_partition(partition)
        .with_current_leader_epoch(-1)
        .with_leader_epoch(epoch);
    let topic = OffsetForLeaderTopic::default()
        .with_topic(name(&topic.name))
        .with_partitions(vec![partition]);
    OffsetForLeaderEpochRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![topic])
}

pub fn delete_records(topic: &Topic, partition: i32, offset: i64) -> DeleteRecordsRequest {
    let partition =
        DeleteRecordsPartition::default().with_partition_index(partition).with_offset(offset);
    let topic =
        DeleteRecordsTopic::default().with_name(name(&topic.name)).with_partitions(vec![partition]);
    DeleteRecordsRequest::default().with_timeout_ms(TIMEOUT_MS).with_topics(vec![topic])
}

pub fn metadata_topic(topic: &str) -> MetadataRequestTopic {
    MetadataRequestTopic::default().with_name(Some(name(topic)))
}

/// Asks for these topics, and wants none of them made.
pub fn metadata(topics: Vec<MetadataRequestTopic>) -> MetadataRequest {
    MetadataRequest::default().with_topics(Some(topics)).with_allow_auto_topic_creation(false)
}

pub fn topic(name: &str, partitions: i32, configs: &[(&str, &str)]) -> CreatableTopic {
    let config = |(key, value): &(&str, &str)| {
        CreatableTopicConfig::default().with_name(text(key)).with_value(Some(text(value)))
    };
    CreatableTopic::default()
        .with_name(TopicName(text(name)))
        .with_num_partitions(partitions)
        .with_replication_factor(1)
        .with_configs(configs.iter().map(config).collect())
}

/// The topic with all its partitions on one broker.
pub fn led_by(topic: CreatableTopic, broker: i32) -> CreatableTopic {
    let assigned = |index| {
        CreatableReplicaAssignment::default()
            .with_partition_index(index)
            .with_broker_ids(vec![BrokerId(broker)])
    };
    let assignments = (0..topic.num_partitions).map(assigned).collect();
    topic.with_num_partitions(-1).with_replication_factor(-1).with_assignments(assignments)
}

pub fn create_topic(topic: CreatableTopic) -> CreateTopicsRequest {
    create_topics(vec![topic])
}

pub fn create_topics(topics: Vec<CreatableTopic>) -> CreateTopicsRequest {
    CreateTopicsRequest::default().with_timeout_ms(TIMEOUT_MS).with_topics(topics)
}

/// By name, up to version 5.
pub fn delete_named(topics: &[&str]) -> DeleteTopicsRequest {
    let names = topics.iter().map(|topic| name(topic)).collect();
    DeleteTopicsRequest::default().with_timeout_ms(TIMEOUT_MS).with_topic_names(names)
}

/// By name or id, from version 6.
pub fn delete_topic(name: Option<TopicName>, id: Uuid) -> DeleteTopicsRequest {
    let topic = DeleteTopicState::default().with_name(name).with_topic_id(id);
    DeleteTopicsRequest::default().with_timeout_ms(TIMEOUT_MS).with_topics(vec![topic])
}

pub fn create_partitions(topic: &str, count: i32) -> CreatePartitionsRequest {
    let topic = CreatePartitionsTopic::default()
        .with_name(name(topic))
        .with_count(count)
        .with_assignments(None);
    CreatePartitionsRequest::default().with_timeout_ms(TIMEOUT_MS).with_topics(vec![topic])
}

/// What configs belong to: 2 a topic, 4 a broker.
pub fn describe_configs(kind: i8, resource: &str, keys: Option<&[&str]>) -> DescribeConfigsRequest {
    let keys = keys.map(|keys| keys.iter().map(|key| text(key)).collect());
    let resource = DescribeConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(resource))
        .with_configuration_keys(keys);
    DescribeConfigsRequest::default().with_resources(vec![resource])
}

pub fn alter_configs(kind: i8, resource: &str, configs: &[(&str, &str)]) -> AlterConfigsRequest {
    let config = |(key, value): &(&str, &str)| {
        alter_configs_request::AlterableConfig::default()
            .with_name(text(key))
            .with_value(Some(text(value)))
    };
    let resource = alter_configs_request::AlterConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(resource))
        .with_configs(configs.iter().map(config).collect());
    AlterConfigsRequest::default().with_resources(vec![resource])
}

/// What is to be done with a config.
#[derive(Clone, Copy)]
#[repr(i8)]
pub enum Change {
    Set,
    Delete,
    Append,
    Subtract,
}

pub fn change_config(
    kind: i8,
    resource: &str,
    changes: &[(&str, Change, Option<&str>)],
) -> IncrementalAlterConfigsRequest {
    use incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
    let change = |(key, change, value): &(&str, Change, Option<&str>)| {
        AlterableConfig::default()
            .with_name(text(key))
            .with_config_operation(*change as i8)
            .with_value(value.map(text))
    };
    let resource = AlterConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(resource))
        .with_configs(changes.iter().map(change).collect());
    IncrementalAlterConfigsRequest::default().with_resources(vec![resource])
}

/// A producer id without a transactional id.
pub fn init_producer_id() -> InitProducerIdRequest {
    InitProducerIdRequest::default()
        .with_transactional_id(None)
        .with_transaction_timeout_ms(60_000)
        .with_producer_id((-1).into())
        .with_producer_epoch(-1)
}
