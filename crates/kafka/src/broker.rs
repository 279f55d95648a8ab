//! [`Broker`]: what every handler works with, and the look-ups that many share.

use crate::{
    budget::ByteBudget, error::Refusal, peers::Peers, schemas::Schemas, throttle::Throttles,
};
use cluster::{Cluster, Image, PartitionInfo, TopicInfo};
use coordinator::Coordinator;
use kafka_protocol::ResponseError;
use model::{PartitionId, PartitionIndex, TopicId};
use partition_log::{Partition, PartitionLogs};
use security::acl::Authorizer;
use std::{sync::Arc, time::Duration};

/// Settings that handlers read.
#[derive(Clone, Debug)]
pub struct BrokerOptions {
    /// How long a metadata request may wait for the topic that it created.
    pub auto_create_patience: Duration,
    /// `fetch.max.bytes`: most bytes of records in one fetch answer.
    pub fetch_max_bytes: usize,
    /// Bytes of records that fetch answers on their way out hold together (`fetch.buffer.max.bytes`).
    pub fetch_buffer_max_bytes: u64,
    /// Who may do what beside the cluster's access rules; without it everyone may do everything.
    pub authorizer: Option<Authorizer>,
    /// What `DescribeLogDirs` calls this broker's storage: the object store's URL.
    pub log_dir: String,
    /// Settings of this broker from flags, environment and file, for `DescribeConfigs` (key → value).
    pub static_configs: std::collections::BTreeMap<String, String>,
}

impl Default for BrokerOptions {
    fn default() -> Self {
        Self {
            auto_create_patience: Duration::from_secs(5),
            fetch_max_bytes: 55 << 20,
            fetch_buffer_max_bytes: 64 << 20,
            authorizer: None,
            log_dir: "object-store".to_owned(),
            static_configs: std::collections::BTreeMap::new(),
        }
    }
}

/// The engines behind the wire. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Broker {
    /// Who owns what.
    pub cluster: Cluster,
    /// The partitions of this broker.
    pub logs: PartitionLogs,
    /// The groups of this broker.
    pub coordinator: Coordinator,
    /// The other brokers.
    pub(crate) peers: Peers,
    /// Settings.
    pub options: Arc<BrokerOptions>,
    /// The schema registry; without one, no topic's records are checked for their schemas.
    pub(crate) schemas: Option<Arc<dyn Schemas>>,
    /// What fetch answers may hold.
    pub(crate) fetch_budget: ByteBudget,
    /// What clients have left of their quotas.
    pub(crate) throttles: Arc<Throttles>,
}

/// How a request names a topic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TopicRef<'a> {
    /// By name.
    Name(&'a str),
    /// By id (KIP-516).
    Id(TopicId),
}

/// A partition that consumers may read here.
pub(crate) enum Readable {
    /// It is open.
    Open(Partition),
    /// Another broker owns it, and it is being opened for this zone.
    Opening,
}

impl Broker {
    /// Joins the engines.
    pub fn new(
        cluster: Cluster,
        logs: PartitionLogs,
        coordinator: Coordinator,
        peers: Peers,
        options: BrokerOptions,
    ) -> Self {
        let fetch_budget = ByteBudget::new(options.fetch_buffer_max_bytes);
        let (options, throttles) = (Arc::new(options), Arc::default());
        let schemas = None;
        Self { cluster, logs, coordinator, peers, options, schemas, fetch_budget, throttles }
    }

    /// The same, with a schema registry to ask.
    #[must_use]
    pub fn with_schemas(self, schemas: Arc<dyn Schemas>) -> Self {
        Self { schemas: Some(schemas), ..self }
    }

    /// A partition that this broker owns and has open.
    ///
    /// # Errors
    /// Unknown topic, topic id or partition; not the leader.
    pub(crate) fn partition(
        &self,
        image: &Image,
        topic: TopicRef<'_>,
        index: i32,
    ) -> Result<Partition, Refusal> {
        self.partition_of(find_topic(image, topic)?, index)
    }

    /// The same, for a client's records: the internal topics are the broker's.
    ///
    /// # Errors
    /// Also `INVALID_TOPIC_EXCEPTION`, as in Kafka.
    pub(crate) fn writable_partition(
        &self,
        image: &Image,
        topic: TopicRef<'_>,
        index: i32,
    ) -> Result<Partition, Refusal> {
        self.open(Self::writable_id(image, topic, index)?)
    }

