//! Administrative changes: topics, partitions, configs, producer ids. Each is one conditional transaction.

use crate::{
    Cluster, ClusterError, TopicInfo, config_changes, moves, producer_ids, topics, unregistering,
};
use model::{BrokerId, PartitionId, ProducerId, TopicId};
use std::{collections::BTreeMap, ops::Range, sync::Arc, time::Duration};

/// A topic to create.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewTopic {
    /// Its name, unchecked.
    pub name: String,
    /// Number of partitions; `None` is the broker's default.
    pub partitions: Option<u32>,
    /// Replication factor, stored and returned; `None` is the broker's default.
    pub replication_factor: Option<u16>,
    /// Overrides.
    pub configs: BTreeMap<String, String>,
    /// Made by the broker for itself.
    pub internal: bool,
    /// Who is to lead its partitions, in their order; those behind the last are spread over the brokers.
    pub leaders: Vec<BrokerId>,
}

/// What a config belongs to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConfigResource {
    /// A topic, by name.
    Topic(String),
    /// A broker, or (`None`) the default of all.
    Broker(Option<model::BrokerId>),
}

/// A change of one key (KIP-339).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConfigChange {
    /// Sets it.
    Set(String, String),
    /// Back to the default.
    Delete(String),
    /// Adds to a list.
    Append(String, String),
    /// Takes from a list.
    Subtract(String, String),
}

impl Cluster {
    /// Creates a topic and waits, up to `patience`, until its partitions are owned and open. `validate_only` checks and answers what would be.
    ///
    /// # Errors
    /// `TopicExists`, `InvalidTopicName`, `InvalidPartitions`, `InvalidReplicationFactor`, `InvalidConfig`, `Unavailable`.
    pub async fn create_topic(
        &self,
        topic: NewTopic,
        validate_only: bool,
        patience: Duration,
    ) -> Result<Arc<TopicInfo>, ClusterError> {
        topics::create(&self.shared, topic, validate_only, patience).await
    }

    /// Deletes a topic; its objects follow later.
    ///
    /// # Errors
    /// `UnknownTopic`, `Unavailable`.
    pub async fn delete_topic(&self, topic: TopicId) -> Result<(), ClusterError> {
        topics::delete(&self.shared, topic).await
    }

    /// Raises a topic's number of partitions to `total`; `leaders` are to lead the new ones, in their order.
    ///
    /// # Errors
    /// `UnknownTopic`, `InvalidPartitions`, `Unavailable`.
    pub async fn create_partitions(
        &self,
        topic: &str,
        total: u32,
        leaders: &[BrokerId],
        validate_only: bool,
        patience: Duration,
    ) -> Result<(), ClusterError> {
        let growth = topics::Growth { topic, total, leaders };
        topics::grow(&self.shared, growth, validate_only, patience).await
    }

    /// Forgets a broker that will not return.
    ///
    /// # Errors
    /// `UnknownBroker`; `InvalidRequest` when it lives, or owns partitions yet; `Unavailable`.
    pub async fn unregister_broker(&self, broker: BrokerId) -> Result<(), ClusterError> {
        unregistering::unregister(&self.shared, broker).await
    }

    /// Asks a partition's owner to hand it to `to`; `None` calls that off. It has begun when this answers, not ended.
    ///
    /// # Errors
    /// `UnknownBroker` when `to` does not live or is on its way out, `UnknownTopic`, `NotMoving` when there is nothing to call off,
    /// `Unavailable`.
    pub async fn move_partition(
        &self,
        partition: PartitionId,
        to: Option<BrokerId>,
    ) -> Result<(), ClusterError> {
        match to {
            Some(to) => moves::request(&self.shared, partition, to).await,
            None => moves::call_off(&self.shared, partition).await,
        }
    }

    /// Applies changes to a resource's configs, all or none.
    ///
    /// # Errors
    /// `InvalidConfig`, `UnknownTopic`, `UnknownBroker`, `Unavailable`.
    pub async fn change_configs(
        &self,
        resource: &ConfigResource,
        changes: &[ConfigChange],
        validate_only: bool,
    ) -> Result<(), ClusterError> {
        config_changes::change(&self.shared, resource, changes, validate_only).await
    }

    /// Replaces a resource's configs (the older `AlterConfigs`).
    ///
    /// # Errors
    /// As [`Cluster::change_configs`].
    pub async fn replace_configs(
        &self,
        resource: &ConfigResource,
        configs: BTreeMap<String, String>,
        validate_only: bool,
    ) -> Result<(), ClusterError> {
        config_changes::replace(&self.shared, resource, &configs, validate_only).await
    }

    /// Takes a block of producer ids that no other broker will give out.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn take_producer_ids(&self, count: u64) -> Result<Range<u64>, ClusterError> {
        producer_ids::take(&self.shared, count).await
    }

    /// One never-used producer id, from the broker's block.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn next_producer_id(&self) -> Result<ProducerId, ClusterError> {
        producer_ids::next(&self.shared).await
    }
}
