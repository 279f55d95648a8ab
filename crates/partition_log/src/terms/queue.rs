//! [`TermsQueue`]: partitions whose owner records may have to be written, from whoever noticed to the worker.

use model::PartitionId;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use tokio::sync::Notify;

/// The queue: at most every partition once.
#[derive(Debug, Default)]
pub(crate) struct TermsQueue {
    due: Mutex<BTreeSet<PartitionId>>,
    changed: Notify,
}

impl TermsQueue {
    /// Has a partition looked at.
    pub(crate) fn ask(&self, partition: PartitionId) {
        self.ask_all([partition]);
    }

    /// The same for several.
    pub(super) fn ask_all(&self, partitions: impl IntoIterator<Item = PartitionId>) {
        self.due.lock().extend(partitions);
        self.changed.notify_one();
    }

    /// Waits until a partition was asked for.
    pub(super) async fn asked(&self) {
        self.changed.notified().await;
    }

    /// What was asked for since the last call.
    pub(super) fn take(&self) -> BTreeSet<PartitionId> {
        std::mem::take(&mut self.due.lock())
    }
}
