//! [`Counters`]: what the cache tells of itself, looked up once.

use metrics::Counter;

/// Of one cache.
#[derive(Clone, Debug)]
pub(crate) struct Counters {
    /// Bytes that reached the disk.
    pub(crate) inserted_bytes: Counter,
    /// Blocks that came faster than the disk takes them.
    pub(crate) dropped_behind: Counter,
    /// Blocks larger than one write takes.
    pub(crate) dropped_large: Counter,
    /// Blocks that the disk did not take.
    pub(crate) dropped_failed: Counter,
    /// Blocks on disk that were not what was written there.
    pub(crate) damaged: Counter,
}

impl Counters {
    pub(crate) fn new() -> Self {
        let dropped = |reason: &'static str| metrics::counter!("alluvium_disk_cache_dropped_blocks_total", "reason" => reason);
        Self {
            inserted_bytes: metrics::counter!("alluvium_disk_cache_inserted_bytes_total"),
            dropped_behind: dropped("behind"),
            dropped_large: dropped("large"),
            dropped_failed: dropped("failed"),
            damaged: metrics::counter!("alluvium_disk_cache_damaged_blocks_total"),
        }
    }
}
