//! Joins the engines: each declares a small port, the adapters here fill it with the other.

use async_trait::async_trait;
use cluster::{ClaimedPartition, Cluster, Ownership};
use coordinator::{Coordinator, SlotClaim, SlotKind, Topics, group::TopicCatalog};
use kafka::ImageCatalog;
use model::{LeaderEpoch, PartitionId, SessionId, TopicId, TopicName, config::TopicSettings};
use partition_log::{Authority, Claim, PartitionLogs};
use std::{collections::BTreeMap, sync::Arc};

/// The log's question about its lease, answered by the cluster.
#[derive(Debug)]
pub(crate) struct ClusterAuthority(pub(crate) Cluster);

impl Authority for ClusterAuthority {
    fn lease_holds(&self, session: SessionId) -> bool {
        self.0.lease_holds(session)
    }
}

/// The topics that a coordinator asks about, as the cluster shows them.
#[derive(Debug)]
pub(crate) struct ClusterTopics(pub(crate) Cluster);

impl Topics for ClusterTopics {
    fn name(&self, topic: TopicId) -> Option<TopicName> {
        self.0.image().topic_by_id(topic).map(|info| info.name.clone())
    }

    fn catalog(&self) -> Arc<dyn TopicCatalog> {
        Arc::new(ImageCatalog(self.0.image()))
    }
}

/// The cluster's partitions, opened and closed in the log engine; those that are coordinator slots there too.
#[derive(Debug)]
pub(crate) struct Engines {
    pub(crate) logs: PartitionLogs,
    pub(crate) coordinator: Coordinator,
}

#[async_trait]
impl Ownership for Engines {
    fn session_began(&self, session: cluster::SessionStamp) {
        let cluster::SessionStamp { id, create_revision, broker } = session;
        self.logs.begin_session(partition_log::SessionStamp { id, create_revision, broker });
        self.coordinator.session_began(coordinator::SessionStamp { id, create_revision, broker });
    }

    fn session_lost(&self, session: SessionId) {
        self.logs.session_lost(session);
        self.coordinator.session_lost(session);
    }

    async fn open(&self, claims: Vec<ClaimedPartition>) -> Vec<(PartitionId, String)> {
        let partitions: Vec<PartitionId> = claims.iter().map(|claim| claim.partition).collect();
        let slots: Vec<_> = claims.iter().map(slot_claim).collect();
        let claims = claims.into_iter().map(claim).collect();
        let opened = self.logs.open(claims).await;
        let served = slots.into_iter().zip(&opened).filter(|(_, opened)| opened.is_ok());
        for slot in served.filter_map(|(slot, _)| slot) {
            self.coordinator.open(slot);
        }
        let failed = partitions.into_iter().zip(opened);
        failed
            .filter_map(|(id, result)| result.err().map(|error| (id, error.to_string())))
            .collect()
    }

    async fn seal(&self, partitions: &[PartitionId]) -> Result<u64, String> {
        for partition in partitions {
            self.coordinator.seal(*partition).await.map_err(|error| error.to_string())?;
        }
        self.logs.seal(partitions).await.map_err(|error| error.to_string())
    }

    fn unseal(&self, partitions: &[PartitionId]) {
        self.logs.unseal(partitions);
        for log in partitions.iter().filter_map(|it| self.logs.get(*it)) {
            if let Some(kind) = SlotKind::of_topic(log.topic().as_str()) {
                let epoch = log.watermarks().leader_epoch;
                self.coordinator.open(SlotClaim { kind, partition: log.id(), epoch });
            }
        }
    }

    fn close(&self, partitions: &[PartitionId]) {
        for partition in partitions {
            self.logs.close_partition(*partition);
            self.coordinator.close(*partition);
        }
    }

    fn carried_bytes(&self) -> BTreeMap<PartitionId, u64> {
        self.logs.all().iter().map(|log| (log.id(), log.carried_bytes())).collect()
    }

    fn settings_changed(&self, topic: TopicId, settings: Arc<TopicSettings>) {
        for partition in self.logs.all() {
            if partition.id().topic == topic {
                partition.apply_settings(Arc::clone(&settings));
            }
        }
    }
}

/// The slot that a partition is, if it is one.
fn slot_claim(claimed: &ClaimedPartition) -> Option<SlotClaim> {
    let kind = SlotKind::of_topic(claimed.topic.as_str())?;
    let epoch = LeaderEpoch::new(claimed.owner.leader_epoch)?;
    Some(SlotClaim { kind, partition: claimed.partition, epoch })
}

/// A claim as the log engine takes it.
pub(crate) fn claim(claimed: ClaimedPartition) -> Claim {
    Claim {
        partition: claimed.partition,
        owner: claimed.owner,
        owner_revision: claimed.owner_revision,
        topic: claimed.topic,
        settings: claimed.settings,
    }
}