    /// A partition that takes clients' records somewhere.
    ///
    /// # Errors
    /// Unknown topic, topic id or partition; `INVALID_TOPIC_EXCEPTION` for an internal topic.
    pub(crate) fn writable_id(
        image: &Image,
        topic: TopicRef<'_>,
        index: i32,
    ) -> Result<PartitionId, Refusal> {
        let topic = find_topic(image, topic)?;
        if topic.internal {
            return Err(Refusal::new(ResponseError::InvalidTopicException, "an internal topic"));
        }
        partition_id(topic, index)
    }

    /// A partition as consumers may read it here: owned, or served to this zone for another broker.
    ///
    /// # Errors
    /// Unknown topic, topic id or partition; neither leader nor follower.
    pub(crate) fn readable(
        &self,
        image: &Image,
        topic: TopicRef<'_>,
        index: i32,
    ) -> Result<Readable, Refusal> {
        let topic = find_topic(image, topic)?;
        let id = partition_id(topic, index)?;
        if let Some(owned) = self.logs.get(id) {
            return Ok(Readable::Open(owned));
        }
        if !image.is_reader(self.cluster.broker(), topic, id.partition) {
            return Err(ResponseError::NotLeaderOrFollower.into());
        }
        Ok(self.logs.followed().get(id).map_or(Readable::Opening, Readable::Open))
    }

    fn partition_of(&self, topic: &TopicInfo, index: i32) -> Result<Partition, Refusal> {
        self.open(partition_id(topic, index)?)
    }

    /// A partition that this broker has open.
    ///
    /// # Errors
    /// Not the leader.
    pub(crate) fn open(&self, id: PartitionId) -> Result<Partition, Refusal> {
        self.logs.get(id).ok_or_else(|| ResponseError::NotLeaderOrFollower.into())
    }

    /// The broker that administrative requests are sent to. Every broker can execute them, so a live one always is
    /// named: the controller, or this broker.
    pub(crate) fn controller_id(&self, image: &Image) -> i32 {
        image
            .controller
            .filter(|controller| image.brokers.contains_key(controller))
            .unwrap_or_else(|| self.cluster.broker())
            .to_wire()
    }

    /// Another broker that leads the partition, with its epoch: where a client that came to the wrong one should go.
    pub(crate) fn other_leader(
        &self,
        image: &Image,
        topic: TopicRef<'_>,
        index: i32,
    ) -> Option<PartitionInfo> {
        let topic = find_topic(image, topic).ok()?;
        let (_, info) = find_partition(topic, index).ok()?;
        info.leader.filter(|leader| *leader != self.cluster.broker()).map(|_| info)
    }
}

/// A topic by name or id.
///
/// # Errors
/// `UNKNOWN_TOPIC_OR_PARTITION` for a name, `UNKNOWN_TOPIC_ID` for an id.
pub(crate) fn find_topic<'a>(
    image: &'a Image,
    topic: TopicRef<'_>,
) -> Result<&'a Arc<TopicInfo>, Refusal> {
    match topic {
        TopicRef::Name(name) => {
            image.topic(name).ok_or_else(|| ResponseError::UnknownTopicOrPartition.into())
        }
        TopicRef::Id(id) => {
            image.topic_by_id(id).ok_or_else(|| ResponseError::UnknownTopicId.into())
        }
    }
}

/// A partition of a topic by its number on the wire.
///
/// # Errors
/// `UNKNOWN_TOPIC_OR_PARTITION`.
pub(crate) fn find_partition(
    topic: &TopicInfo,
    index: i32,
) -> Result<(PartitionIndex, PartitionInfo), Refusal> {
    PartitionIndex::from_wire(index)
        .and_then(|index| Some((index, *topic.partitions.get(index.get() as usize)?)))
        .ok_or_else(|| ResponseError::UnknownTopicOrPartition.into())
}

/// The id of a topic's partition by its number on the wire.
///
/// # Errors
/// Unknown partition.
fn partition_id(topic: &TopicInfo, index: i32) -> Result<PartitionId, Refusal> {
    let (partition, _) = find_partition(topic, index)?;
    Ok(PartitionId { topic: topic.id, partition })
}
