//! [`Block`]: some consecutive batches of a slice, the unit of GETs and of the cache.
//!
//! Blocks end between batches, by a rule that only looks at the slice: whoever reads it finds the same ones.

use super::ObjectReadError;
use crate::index::SegmentSlice;
use bytes::Bytes;
use formats::{
    record_batch::{BatchHeader, verify_crc},
    segment::{BatchEntry, Slice},
};
use model::LeaderEpoch;
use std::ops::Range;
use storage::ObjectName;

/// A block is full from this size on.
pub(super) const BLOCK_BYTES: u64 = 1 << 20;

/// Positions, in [`Slice::batches`], of a block's batches.
pub(super) type Batches = Range<usize>;

/// A block in memory, its batches checked.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) bytes: Bytes,
    /// Its damaged batches, by position in the slice; all others are intact.
    pub(super) damage: Vec<(usize, ObjectReadError)>,
}

/// The blocks of a slice, in order.
pub(super) fn blocks(slice: &Slice) -> Vec<Batches> {
    let mut blocks = Vec::new();
    let (mut first, mut bytes) = (0, 0);
    for (position, batch) in slice.batches.iter().enumerate() {
        bytes += u64::from(batch.size);
        if bytes >= BLOCK_BYTES {
            blocks.push(first..position + 1);
            (first, bytes) = (position + 1, 0);
        }
    }
    if first < slice.batches.len() {
        blocks.push(first..slice.batches.len());
    }
    blocks
}

/// Where these batches lie in the object.
pub(super) fn bytes_in_object(slice: &Slice, batches: &Batches) -> Range<u64> {
    let batches = slice.batches.get(batches.clone()).unwrap_or_default();
    let start = batches.first().map_or(0, |batch| u64::from(batch.position));
    let end = batches.last().map_or(start, BatchEntry::end_position);
    slice.bytes.start + start..slice.bytes.start + end
}

impl Block {
    /// Checks each batch against what the index says of it.
    pub(super) fn check(bytes: Bytes, segment: &SegmentSlice, batches: &Batches) -> Self {
        let entries = segment.slice.batches.get(batches.clone()).unwrap_or_default();
        let mut damage = Vec::new();
        let mut start = 0;
        for (position, entry) in (batches.start..).zip(entries) {
            let end = start + entry.size as usize;
            if let Err(reason) = check_batch(bytes.get(start..end), entry) {
                damage.push((position, damaged(&segment.object, entry, reason)));
            }
            start = end;
        }
        Self { bytes, damage }
    }

    /// The bytes of the batches `wanted`, of a block that holds `batches`; what lies before a damaged one, if that is
    /// anything.
    pub(super) fn slice(
        &self,
        slice: &Slice,
        batches: &Batches,
        wanted: &Batches,
    ) -> (Option<Bytes>, Option<ObjectReadError>) {
        let first = wanted.start.max(batches.start);
        let mut end = wanted.end.min(batches.end);
        let mut error = None;
        let mut damage = self.damage.iter().filter(|(position, _)| (first..end).contains(position));
        if let Some((position, damaged)) = damage.next() {
            error = Some(damaged.clone());
            end = *position;
        }
        if first >= end {
            return (None, error);
        }
        let whole = bytes_in_object(slice, batches);
        let part = bytes_in_object(slice, &(first..end));
        let range = (part.start - whole.start) as usize..(part.end - whole.start) as usize;
        (Some(self.bytes.slice(range)), error)
    }
}

/// Why the bytes are not those of the slice, if they are not.
pub(crate) fn damage_in(segment: &SegmentSlice, bytes: Bytes) -> Option<ObjectReadError> {
    let block = Block::check(bytes, segment, &(0..segment.slice.batches.len()));
    block.damage.into_iter().next().map(|(_, damage)| damage)
}

fn check_batch(bytes: Option<&[u8]>, entry: &BatchEntry) -> Result<(), String> {
    let bytes = bytes.ok_or("the batch is cut short")?;
    let header = BatchHeader::parse(bytes).map_err(|error| error.to_string())?;
    if header.base_offset != entry.base_offset.to_wire() {
        return Err(format!("the batch there starts at offset {}", header.base_offset));
    }
    // No checksum is over it.
    if LeaderEpoch::from_wire(header.leader_epoch) != Some(entry.leader_epoch) {
        return Err(format!("the batch there is of epoch {}", header.leader_epoch));
    }
    verify_crc(bytes).map_err(|error| error.to_string())
}

/// The error of one damaged batch.
pub(super) fn damaged(
    object: &ObjectName,
    entry: &BatchEntry,
    reason: impl Into<String>,
) -> ObjectReadError {
    ObjectReadError::Damaged {
        from: entry.base_offset,
        to: entry.next_offset().unwrap_or(entry.base_offset),
        object: object.clone(),
        reason: reason.into(),
    }
}
