//! Topics: made, given more partitions, deleted; and partitions sent to another broker.

use super::{TIMEOUT_MS, Write, accepted, text_of};
use crate::{Served, refused::Refused};
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, BrokerId, CreatePartitionsRequest, CreateTopicsRequest,
    DeleteTopicsRequest, TopicName,
    alter_partition_reassignments_request::{ReassignablePartition, ReassignableTopic},
    create_partitions_request::CreatePartitionsTopic,
    create_topics_request::{CreatableTopic, CreatableTopicConfig},
};
use serde::Deserialize;
use std::collections::BTreeMap;

const CREATE_TOPICS_VERSION: i16 = 5;
const CREATE_PARTITIONS_VERSION: i16 = 2;
const DELETE_TOPICS_VERSION: i16 = 5;
const REASSIGN_VERSION: i16 = 0;
/// As the broker has it by default.
const DEFAULT: i32 = -1;

fn topic_name(name: &str) -> TopicName {
    TopicName(text_of(name))
}

/// Makes a topic.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateTopic {
    name: String,
    /// As many as `num.partitions` when there is none.
    partitions: Option<i32>,
    #[serde(default)]
    configs: BTreeMap<String, String>,
}

impl Write for CreateTopic {
    const NAME: &'static str = "create-topic";

    fn subject(&self) -> String {
        let partitions = self.partitions.map_or("default".to_owned(), |it| it.to_string());
        format!("{}, partitions {partitions}, configs {:?}", self.name, self.configs)
    }

    async fn run(self, served: &Served) -> Result<(), Refused> {
        let config = |(name, value): (&String, &String)| {
            CreatableTopicConfig::default()
                .with_name(text_of(name))
                .with_value(Some(text_of(value)))
        };
        let topic = CreatableTopic::default()
            .with_name(topic_name(&self.name))
            .with_num_partitions(self.partitions.unwrap_or(DEFAULT))
            .with_replication_factor(DEFAULT as i16)
            .with_configs(self.configs.iter().map(config).collect());
        let request =
            CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(TIMEOUT_MS);
        let answer = served.brokers.write(None, &request, CREATE_TOPICS_VERSION).await?;
        answer
            .topics
            .iter()
            .try_for_each(|it| accepted(it.error_code, it.error_message.as_ref(), "the topic"))
    }
}

/// Gives a topic more partitions.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AddPartitions {
    name: String,
    /// How many it is to have then.
    total: i32,
}

impl Write for AddPartitions {
    const NAME: &'static str = "add-partitions";

    fn subject(&self) -> String {
        format!("{}, {} partitions in all", self.name, self.total)
    }

    async fn run(self, served: &Served) -> Result<(), Refused> {
        let topic = CreatePartitionsTopic::default()
            .with_name(topic_name(&self.name))
            .with_count(self.total)
            .with_assignments(None);
        let request =
            CreatePartitionsRequest::default().with_topics(vec![topic]).with_timeout_ms(TIMEOUT_MS);
        let answer = served.brokers.write(None, &request, CREATE_PARTITIONS_VERSION).await?;
        answer
            .results
            .iter()
            .try_for_each(|it| accepted(it.error_code, it.error_message.as_ref(), "the topic"))
    }
}

/// Deletes a topic and its records.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeleteTopic {
    name: String,
}

impl Write for DeleteTopic {
    const NAME: &'static str = "delete-topic";

    fn subject(&self) -> String {
        self.name.clone()
    }

    async fn run(self, served: &Served) -> Result<(), Refused> {
        let request = DeleteTopicsRequest::default()
            .with_topic_names(vec![topic_name(&self.name)])
            .with_timeout_ms(TIMEOUT_MS);
        let answer = served.brokers.write(None, &request, DELETE_TOPICS_VERSION).await?;
        answer
            .responses
            .iter()
            .try_for_each(|it| accepted(it.error_code, it.error_message.as_ref(), "the topic"))
    }
}

/// Sends a partition to another broker: the answer says that the move has begun.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MovePartition {
    topic: String,
    partition: i32,
    broker: i32,
}

impl Write for MovePartition {
    const NAME: &'static str = "move-partition";

    fn subject(&self) -> String {
        format!("{}-{} to broker {}", self.topic, self.partition, self.broker)
    }

    async fn run(self, served: &Served) -> Result<(), Refused> {
        let partition = ReassignablePartition::default()
            .with_partition_index(self.partition)
            .with_replicas(Some(vec![BrokerId(self.broker)]));
        let topic = ReassignableTopic::default()
            .with_name(topic_name(&self.topic))
            .with_partitions(vec![partition]);
        let request = AlterPartitionReassignmentsRequest::default()
            .with_timeout_ms(TIMEOUT_MS)
            .with_topics(vec![topic]);
        let answer = served.brokers.write(None, &request, REASSIGN_VERSION).await?;
        accepted(answer.error_code, answer.error_message.as_ref(), "the move")?;
        let mut partitions = answer.responses.iter().flat_map(|topic| &topic.partitions);
        partitions
            .try_for_each(|it| accepted(it.error_code, it.error_message.as_ref(), "the partition"))
    }
}
