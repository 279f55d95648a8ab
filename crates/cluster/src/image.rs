//! The image: an immutable picture of the cluster, replaced as watches bring changes.

use crate::zones::ZoneReaders;
use metadata::Revision;
use model::{
    BrokerId, ClusterId, LeaderEpoch, TopicId, TopicName,
    config::{DurabilityMode, TopicSettings},
};
use runtime::BootTime;
use std::{collections::BTreeMap, sync::Arc};

/// The cluster as of one revision.
#[derive(Clone, Debug)]
pub struct Image {
    /// As of.
    pub revision: Revision,
    /// The cluster's id.
    pub cluster_id: ClusterId,
    /// The broker that holds `controller`.
    pub controller: Option<BrokerId>,
    /// Brokers with a session.
    pub brokers: BTreeMap<BrokerId, BrokerInfo>,
    /// Brokers without one that have not been unregistered.
    pub fenced_brokers: BTreeMap<BrokerId, BrokerInfo>,
    /// Those of them that lost theirs a moment ago without saying that they leave, and until when clients are told of them.
    pub lapsed: BTreeMap<BrokerId, BootTime>,
    /// Topics by name.
    pub topics: BTreeMap<TopicName, Arc<TopicInfo>>,
    /// The same topics by id.
    pub topics_by_id: BTreeMap<TopicId, Arc<TopicInfo>>,
    /// Dynamic configs of all brokers (`configs/brokers/default`).
    pub default_broker_configs: Arc<BTreeMap<String, String>>,
    /// Dynamic configs of single brokers.
    pub broker_configs: BTreeMap<BrokerId, Arc<BTreeMap<String, String>>>,
    /// Who serves an owner's partitions to other zones; nobody unless `replica.selector.class` asks for it.
    pub(crate) zone_readers: ZoneReaders,
}

/// A broker, as it last registered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BrokerInfo {
    /// Its number.
    pub id: BrokerId,
    /// Where clients reach it.
    pub endpoints: Vec<Endpoint>,
    /// Its zone.
    pub rack: Option<String>,
    /// On its way out.
    pub draining: bool,
}

impl BrokerInfo {
    /// Where it is reached under the name of a listener; `None` when it does not have that.
    pub fn endpoint(&self, listener: &str) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.listener == listener)
    }
}

/// A listener as advertised.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    /// The listener's name.
    pub listener: String,
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl Endpoint {
    /// `host:port`.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// A topic.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TopicInfo {
    /// Its id.
    pub id: TopicId,
    /// Its name.
    pub name: TopicName,
    /// The replication factor that was asked for.
    pub replication_factor: u16,
    /// Made by the broker for itself.
    pub internal: bool,
    /// Its partitions, by index.
    pub partitions: Vec<PartitionInfo>,
    /// Its own overrides.
    pub configs: Arc<BTreeMap<String, String>>,
    /// Settings in force.
    pub settings: Arc<TopicSettings>,
}

/// A partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PartitionInfo {
    /// Its owner, when that one is alive and the partition not offline.
    pub leader: Option<BrokerId>,
    /// The owner named by the record, alive or not.
    pub owner: Option<BrokerId>,
    /// Epoch of the record; 0 while unassigned.
    pub leader_epoch: LeaderEpoch,
    /// Mode in force.
    pub mode: Option<DurabilityMode>,
    /// The broker that its owner is about to hand it to.
    pub moving_to: Option<BrokerId>,
    /// `wal` data of a dead owner is missing: waits for its disk (or an unclean takeover).
    pub offline: bool,
}

impl Image {
    /// A topic by name.
    pub fn topic(&self, name: &str) -> Option<&Arc<TopicInfo>> {
        self.topics.get(name)
    }

    /// A topic by id.
    pub fn topic_by_id(&self, id: TopicId) -> Option<&Arc<TopicInfo>> {
        self.topics_by_id.get(&id)
    }
}
