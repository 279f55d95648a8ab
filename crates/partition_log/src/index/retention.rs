//! What retention deletes: as Kafka deletes whole segments from the start, here whole slices. Pure.

use super::IndexEntry;
use model::{Offset, TimestampMs, config::TopicSettings};

/// What retention says.
#[derive(Clone, Debug)]
pub(crate) struct RetentionChoice {
    /// The new log start; `None` leaves it.
    pub(crate) log_start: Option<Offset>,
    /// Position of an entry that is a run of which a part may go: load it and choose again over its slices.
    pub(crate) look_into: Option<usize>,
}

/// Chooses over the entries of a log (or the slices of its first run), in offset order, from the one that holds the log
/// start. `total_bytes` is the size of the whole log, tail included. Nothing beyond `high_watermark` goes, and nothing by a
/// timestamp that lies ahead of `now`. Only topics with `cleanup.policy=delete` lose anything.
pub(crate) fn choose(
    _entries: &[IndexEntry],
    _settings: &TopicSettings,
    _total_bytes: u64,
    _high_watermark: Offset,
    _now: TimestampMs,
) -> RetentionChoice {
    todo!()
}
