//! [`Buffers`]: the bytes of batches in memory, against their budget (`log.buffer.max.bytes`).

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts what all tails hold. Only what is committed can be evicted; an append that finds the budget taken by
/// uncommitted bytes is refused.
#[derive(Debug)]
pub(crate) struct Buffers {
    limit: u64,
    held: AtomicU64,
    uncommitted: AtomicU64,
}

impl Buffers {
    /// Nothing held, at most `limit` bytes allowed.
    pub(crate) fn new(limit: u64) -> Self {
        Self { limit, held: AtomicU64::new(0), uncommitted: AtomicU64::new(0) }
    }

    /// Whether `bytes` more may be appended.
    pub(crate) fn admits(&self, bytes: u64) -> bool {
        self.uncommitted().saturating_add(bytes) <= self.limit
    }

    /// Notes an append.
    pub(crate) fn appended(&self, bytes: u64) {
        self.held.fetch_add(bytes, Relaxed);
        self.uncommitted.fetch_add(bytes, Relaxed);
    }

    /// Notes that `bytes` are committed, or will never be.
    pub(crate) fn settled(&self, bytes: u64) {
        subtract(&self.uncommitted, bytes);
    }

    /// Notes that `bytes` left memory.
    pub(crate) fn freed(&self, bytes: u64) {
        subtract(&self.held, bytes);
    }

    /// Bytes in memory.
    pub(crate) fn held(&self) -> u64 {
        self.held.load(Relaxed)
    }

    /// Bytes appended and not yet committed.
    pub(crate) fn uncommitted(&self) -> u64 {
        self.uncommitted.load(Relaxed)
    }

    /// Whether tails should be evicted.
    pub(crate) fn over_limit(&self) -> bool {
        self.held() > self.limit
    }
}

fn subtract(counter: &AtomicU64, bytes: u64) {
    let _ = counter.fetch_update(Relaxed, Relaxed, |held| Some(held.saturating_sub(bytes)));
}
