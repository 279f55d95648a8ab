//! [`Buffers`]: what batches take in memory, against their budget (`log.buffer.max.bytes`).
//!
//! Memory is counted by the WAL's buffers, not by batches: one small batch that somebody still reads keeps its whole buffer.

use bytes::Bytes;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};
use wal::Wal;

/// What a batch takes in tail, ledger and queues, roughly: many small ones must not escape the budget.
const BATCH_OVERHEAD_BYTES: u64 = 160;
/// Room is made once this part of the budget is all that is free: an eighth. Appends meanwhile use it up.
const SPARE_PART: u64 = 8;
/// Appends wait once the disk is behind by this part of the budget: an eighth.
const UNWRITTEN_PART: u64 = 8;
/// The newest batches stay, whoever else holds the memory: a sixteenth of the budget.
const KEPT_PART: u64 = 16;

/// Counts. An append that finds the budget used up is refused.
#[derive(Debug)]
pub(crate) struct Buffers {
    wal: Arc<dyn Wal>,
    limit: u64,
    batches: AtomicU64,
    uncommitted: AtomicU64,
    reread: Arc<AtomicU64>,
}

impl Buffers {
    /// At most `limit` bytes, those in the buffers of `wal` included.
    pub(crate) fn new(wal: Arc<dyn Wal>, limit: u64) -> Self {
        Self {
            wal,
            limit,
            batches: AtomicU64::new(0),
            uncommitted: AtomicU64::new(0),
            reread: Arc::default(),
        }
    }

    /// Whether more may be appended.
    pub(crate) fn admits(&self) -> bool {
        self.in_use() < self.limit
    }

    /// Whether more should be appended now: producers that are faster than the disk are held back before they are refused.
    pub(crate) fn invites(&self) -> bool {
        self.admits() && self.wal.unwritten_bytes() < self.limit / UNWRITTEN_PART
    }

    /// Whether room should be made before the budget is used up.
    pub(crate) fn is_crowded(&self) -> bool {
        self.in_use() > self.limit - self.limit / SPARE_PART
    }

    /// Bytes of the newest batches that stay in memory in any case.
    pub(crate) fn kept_bytes(&self) -> u64 {
        self.limit / KEPT_PART
    }

    /// Notes an append, or a batch that was recovered.
    pub(crate) fn appended(&self, bytes: u64) {
        self.uncommitted.fetch_add(bytes, Relaxed);
    }

    /// Notes that `bytes` are committed, or will never be.
    pub(crate) fn settled(&self, bytes: u64) {
        subtract(&self.uncommitted, bytes);
    }

    /// Notes that tails hold `count` more batches, in memory or not.
    pub(crate) fn batches_came(&self, count: usize) {
        self.batches.fetch_add(count as u64, Relaxed);
    }

    /// Notes that tails hold `count` batches less.
    pub(crate) fn batches_went(&self, count: usize) {
        subtract(&self.batches, count as u64);
    }

    /// Counts bytes that were read back from the WAL for as long as they are held.
    pub(crate) fn reread(&self, bytes: Bytes) -> Bytes {
        self.reread.fetch_add(bytes.len() as u64, Relaxed);
        Bytes::from_owner(Reread { bytes, total: Arc::clone(&self.reread) })
    }

    /// Bytes in memory.
    pub(crate) fn in_use(&self) -> u64 {
        self.wal.buffer_bytes()
            + self.reread.load(Relaxed)
            + self.batches.load(Relaxed) * BATCH_OVERHEAD_BYTES
    }

    /// Bytes appended and not yet committed.
    pub(crate) fn uncommitted(&self) -> u64 {
        self.uncommitted.load(Relaxed)
    }
}

struct Reread {
    bytes: Bytes,
    total: Arc<AtomicU64>,
}

impl AsRef<[u8]> for Reread {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Reread {
    fn drop(&mut self) {
        subtract(&self.total, self.bytes.len() as u64);
    }
}

fn subtract(counter: &AtomicU64, bytes: u64) {
    let _ = counter.fetch_update(Relaxed, Relaxed, |held| Some(held.saturating_sub(bytes)));
}
