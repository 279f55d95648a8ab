//! What of a log is to be cleaned, and whether that is worth it. Pure.
//!
//! Kafka never cleans its active segment. A log here has no segments that roll: as active counts what is younger than `segment.ms`
//! (or `max.compaction.lag.ms`, when that is less), as long as no more than `segment.bytes` lie behind it, and always the last entry.
//! Age is that of an entry's newest record: nothing is cleaned by a timestamp that lies ahead.

use crate::index::IndexEntry;
use model::{Offset, TimestampMs, config::CompactionSettings};
use std::ops::Range;

/// The log that is judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CleaningScope<'a> {
    /// Its entries, in offset order.
    pub(crate) entries: &'a [IndexEntry],
    /// Bytes behind them.
    pub(crate) bytes_beyond: u64,
    /// First offset that can be read.
    pub(crate) log_start: Offset,
    /// Nothing beyond is cleaned.
    pub(crate) last_stable: Offset,
    /// It was cleaned up to here.
    pub(crate) cleaned_through: Offset,
}

/// What is worth cleaning.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct CleaningChoice {
    /// The offsets that were not cleaned yet. What lies before is cleaned with them.
    pub(crate) dirty: Range<Offset>,
    /// The part of the bytes that is dirty, in millionths.
    pub(crate) dirty_millionths: u64,
}

/// Chooses.
pub(crate) fn choose(
    scope: &CleaningScope<'_>,
    settings: &CompactionSettings,
    now: TimestampMs,
) -> Option<CleaningChoice> {
    let from = scope.cleaned_through.max(scope.log_start);
    let cleanable = cleanable(scope, settings, now);
    let (clean, dirty): (Vec<_>, Vec<_>) =
        cleanable.iter().partition(|entry| entry.end_offset() <= from);
    let first = dirty.first()?;
    let bytes = |entries: &[&IndexEntry]| entries.iter().map(|it| it.size_bytes()).sum::<u64>();
    let (clean, dirty_bytes) = (bytes(&clean), bytes(&dirty));
    let dirty_millionths = dirty_bytes * 1_000_000 / (clean + dirty_bytes).max(1);
    let overdue = settings.max_lag_ms.is_some_and(|limit| is_older(first, limit, now));
    let worth = dirty_millionths > settings.min_dirty_millionths.into() || overdue;
    let end = dirty.last()?.end_offset();
    (worth && dirty_bytes > 0).then_some(CleaningChoice { dirty: from..end, dirty_millionths })
}

/// The entries that may be cleaned now.
fn cleanable<'a>(
    scope: &CleaningScope<'a>,
    settings: &CompactionSettings,
    now: TimestampMs,
) -> &'a [IndexEntry] {
    let active_ms =
        settings.max_lag_ms.map_or(settings.segment_ms, |it| it.min(settings.segment_ms));
    let all: u64 = scope.entries.iter().map(IndexEntry::size_bytes).sum();
    let mut behind = all + scope.bytes_beyond;
    let may_be_cleaned = |entry: &IndexEntry| {
        behind -= entry.size_bytes();
        let inactive = behind >= settings.segment_bytes || is_older(entry, active_ms, now);
        let lagging = settings.min_lag_ms == 0 || is_older(entry, settings.min_lag_ms, now);
        inactive && lagging && entry.end_offset() <= scope.last_stable
    };
    let most = scope.entries.len().saturating_sub(1);
    let count = scope.entries.iter().take(most).position({
        let mut may_be_cleaned = may_be_cleaned;
        move |entry| !may_be_cleaned(entry)
    });
    scope.entries.get(..count.unwrap_or(most)).unwrap_or_default()
}

/// Whether an entry's newest record is at least so old. One without timestamps is.
fn is_older(entry: &IndexEntry, limit_ms: u64, now: TimestampMs) -> bool {
    let TimestampMs(newest) = entry.max_timestamp();
    newest < 0 || i128::from(now.0) - i128::from(newest) >= i128::from(limit_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::IndexRun;
    use model::SessionId;
    use storage::ObjectName;

    const NOW: TimestampMs = TimestampMs(1_000_000);

    fn offset(value: u64) -> Offset {
        Offset::new(value).expect("small")
    }

    /// Ten offsets and 100 bytes each, the n-th at this age.
    fn entries(ages: &[i64]) -> Vec<IndexEntry> {
        let entry = |(n, age): (u64, &i64)| {
            IndexEntry::Run(IndexRun {
                object: ObjectName::new("x").expect("a name"),
                level: 1,
                bytes: 0..1,
                base_offset: offset(n * 10),
                end_offset: offset(n * 10 + 10),
                size_bytes: 100,
                max_timestamp: TimestampMs(NOW.0 - age),
                session: SessionId::from_bytes([1; 16]),
                from_seq: 1,
                through_seq: 1,
            })
        };
        (0..).zip(ages).map(entry).collect()
    }

    fn settings() -> CompactionSettings {
        CompactionSettings {
            min_dirty_millionths: 10_000,
            segment_ms: 100,
            ..CompactionSettings::default()
        }
    }

    fn dirty(
        ages: &[i64],
        cleaned: u64,
        stable: u64,
        settings: &CompactionSettings,
    ) -> Option<Range<u64>> {
        let entries = entries(ages);
        let scope = CleaningScope {
            entries: &entries,
            bytes_beyond: 0,
            log_start: Offset::ZERO,
            last_stable: offset(stable),
            cleaned_through: offset(cleaned),
        };
        choose(&scope, settings, NOW).map(|it| it.dirty.start.get()..it.dirty.end.get())
    }

    #[test]
    fn what_is_older_than_a_segment_is_cleaned_but_never_the_last_entry() {
        assert_eq!(dirty(&[300, 200, 100, 50, 200], 0, 50, &settings()), Some(0..30));
        assert_eq!(dirty(&[300, 200], 0, 50, &settings()), Some(0..10));
        assert_eq!(dirty(&[300], 0, 50, &settings()), None);
        assert_eq!(dirty(&[], 0, 50, &settings()), None);
    }

    #[test]
    fn what_lies_more_than_a_segment_before_the_end_is_cleaned_however_young() {
        let settings = CompactionSettings { segment_bytes: 200, ..settings() };
        assert_eq!(dirty(&[0, 0, 0, 0], 0, 50, &settings), Some(0..20));
    }

    #[test]
    fn nothing_is_cleaned_beyond_the_last_stable_offset() {
        assert_eq!(dirty(&[300, 300, 300, 300], 0, 25, &settings()), Some(0..20));
    }

    #[test]
    fn the_compaction_lag_bounds_what_is_cleaned() {
        let lagging = CompactionSettings { min_lag_ms: 250, ..settings() };
        assert_eq!(dirty(&[300, 200, 200], 0, 50, &lagging), Some(0..10));
        let ahead = [-5_000, 300, 300];
        assert_eq!(dirty(&ahead, 0, 50, &settings()), None);
    }

    #[test]
    fn little_dirt_is_left_until_it_is_too_old() {
        let tidy = CompactionSettings { min_dirty_millionths: 500_000, ..settings() };
        assert_eq!(dirty(&[300, 300, 300, 300], 20, 50, &tidy), None);
        assert_eq!(dirty(&[300, 300, 300, 300], 10, 50, &tidy), Some(10..30));
        let due = CompactionSettings { max_lag_ms: Some(250), ..tidy };
        assert_eq!(dirty(&[300, 300, 300, 300], 20, 50, &due), Some(20..30));
        assert_eq!(dirty(&[300, 300, 200, 200], 20, 50, &due), None);
    }
}
