//! Joins the engines: each declares a small port, the adapters here fill it with the other.

use async_trait::async_trait;
use cluster::{ClaimedPartition, Cluster, Ownership};
use model::{PartitionId, SessionId, TopicId, config::TopicSettings};
use observability::Health;
use partition_log::{Authority, Claim, PartitionLogs};
use std::sync::Arc;

/// The log's question about its lease, answered by the cluster.
#[derive(Debug)]
pub(crate) struct ClusterAuthority(pub(crate) Cluster);

impl Authority for ClusterAuthority {
    fn lease_holds(&self, session: SessionId) -> bool {
        self.0.lease_holds(session)
    }
}

/// The cluster's partitions, opened and closed in the log engine.
#[derive(Debug)]
pub(crate) struct LogOwnership(pub(crate) PartitionLogs);

#[async_trait]
impl Ownership for LogOwnership {
    fn session_began(&self, session: cluster::SessionStamp) {
        self.0.begin_session(partition_log::SessionStamp {
            id: session.id,
            create_revision: session.create_revision,
            broker: session.broker,
        });
    }

    fn session_lost(&self, session: SessionId) {
        self.0.session_lost(session);
    }

    async fn open(&self, claims: Vec<ClaimedPartition>) -> Vec<(PartitionId, String)> {
        let partitions: Vec<PartitionId> = claims.iter().map(|claim| claim.partition).collect();
        let claims = claims.into_iter().map(claim).collect();
        let opened = self.0.open(claims).await;
        let failed = partitions.into_iter().zip(opened);
        failed
            .filter_map(|(id, result)| result.err().map(|error| (id, error.to_string())))
            .collect()
    }

    fn close(&self, partitions: &[PartitionId]) {
        for partition in partitions {
            self.0.close_partition(*partition);
        }
    }

    fn settings_changed(&self, topic: TopicId, settings: Arc<TopicSettings>) {
        for partition in self.0.all() {
            if partition.id().topic == topic {
                partition.apply_settings(Arc::clone(&settings));
            }
        }
    }
}

fn claim(claimed: ClaimedPartition) -> Claim {
    Claim {
        partition: claimed.partition,
        owner: claimed.owner,
        owner_revision: claimed.owner_revision,
        topic: claimed.topic,
        settings: claimed.settings,
    }
}

/// Readiness: a session, and the partitions it was given are open.
#[derive(Debug)]
pub(crate) struct BrokerHealth(pub(crate) Cluster);

impl Health for BrokerHealth {
    fn ready(&self) -> Result<(), String> {
        if self.0.is_ready() {
            Ok(())
        } else {
            Err("this broker has no session yet, or its partitions are still being opened"
                .to_owned())
        }
    }
}
