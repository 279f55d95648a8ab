//! Rules about single records: decompresses (bounded) and names the first record to blame.

use super::refused;
use crate::AppendError;
use bytes::Bytes;
use formats::record_batch::{BatchHeader, Record, records};
use std::ops::RangeInclusive;

/// A record without a timestamp.
const NO_TIMESTAMP: i64 = -1;

/// What each record must be.
pub(super) struct RecordRules {
    /// Compaction needs keys.
    pub(super) keys_required: bool,
    /// Times between these, or none.
    pub(super) timestamps: Option<RangeInclusive<i64>>,
}

/// Checks every record of a batch that decompresses to at most `limit_bytes`.
pub(super) fn check(
    batch: &Bytes,
    header: &BatchHeader,
    rules: &RecordRules,
    limit_bytes: usize,
) -> Result<(), AppendError> {
    for (position, record) in (0..).zip(records(batch, limit_bytes).map_err(refused)?) {
        let expected_offset = header.base_offset.saturating_add(i64::from(position));
        check_record(&record.map_err(refused)?, expected_offset, rules, position)?;
    }
    Ok(())
}

fn check_record(
    record: &Record,
    expected_offset: i64,
    rules: &RecordRules,
    position: u32,
) -> Result<(), AppendError> {
    let invalid = |reason: &str| {
        Err(AppendError::InvalidRecord { reason: reason.to_owned(), record: Some(position) })
    };
    if record.offset != expected_offset {
        return invalid("the offset deltas of a produced batch must count from 0");
    }
    if rules.keys_required && record.key.is_none() {
        return invalid("a compacted topic takes no record without a key");
    }
    let timestamp_ms = record.timestamp;
    let fits = |window: &RangeInclusive<i64>| {
        timestamp_ms == NO_TIMESTAMP || window.contains(&timestamp_ms)
    };
    if !rules.timestamps.as_ref().is_none_or(fits) {
        return Err(AppendError::InvalidTimestamp { timestamp_ms, record: Some(position) });
    }
    Ok(())
}
