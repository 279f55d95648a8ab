//! [`Client`]: connections to brokers, and what a client knows of who leads what.

use kafka_client::Connection;
use kafka_protocol::{
    ResponseError,
    messages::{
        ListOffsetsRequest, MetadataRequest, ProduceRequest, TopicName,
        list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic},
        metadata_request::MetadataRequestTopic,
        metadata_response::MetadataResponseBroker,
    },
    protocol::{Request, StrBytes},
};
use runtime::{Randomness, net::Network};
use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};
use tokio::time;

/// The topic that all clients use.
pub const TOPIC: &str = "orders";
/// How many partitions it has.
pub const PARTITIONS: i32 = 4;

/// The timestamp that asks for a log's end.
pub const LATEST: i64 = -1;
/// The timestamp that asks for a log's start.
pub const EARLIEST: i64 = -2;

/// How long a client waits for an answer before it thinks the connection lost.
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);
/// Pause before something is tried again.
const PAUSE: Duration = Duration::from_millis(100);

/// One client's connections.
#[derive(Debug)]
pub struct Client {
    pub randomness: Randomness,
    network: Arc<dyn Network>,
    bootstrap: Vec<SocketAddr>,
    connections: BTreeMap<SocketAddr, Connection>,
    leaders: BTreeMap<i32, Leader>,
    believes: Believes,
}

/// What a client makes of a broker's word about leaders.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Believes {
    /// Nothing that is older than what it knows, as Kafka's own clients.
    TheNewest,
    /// Everything, as clients do that know nothing of epochs.
    Everybody,
}

/// Who leads a partition, by the newest that was told of it. Brokers that are behind tell what is older, as they do Kafka's clients.
#[derive(Clone, Copy, Debug)]
pub struct Leader {
    pub epoch: i32,
    pub address: SocketAddr,
    /// It did not answer, or said that it is another one.
    doubted: bool,
}

impl Client {
    pub fn new(
        network: Arc<dyn Network>,
        bootstrap: Vec<SocketAddr>,
        randomness: Randomness,
    ) -> Self {
        let (connections, leaders) = (BTreeMap::new(), BTreeMap::new());
        let believes = Believes::TheNewest;
        Self { randomness, network, bootstrap, connections, leaders, believes }
    }

    /// The same client, which believes every broker.
    pub fn trusting(mut self) -> Self {
        self.believes = Believes::Everybody;
        self
    }

    /// Sends a request; none: there was no answer, and what became of it is not known.
    pub async fn call<R: Request>(
        &mut self,
        address: SocketAddr,
        version: i16,
        request: &R,
    ) -> Option<R::Response> {
        let mut connection = match self.connections.remove(&address) {
            Some(connection) => connection,
            None => self.connect(address).await?,
        };
        let answer = time::timeout(ANSWER_PATIENCE, connection.call(request, version)).await;
        let answer = answer.ok()?.ok()?;
        self.connections.insert(address, connection);
        Some(answer)
    }

    /// Sends a request to a broker, any one.
    pub async fn call_any<R: Request>(&mut self, version: i16, request: &R) -> Option<R::Response> {
        let chosen = self.randomness.below(self.bootstrap.len() as u64) as usize;
        self.call(self.bootstrap[chosen], version, request).await
    }

    /// Waits a moment before something is tried again.
    pub async fn pause(&mut self) {
        time::sleep(PAUSE + Duration::from_millis(self.randomness.below(100))).await;
    }

    /// Who leads a partition of the topic, as far as is known.
    pub async fn leader(&mut self, partition: i32) -> Option<Leader> {
        if self.leaders.get(&partition).is_none_or(|leader| leader.doubted) {
            self.learn_leaders().await;
        }
        self.leaders.get(&partition).copied().filter(|leader| !leader.doubted)
    }

    /// Sends a batch to the partition's leader; the error code and the offset that it was given.
    pub async fn produce(
        &mut self,
        partition: i32,
        version: i16,
        request: &ProduceRequest,
    ) -> Option<(i16, u64)> {
        let leader = self.leader(partition).await?;
        let answer = self.call(leader.address, version, request).await?;
        let told = answer.responses.first()?.partition_responses.first()?;
        Some((told.error_code, told.base_offset.max(0) as u64))
    }

    /// The offset that the partition's leader tells for [`LATEST`] or [`EARLIEST`].
    ///
    /// # Panics
    /// When it refuses for good.
    pub async fn offset(&mut self, partition: i32, timestamp: i64) -> Option<i64> {
        let leader = self.leader(partition).await?;
        let asked = ListOffsetsPartition::default()
            .with_partition_index(partition)
            .with_current_leader_epoch(leader.epoch)
            .with_timestamp(timestamp);
        let asked = ListOffsetsTopic::default().with_name(topic()).with_partitions(vec![asked]);
        let request = ListOffsetsRequest::default().with_topics(vec![asked]);
        let answer = self.call(leader.address, 6, &request).await?;
        let told = answer.topics.first()?.partitions.first()?;
        match ResponseError::try_from_code(told.error_code) {
            None => Some(told.offset),
            Some(error) => {
                assert!(error.is_retriable(), "{error:?} for an offset, by {leader:?}");
                None
            }
        }
    }

    /// The partition's leader turned out to be another, or away.
    pub fn doubt_leader(&mut self, partition: i32) {
        if let Some(leader) = self.leaders.get_mut(&partition) {
            leader.doubted = true;
        }
    }

    async fn learn_leaders(&mut self) -> Option<()> {
        let topic = MetadataRequestTopic::default().with_name(Some(topic()));
        let request = MetadataRequest::default().with_topics(Some(vec![topic]));
        let answer = self.call_any(9, &request).await?;
        let address = |it: &MetadataResponseBroker| format!("{}:{}", &*it.host, it.port).parse();
        let brokers = answer.brokers.iter();
        let brokers: BTreeMap<_, SocketAddr> =
            brokers.filter_map(|it| Some((it.node_id, address(it).ok()?))).collect();
        for told in &answer.topics.first()?.partitions {
            let known = self.leaders.get(&told.partition_index).map_or(-1, |leader| leader.epoch);
            let address = brokers.get(&told.leader_id).copied();
            let believed = told.leader_epoch >= known || self.believes == Believes::Everybody;
            if let Some(address) = address.filter(|_| believed) {
                let leader = Leader { epoch: told.leader_epoch, address, doubted: false };
                self.leaders.insert(told.partition_index, leader);
            }
        }
        Some(())
    }

    async fn connect(&mut self, address: SocketAddr) -> Option<Connection> {
        let opened = Connection::open_through(self.network.as_ref(), &address.to_string()).await;
        opened.ok()
    }
}

/// The topic's name on the wire.
pub fn topic() -> TopicName {
    TopicName(StrBytes::from_static_str(TOPIC))
}

/// A partition's name in histories.
pub fn name(partition: i32) -> String {
    format!("{TOPIC}-{partition}")
}
