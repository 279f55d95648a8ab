//! What a produced batch must be (PROTOCOL 3.2, Kafka's `LogValidator`), and what the topic makes of it.
//!
//! Pure. The fast path (producer's codec and time kept) neither decompresses nor allocates: the client's bytes go on as they
//! are, and the header's largest timestamp is believed. Records that are not compressed are counted, as they lie. The others
//! are looked at only where a rule is about one: keys of compacted topics, a lower bound for timestamps, which record is to
//! blame. Offsets are not assigned here; the sequencer patches base offset and leader epoch.

mod each_record;

use crate::{AppendError, AppendOrigin};
use bytes::Bytes;
use each_record::RecordRules;
use formats::{
    compression::{Codec, CompressionError},
    record_batch::{
        BatchError, BatchHeader, recompress, stamp_log_append_time, verify_crc, verify_records,
    },
};
use model::{
    TimestampMs,
    config::{CompressionType, TimestampType, TopicSettings},
};
use std::ops::RangeInclusive;

/// A batch that may be appended.
#[derive(Clone, Debug)]
pub(crate) struct ValidBatch {
    /// Its header, as of `bytes`.
    pub(crate) header: BatchHeader,
    /// The batch: the client's slice, or recompressed, or stamped.
    pub(crate) bytes: Bytes,
    /// The broker's stamp, for topics of `LogAppendTime`.
    pub(crate) log_append_time: Option<TimestampMs>,
}

/// Checks what a client (or coordinator) sent for one partition, and recompresses or stamps it as the topic asks.
///
/// # Errors
/// `CorruptBatch`, `InvalidRecord`, `TooLarge`, `InvalidTimestamp`, `UnsupportedCompression`.
pub(crate) fn validate(
    records: &Bytes,
    settings: &TopicSettings,
    now: TimestampMs,
    origin: AppendOrigin,
) -> Result<ValidBatch, AppendError> {
    let header = one_batch(records)?;
    check_size(records, settings)?;
    verify_crc(records).map_err(refused)?;
    check_header(&header, origin)?;
    check_records(records, &header, settings, now)?;
    if header.attributes.is_control() {
        return Ok(ValidBatch { header, bytes: records.clone(), log_append_time: None });
    }
    as_the_topic_asks(records, header, settings, now)
}

/// The header of the one batch that there must be.
fn one_batch(records: &Bytes) -> Result<BatchHeader, AppendError> {
    if records.is_empty() {
        return Err(invalid("there is no batch"));
    }
    let header = BatchHeader::parse(records).map_err(refused)?;
    let (needed, found) = (header.total_bytes(), records.len());
    if found < needed {
        return Err(refused(BatchError::Truncated { found, needed }));
    }
    if found > needed {
        return Err(invalid("there is more than one batch"));
    }
    Ok(header)
}

fn check_size(batch: &Bytes, settings: &TopicSettings) -> Result<(), AppendError> {
    let (size, limit) = (batch.len(), settings.max_message_bytes);
    if size as u64 > u64::from(limit) {
        return Err(AppendError::TooLarge { size, limit });
    }
    Ok(())
}

fn check_header(header: &BatchHeader, origin: AppendOrigin) -> Result<(), AppendError> {
    let attributes = header.attributes;
    if attributes.compression().is_err() {
        return Err(AppendError::UnsupportedCompression((attributes.0 & 0b111) as u8));
    }
    if header.base_offset != 0 {
        return Err(invalid("the base offset of a produced batch must be 0"));
    }
    if !header.is_dense() {
        return Err(invalid("the record count does not match the last offset delta"));
    }
    if attributes.is_control() && origin != AppendOrigin::Coordinator {
        return Err(invalid("clients must not write control batches"));
    }
    check_producer(header)
}

fn check_producer(header: &BatchHeader) -> Result<(), AppendError> {
    if header.producer_id < 0 {
        if header.attributes.is_transactional() {
            return Err(invalid("a transactional batch must have a producer id"));
        }
        return Ok(());
    }
    if header.producer_epoch < 0 {
        return Err(invalid("a batch with a producer id must have a producer epoch"));
    }
    if header.base_sequence < 0 && !header.attributes.is_control() {
        return Err(invalid("a batch with a producer id must have a sequence number"));
    }
    Ok(())
}

