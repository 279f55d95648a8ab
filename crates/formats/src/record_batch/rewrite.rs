//! Changes to a batch that leave its records as they are.

use super::records::body;
use super::split::{UNCHECKED_BYTES, crc, whole};
use super::{BatchError, BatchHeader, HEADER_BYTES};
use crate::compression::{Codec, compress};
use bytes::Bytes;

/// The first 16 bytes of a batch with another base offset and leader epoch; both lie outside the CRC.
///
/// # Panics
/// When `bytes` is shorter than that: only a parsed batch is patched.
pub fn patched_head(bytes: &[u8], base_offset: i64, leader_epoch: i32) -> [u8; 16] {
    assert!(bytes.len() >= 16, "only a parsed batch is patched");
    let mut head = [0; 16];
    head.copy_from_slice(bytes.split_at(16).0);
    let (offset, rest) = head.split_at_mut(8);
    offset.copy_from_slice(&base_offset.to_be_bytes());
    rest.split_at_mut(4).1.copy_from_slice(&leader_epoch.to_be_bytes());
    head
}

/// The batch with its records compressed by another codec. Records, offsets, timestamps, producer fields and all
/// other attributes stay as they are.
///
/// # Errors
/// [`BatchError`] when it is not one whole batch or decompresses to more than `limit_bytes`.
pub fn recompress(batch: &Bytes, codec: Codec, limit_bytes: usize) -> Result<Bytes, BatchError> {
    let header = whole(batch)?;
    if header.attributes.compression()? == codec {
        return Ok(batch.clone());
    }
    let records = body(batch, &header, limit_bytes)?;
    let attributes = header.attributes.with_compression(codec);
    assemble(BatchHeader { attributes, ..header }, &compress(codec, &records)?)
}

/// The batch with `timestamp` as the append time of all its records.
///
/// # Errors
/// [`BatchError`] when it is not one whole batch.
pub fn stamp_log_append_time(batch: &Bytes, timestamp: i64) -> Result<Bytes, BatchError> {
    let header = whole(batch)?;
    let attributes = header.attributes.with_timestamp_is_log_append(true);
    let header = BatchHeader { attributes, max_timestamp: timestamp, ..header };
    assemble(header, batch.get(HEADER_BYTES..).unwrap_or_default())
}

/// What compaction leaves of a batch whose records are all gone: a header that keeps its offsets, producer and sequence.
///
/// # Errors
/// None in practice: a header alone fits every limit.
pub fn emptied(header: &BatchHeader) -> Result<Bytes, BatchError> {
    let attributes = header.attributes.with_compression(Codec::None).with_delete_horizon(false);
    let left = BatchHeader { attributes, base_timestamp: -1, record_count: 0, ..*header };
    assemble(left, &[])
}

/// Joins a header, whose length and CRC are set here, and records, compressed as the header says.
pub(super) fn assemble(header: BatchHeader, records: &[u8]) -> Result<Bytes, BatchError> {
    let total_bytes = HEADER_BYTES + records.len();
    let batch_length = BatchHeader::batch_length_of(total_bytes)
        .ok_or(BatchError::Header { field: "batch length", value: total_bytes as i64 })?;
    let mut batch = Vec::with_capacity(total_bytes);
    batch.extend_from_slice(&BatchHeader { batch_length, ..header }.encode());
    batch.extend_from_slice(records);
    let crc = crc(&batch).to_be_bytes();
    for (place, byte) in batch.iter_mut().take(UNCHECKED_BYTES).skip(UNCHECKED_BYTES - 4).zip(crc) {
        *place = byte;
    }
    Ok(batch.into())
}
