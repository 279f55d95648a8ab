//! Joins the console with the engines: the cluster as it sees it, and the way to its brokers.

use ::console::{BrokerLine, ClusterPicture, Listener, PartitionLine, Topic, TopicLine};
use async_trait::async_trait;
use cluster::{BrokerInfo, Cluster, PartitionInfo, TopicInfo};
use coordinator::SlotKind;
use kafka::{Peers, coordinator_of};
use kafka_client::Connection;
use model::BrokerId;
use std::collections::HashMap;

/// The cluster, as this broker's console sees it.
#[derive(Debug)]
pub(crate) struct ConsoleCluster {
    pub(crate) cluster: Cluster,
    pub(crate) peers: Peers,
}

#[async_trait]
impl ::console::Cluster for ConsoleCluster {
    fn picture(&self) -> ClusterPicture {
        let image = self.cluster.image();
        let mut led = HashMap::<BrokerId, usize>::new();
        let mut arriving = HashMap::<BrokerId, usize>::new();
        let (mut partitions, mut leaderless, mut offline, mut moving) = (0, 0, 0, 0);
        for partition in image.topics.values().flat_map(|topic| &topic.partitions) {
            partitions += 1;
            match partition.leader {
                Some(leader) => *led.entry(leader).or_default() += 1,
                None => leaderless += 1,
            }
            offline += usize::from(partition.offline);
            moving += usize::from(partition.moving_to.is_some());
            if let Some(to) = partition.moving_to {
                *arriving.entry(to).or_default() += 1;
            }
        }
        let line = |broker: &BrokerInfo, fenced| {
            let of = |counts: &HashMap<BrokerId, usize>| {
                counts.get(&broker.id).copied().unwrap_or_default()
            };
            BrokerLine { fenced, partitions: of(&led), arriving: of(&arriving), ..line(broker) }
        };
        let living = image.brokers.values().map(|broker| line(broker, false));
        let fenced = image.fenced_brokers.values().map(|broker| line(broker, true));
        let mut brokers: Vec<BrokerLine> = living.chain(fenced).collect();
        brokers.sort_by_key(|broker| broker.id);
        ClusterPicture {
            cluster_id: image.cluster_id.to_string(),
            this_broker: self.cluster.broker().get(),
            controller: image.controller.map(BrokerId::get),
            brokers,
            topics: image.topics.len(),
            partitions,
            leaderless,
            offline,
            moving,
        }
    }

    fn topics(&self) -> Vec<TopicLine> {
        let line = |topic: &TopicInfo| TopicLine {
            name: topic.name.as_str().to_owned(),
            internal: topic.internal,
            partitions: topic.partitions.len(),
            leaderless: topic.partitions.iter().filter(|it| it.leader.is_none()).count(),
        };
        self.cluster.image().topics.values().map(|topic| line(topic)).collect()
    }

    fn topic(&self, name: &str) -> Option<Topic> {
        let image = self.cluster.image();
        let topic = image.topic(name)?;
        let partition = |partition: &PartitionInfo| PartitionLine {
            leader: partition.leader.map(BrokerId::get),
            leader_epoch: partition.leader_epoch.to_wire(),
            durability: partition.mode.map(model::config::DurabilityMode::as_str),
            offline: partition.offline,
            moving_to: partition.moving_to.map(BrokerId::get),
        };
        Some(Topic {
            name: topic.name.as_str().to_owned(),
            id: topic.id.to_string(),
            internal: topic.internal,
            replication_factor: topic.replication_factor,
            partitions: topic.partitions.iter().map(partition).collect(),
        })
    }

    fn coordinator(&self, group: &str) -> Option<u32> {
        let image = self.cluster.image();
        coordinator_of(&image, SlotKind::Groups, group).map(BrokerId::get)
    }

    async fn connect(&self, broker: u32) -> Result<Connection, String> {
        let image = self.cluster.image();
        let known = BrokerId::new(broker).and_then(|id| image.brokers.get(&id));
        let known = known.ok_or_else(|| format!("broker {broker} is not up"))?;
        self.peers.connect(known).await
    }
}

fn line(broker: &BrokerInfo) -> BrokerLine {
    let listeners = broker
        .endpoints
        .iter()
        .map(|endpoint| Listener { name: endpoint.listener.clone(), address: endpoint.address() });
    BrokerLine {
        id: broker.id.get(),
        rack: broker.rack.clone(),
        fenced: false,
        draining: broker.draining,
        listeners: listeners.collect(),
        partitions: 0,
        arriving: 0,
    }
}
