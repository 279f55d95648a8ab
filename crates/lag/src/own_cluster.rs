//! [`OwnCluster`]: the cluster that this broker is of, as the wiring shows it. Each broker judges the groups that it coordinates.

use async_trait::async_trait;
use std::fmt::Debug;

/// Who coordinates a group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Whose {
    /// This broker.
    Ours,
    /// Another one.
    Of(OtherBroker),
    /// Nobody at this moment.
    Nobodys,
}

/// Another broker of this cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OtherBroker {
    /// Its number.
    pub id: u32,
    /// `host:port` of its HTTP port; `None` when it has none.
    pub http: Option<String>,
}

/// A partition of this broker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OwnPartition {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: u32,
    /// First offset that can be read.
    pub start: i64,
    /// End of what consumers may see.
    pub end: i64,
}

/// What the evaluator asks of its own cluster.
#[async_trait]
pub trait OwnCluster: Send + Sync + Debug + 'static {
    /// Who coordinates a group.
    fn whose(&self, group: &str) -> Whose;

    /// The other brokers that live.
    fn other_brokers(&self) -> Vec<OtherBroker>;

    /// The number and `host:port` of all that live.
    fn brokers(&self) -> Vec<(u32, String)>;

    /// Every topic, and how many partitions it has.
    fn topics(&self) -> Vec<(String, usize)>;

    /// The end of a partition's log, if it lies here.
    fn log_end(&self, topic: &str, partition: u32) -> Option<i64>;

    /// The partitions that lie here.
    fn partitions(&self) -> Vec<OwnPartition>;

    /// The ends of a topic's logs, wherever they lie, by partition; `None` when there is no such topic, or where it is not known.
    async fn log_ends(&self, topic: &str) -> Option<Vec<Option<i64>>>;
}
