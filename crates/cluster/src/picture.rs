//! Draws an [`Image`] from a [`View`]: what clients are told of the cluster.

use crate::{
    BrokerInfo, Endpoint, Image, PartitionInfo, TopicInfo,
    view::{View, wal_of},
    zones::{RACK_AWARE, ZoneReaders, zone_readers},
};
use formats::metadata::{DurabilityMode as StoredMode, Owner, Topic};
use metadata::families::ConfigResource;
use model::{
    BrokerId, ClusterId, LeaderEpoch, PartitionId, PartitionIndex, TopicId, TopicName, WalId,
    config::{ConfigLayers, DurabilityMode, TopicSettings, broker::REPLICA_SELECTOR_CLASS},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Draws the image that broker `this` shows.
pub(crate) fn draw(
    view: &View,
    cluster_id: &ClusterId,
    this: BrokerId,
    fixed: &BTreeMap<String, String>,
) -> Image {
    let defaults = view.configs_of(ConfigResource::ClusterDefault);
    let broker_configs: BTreeMap<_, _> = view
        .brokers
        .keys()
        .map(|id| (*id, Arc::new(view.configs_of(ConfigResource::Broker(*id)))))
        .filter(|(_, configs)| !configs.is_empty())
        .collect();
    let own = view.configs_of(ConfigResource::Broker(this));
    let layers = ConfigLayers { topic: None, broker: &own, default_broker: &defaults, fixed };
    let drawing =
        Drawing { view, live_wals: view.live_wals(), inherited: layers.merged_broker_values() };
    let topics: BTreeMap<_, _> = view
        .topics
        .iter()
        .filter_map(|(id, stored)| drawing.topic(*id, &stored.value))
        .map(|topic| (topic.name.clone(), topic))
        .collect();
    let (brokers, fenced): (BTreeMap<_, _>, BTreeMap<_, _>) =
        brokers(view).partition(|(id, _)| view.sessions.contains_key(id));
    Image {
        revision: view.revision,
        cluster_id: cluster_id.clone(),
        controller: view.controller.as_ref().and_then(|it| BrokerId::new(it.value.broker)),
        zone_readers: match fixed.get(REPLICA_SELECTOR_CLASS.name).map(String::as_str) {
            Some(RACK_AWARE) => zone_readers(&brokers, brokers.values().chain(fenced.values())),
            _ => ZoneReaders::new(),
        },
        brokers,
        fenced_brokers: fenced,
        lapsed: BTreeMap::new(),
        topics_by_id: topics.values().map(|topic| (topic.id, Arc::clone(topic))).collect(),
        topics,
        default_broker_configs: Arc::new(defaults),
        broker_configs,
    }
}

struct Drawing<'a> {
    view: &'a View,
    live_wals: BTreeSet<WalId>,
    inherited: BTreeMap<String, String>,
}

impl Drawing<'_> {
    /// `None` for a record whose name is no topic name: nobody can ask for it.
    fn topic(&self, id: TopicId, topic: &Topic) -> Option<Arc<TopicInfo>> {
        let configs = self.view.configs_of(ConfigResource::Topic(id));
        let settings = TopicSettings::resolve(&configs, &self.inherited);
        let indexes = (0..topic.partitions).filter_map(PartitionIndex::new);
        let partitions = indexes.map(|partition| {
            let id = PartitionId { topic: id, partition };
            let owner = self.view.owners.get(&id);
            let moving = self.view.moves.get(&id);
            let moving_to = moving.and_then(|stored| BrokerId::new(stored.value.to));
            let info = owner.map_or(UNASSIGNED, |stored| self.partition(&stored.value));
            let moves = |to: &BrokerId| info.owner.is_some_and(|owner| owner != *to);
            PartitionInfo { moving_to: moving_to.filter(moves), ..info }
        });
        Some(Arc::new(TopicInfo {
            id,
            name: TopicName::new(&topic.name).ok()?,
            replication_factor: u16::try_from(topic.replication_factor).unwrap_or(u16::MAX),
            internal: topic.internal,
            partitions: partitions.collect(),
            configs: Arc::new(configs),
            settings: Arc::new(settings),
        }))
    }

    fn partition(&self, record: &Owner) -> PartitionInfo {
        let owner = BrokerId::new(record.broker);
        let over = self.view.is_over(record);
        let mode = mode_of(record);
        let returns = wal_of(record).is_some_and(|wal| self.live_wals.contains(&wal));
        PartitionInfo {
            leader: owner.filter(|_| !over),
            owner,
            leader_epoch: LeaderEpoch::new(record.leader_epoch).unwrap_or_default(),
            mode,
            moving_to: None,
            offline: over && !returns && mode == Some(DurabilityMode::Wal) && !record.clean,
        }
    }
}

const UNASSIGNED: PartitionInfo = PartitionInfo {
    leader: None,
    owner: None,
    leader_epoch: LeaderEpoch::ZERO,
    mode: None,
    moving_to: None,
    offline: false,
};

/// The mode in force that an owner record names.
pub(crate) fn mode_of(record: &Owner) -> Option<DurabilityMode> {
    match StoredMode::try_from(record.mode) {
        Ok(StoredMode::Object) => Some(DurabilityMode::Object),
        Ok(StoredMode::Wal) => Some(DurabilityMode::Wal),
        _ => None,
    }
}

/// A mode as owner records carry it.
pub(crate) fn stored_mode(mode: DurabilityMode) -> i32 {
    match mode {
        DurabilityMode::Object => StoredMode::Object as i32,
        DurabilityMode::Wal => StoredMode::Wal as i32,
    }
}

/// Every broker that is registered, alive or not.
fn brokers(view: &View) -> impl Iterator<Item = (BrokerId, BrokerInfo)> {
    let records = view.brokers.iter().map(|(id, stored)| (*id, &stored.value));
    records.map(|(id, record)| {
        let endpoints = record.endpoints.iter().filter_map(|endpoint| {
            Some(Endpoint {
                listener: endpoint.listener.clone(),
                host: endpoint.host.clone(),
                port: u16::try_from(endpoint.port).ok()?,
            })
        });
        let info = BrokerInfo {
            id,
            endpoints: endpoints.collect(),
            rack: record.rack.clone(),
            draining: record.draining,
        };
        (id, info)
    })
}
