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

/// What the HTTP port tells of this broker.
#[derive(Debug)]
pub(crate) struct BrokerHealth {
    pub(crate) cluster: Cluster,
    pub(crate) logs: PartitionLogs,
}

impl Health for BrokerHealth {
    /// Not when metadata contradicts what this broker knows: nothing is committed until it is started anew.
    fn live(&self) -> Result<(), String> {
        match self.logs.halted() {
            Some(reason) => Err(format!("commits stopped, start this broker anew: {reason}")),
            None => Ok(()),
        }
    }

    /// With a session whose partitions are open, and a WAL that takes appends.
    fn ready(&self) -> Result<(), String> {
        self.live()?;
        if let Some(reason) = self.logs.wal_failure() {
            return Err(format!("the WAL has failed, see to its disk and start anew: {reason}"));
        }
        if !self.cluster.is_ready() {
            let waits = "this broker has no session yet, or its partitions are still being opened";
            return Err(waits.to_owned());
        }
        Ok(())
    }
}
