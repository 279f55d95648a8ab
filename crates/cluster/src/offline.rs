//! [`Offline`]: the partitions that nobody serves and nobody may take over, as the controller knows them.

use model::PartitionId;
use std::collections::BTreeMap;

/// Each with the broker whose WAL it waits for. Dropped, the gauge says 0: who is no controller does not know.
#[derive(Debug, Default)]
pub(crate) struct Offline(BTreeMap<PartitionId, u32>);

impl Offline {
    /// Takes in which are offline now, and tells of those that were not before.
    pub(crate) fn are(&mut self, now: BTreeMap<PartitionId, u32>) {
        for (partition, owner) in now.iter().filter(|(it, _)| !self.0.contains_key(*it)) {
            metrics::counter!("cluster_partitions_gone_offline_total").increment(1);
            tracing::warn!(
                %partition, owner,
                "a partition is offline: its owner is gone with what it acknowledged from its WAL. Start that broker with its disk, or allow unclean.leader.election.enable"
            );
        }
        if now.len() != self.0.len() {
            metrics::gauge!("cluster_offline_partitions").set(now.len() as f64);
        }
        self.0 = now;
    }
}

impl Drop for Offline {
    fn drop(&mut self) {
        if !self.0.is_empty() {
            metrics::gauge!("cluster_offline_partitions").set(0.0);
        }
    }
}