/// Checks timestamps by the header where that is enough, and each record where it is not.
fn check_records(
    batch: &Bytes,
    header: &BatchHeader,
    settings: &TopicSettings,
    now: TimestampMs,
) -> Result<(), AppendError> {
    let window = timestamp_window(settings, now);
    let create_time = settings.timestamp_type == TimestampType::CreateTime;
    if create_time && header.attributes.timestamp_is_log_append() {
        let timestamp_ms = header.max_timestamp;
        return Err(AppendError::InvalidTimestamp { timestamp_ms, record: None });
    }
    let too_new = create_time && header.max_timestamp > *window.end();
    let lower_bound = create_time && settings.timestamp_before_max_ms.is_some();
    let rules = RecordRules {
        keys_required: settings.cleanup_policy.compact,
        timestamps: create_time.then_some(window),
    };
    if rules.keys_required || lower_bound || too_new {
        each_record::check(batch, header, &rules, settings.records_limit_bytes())?;
    } else if matches!(header.attributes.compression(), Ok(Codec::None)) {
        verify_records(batch, header).map_err(refused)?;
    }
    if too_new {
        let timestamp_ms = header.max_timestamp;
        return Err(AppendError::InvalidTimestamp { timestamp_ms, record: None });
    }
    Ok(())
}

fn timestamp_window(settings: &TopicSettings, now: TimestampMs) -> RangeInclusive<i64> {
    let before = settings.timestamp_before_max_ms.and_then(|limit| i64::try_from(limit).ok());
    let after = settings.timestamp_after_max_ms.and_then(|limit| i64::try_from(limit).ok());
    let oldest = before.map_or(i64::MIN, |limit| now.0.saturating_sub(limit));
    let newest = after.map_or(i64::MAX, |limit| now.0.saturating_add(limit));
    oldest..=newest
}

fn as_the_topic_asks(
    batch: &Bytes,
    header: BatchHeader,
    settings: &TopicSettings,
    now: TimestampMs,
) -> Result<ValidBatch, AppendError> {
    let mut bytes = batch.clone();
    if let Some(codec) = stored_codec(settings) {
        bytes = recompress(&bytes, codec, settings.records_limit_bytes()).map_err(refused)?;
    }
    let stamp = (settings.timestamp_type == TimestampType::LogAppendTime).then_some(now);
    if let Some(TimestampMs(stamp)) = stamp {
        bytes = stamp_log_append_time(&bytes, stamp).map_err(refused)?;
    }
    if bytes.as_ptr() == batch.as_ptr() {
        return Ok(ValidBatch { header, bytes, log_append_time: None });
    }
    check_size(&bytes, settings)?;
    let header = BatchHeader::parse(&bytes).map_err(refused)?;
    Ok(ValidBatch { header, bytes, log_append_time: stamp })
}

fn stored_codec(settings: &TopicSettings) -> Option<Codec> {
    match settings.compression_type {
        CompressionType::Producer => None,
        CompressionType::Uncompressed => Some(Codec::None),
        CompressionType::Gzip => Some(Codec::Gzip),
        CompressionType::Snappy => Some(Codec::Snappy),
        CompressionType::Lz4 => Some(Codec::Lz4),
        CompressionType::Zstd => Some(Codec::Zstd),
    }
}

fn invalid(reason: &str) -> AppendError {
    AppendError::InvalidRecord { reason: reason.to_owned(), record: None }
}

/// What a batch that can't be read is called: corrupt, except where the bytes break a rule. Cut short counts as that: what is left
/// holds no batch.
#[expect(clippy::needless_pass_by_value, reason = "`map_err` gives it away")]
fn refused(error: BatchError) -> AppendError {
    match error {
        BatchError::Header { field: "batch length", .. }
        | BatchError::Magic(3.. | ..0)
        | BatchError::Crc { .. }
        | BatchError::Compression(CompressionError::Damaged { .. }) => {
            AppendError::CorruptBatch(error.to_string())
        }
        BatchError::Truncated { .. }
        | BatchError::Trailing(_)
        | BatchError::Magic(0..=2)
        | BatchError::Header { .. }
        | BatchError::Record(_)
        | BatchError::RecordCount(_)
        | BatchError::Compression(CompressionError::TooLarge { .. }) => {
            AppendError::InvalidRecord { reason: error.to_string(), record: None }
        }
    }
}

#[cfg(test)]
mod tests;
