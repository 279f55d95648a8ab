//! What a topic's settings say of log compaction.

/// When a compacted log is cleaned, and what stays of it for a while.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CompactionSettings {
    /// The part of the log, in millionths, that must be dirty before cleaning is worth it (`min.cleanable.dirty.ratio`).
    pub min_dirty_millionths: u32,
    /// A younger record stays as it was written (`min.compaction.lag.ms`).
    pub min_lag_ms: u64,
    /// An older record is cleaned however little is dirty; `None` is no limit (`max.compaction.lag.ms`).
    pub max_lag_ms: Option<u64>,
    /// How long a tombstone stays once it is the last record of its key (`delete.retention.ms`).
    pub delete_retention_ms: u64,
    /// Newer records are the active segment, which is not cleaned (`segment.ms`).
    pub segment_ms: u64,
    /// The active segment is no larger (`segment.bytes`).
    pub segment_bytes: u64,
}

impl Default for CompactionSettings {
    /// Kafka's defaults.
    fn default() -> Self {
        Self {
            min_dirty_millionths: 500_000,
            min_lag_ms: 0,
            max_lag_ms: None,
            delete_retention_ms: 86_400_000,
            segment_ms: 604_800_000,
            segment_bytes: 1 << 30,
        }
    }
}

impl CompactionSettings {
    /// Reads a ratio between 0 and 1.
    pub(super) fn millionths(text: &str) -> Option<u32> {
        let ratio: f64 = text.trim().parse().ok()?;
        (0.0..=1.0).contains(&ratio).then_some((ratio * 1e6) as u32)
    }
}
