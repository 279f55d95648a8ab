//! What retention deletes: as Kafka deletes whole segments from the start, here whole slices. Pure.

use super::IndexEntry;
use model::{Offset, TimestampMs, config::TopicSettings};

/// Runs from this level on span so much time that the older part of one may expire long before the rest. A run of
/// level 1 holds 64 flushes: it goes as a whole.
const LEVEL_WORTH_OPENING: u32 = 2;

/// The part of a log that retention judges.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetentionScope<'a> {
    /// Entries in offset order, the first of which may reach below the log start: a log's, or the slices of its first run.
    pub(crate) entries: &'a [IndexEntry],
    /// Bytes of the log beyond `entries`: the tail that is not listed, and behind a run's slices the other entries.
    pub(crate) bytes_beyond: u64,
    /// The log start.
    pub(crate) log_start: Offset,
    /// Nothing beyond it goes.
    pub(crate) high_watermark: Offset,
}

/// What retention says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RetentionChoice {
    /// The new log start; `None` leaves it.
    pub(crate) log_start: Option<Offset>,
    /// Position in `entries` of a run of which a part may have to go: load it and choose again over its slices, with
    /// what `log_start` says here.
    pub(crate) look_into: Option<usize>,
}

/// Chooses. Only topics with `cleanup.policy=delete` lose anything, and nothing goes by a timestamp that lies ahead of `now`.
pub(crate) fn choose(
    scope: &RetentionScope<'_>,
    settings: &TopicSettings,
    now: TimestampMs,
) -> RetentionChoice {
    if !settings.cleanup_policy.delete {
        return RetentionChoice { log_start: None, look_into: None };
    }
    let below_watermark =
        scope.entries.iter().take_while(|e| e.end_offset() <= scope.high_watermark);
    let deletable = below_watermark.count();
    let entries = scope.entries.get(..deletable).unwrap_or_default();
    let expired = settings.retention_ms.map_or(0, |limit| count_expired(entries, now, limit));
    let oversized =
        settings.retention_bytes.map_or(0, |limit| count_oversized(scope, entries, limit));
    let gone = expired.max(oversized);
    let log_start =
        gone.checked_sub(1).and_then(|last| entries.get(last)).map(IndexEntry::end_offset);
    let look_into = entries.get(gone).and_then(|entry| {
        let IndexEntry::Run(run) = entry else { return None };
        let by_time = settings.retention_ms.is_some() && run.level >= LEVEL_WORTH_OPENING;
        let kept = bytes_from(scope, gone);
        let by_size = settings.retention_bytes.is_some_and(|limit| kept > limit);
        (by_time || by_size).then_some(gone)
    });
    RetentionChoice { log_start: log_start.filter(|start| *start > scope.log_start), look_into }
}

/// How many entries from the first hold only records older than `limit_ms`. Batches without timestamps go with the next
/// ones that have some.
fn count_expired(entries: &[IndexEntry], now: TimestampMs, limit_ms: u64) -> usize {
    let mut count = 0;
    for (position, entry) in entries.iter().enumerate() {
        let TimestampMs(newest) = entry.max_timestamp();
        if newest < 0 {
            continue;
        }
        let age = i128::from(now.0) - i128::from(newest);
        if age <= i128::from(limit_ms) {
            break;
        }
        count = position + 1;
    }
    count
}

/// How many entries from the first can go with at least `limit_bytes` left behind them.
fn count_oversized(scope: &RetentionScope<'_>, entries: &[IndexEntry], limit_bytes: u64) -> usize {
    let mut kept = bytes_from(scope, 0);
    let goes = |entry: &&IndexEntry| {
        let left = kept.saturating_sub(live_bytes(scope, entry));
        let goes = left >= limit_bytes && kept > limit_bytes;
        kept = left;
        goes
    };
    entries.iter().take_while(goes).count()
}

/// Bytes of the log from this entry on.
fn bytes_from(scope: &RetentionScope<'_>, position: usize) -> u64 {
    let listed = scope.entries.iter().skip(position).map(|entry| live_bytes(scope, entry));
    listed.fold(scope.bytes_beyond, u64::saturating_add)
}

/// Bytes of an entry that count. How many of a run that reaches below the log start are still alive is unknown until it is
/// loaded: none, so that nothing goes that should stay.
fn live_bytes(scope: &RetentionScope<'_>, entry: &IndexEntry) -> u64 {
    let whole = entry.base_offset() >= scope.log_start;
    if whole { entry.size_bytes() } else { 0 }
}

#[cfg(test)]
mod tests;
