//! [`Cluster`]: the cluster that this broker is of, as the wiring shows it, and the way to its brokers.

use async_trait::async_trait;
use kafka_client::Connection;
use serde::Serialize;
use std::fmt::Debug;

/// What the console asks of its own cluster. All but `connect` is answered from memory.
#[async_trait]
pub trait Cluster: Send + Sync + Debug + 'static {
    /// The cluster as a whole.
    fn picture(&self) -> ClusterPicture;

    /// Every topic, by name.
    fn topics(&self) -> Vec<TopicLine>;

    /// One topic.
    fn topic(&self, name: &str) -> Option<Topic>;

    /// The broker that coordinates a group; `None` when nobody does at this moment.
    fn coordinator(&self, group: &str) -> Option<u32>;

    /// A connection to a broker, on which this broker has logged in as itself.
    ///
    /// # Errors
    /// A sentence: the broker is not known, or can't be reached.
    async fn connect(&self, broker: u32) -> Result<Connection, String>;
}

/// The cluster as a whole.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ClusterPicture {
    /// Its id.
    pub cluster_id: String,
    /// The broker that answers.
    pub this_broker: u32,
    /// The broker that decides who owns what.
    pub controller: Option<u32>,
    /// Brokers that live, and those that are expected back, by number.
    pub brokers: Vec<BrokerLine>,
    /// How many topics there are, the brokers' own among them.
    pub topics: usize,
    /// How many partitions these have.
    pub partitions: usize,
    /// Partitions that no broker leads.
    pub leaderless: usize,
    /// Those of them that wait for the disk of a dead owner.
    pub offline: usize,
    /// Partitions on their way to another broker.
    pub moving: usize,
}

/// A broker.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct BrokerLine {
    /// Its number.
    pub id: u32,
    /// Its zone.
    pub rack: Option<String>,
    /// Whether it has no session now.
    pub fenced: bool,
    /// Whether it is on its way out.
    pub draining: bool,
    /// Where it is reached.
    pub listeners: Vec<Listener>,
    /// Partitions that it leads.
    pub partitions: usize,
    /// Partitions on their way to it.
    pub arriving: usize,
}

/// Where a broker is reached.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Listener {
    /// The listener's name.
    pub name: String,
    /// `host:port`.
    pub address: String,
}

/// A topic in a list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct TopicLine {
    /// Its name.
    pub name: String,
    /// Whether brokers made it for themselves.
    pub internal: bool,
    /// How many partitions it has.
    pub partitions: usize,
    /// Those of them that no broker leads.
    pub leaderless: usize,
}

/// A topic.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// Whether brokers made it for themselves.
    pub internal: bool,
    /// The replication factor that was asked for.
    pub replication_factor: u16,
    /// Its partitions, by index.
    pub partitions: Vec<PartitionLine>,
}

/// A partition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartitionLine {
    /// The broker that leads it.
    pub leader: Option<u32>,
    /// The leader's epoch.
    pub leader_epoch: i32,
    /// What an acknowledgement waits for there: `wal` or `object`.
    pub durability: Option<&'static str>,
    /// Whether it waits for the disk of a dead owner.
    pub offline: bool,
    /// The broker that it is on its way to.
    pub moving_to: Option<u32>,
}
