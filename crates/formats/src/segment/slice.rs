//! [`Slice`]: what a footer says of one partition.
//!
//! The same bytes serve in segment footers and in index objects.

use super::{BatchEntry, Extension, SegmentError};
use crate::layout::{Fields, Layout};
use model::{LeaderEpoch, Offset, PartitionId, PartitionIndex, ProducerId, TimestampMs, TopicId};
use std::ops::Range;

/// Length of the fixed part.
const HEAD_BYTES: usize = 88;
const EPOCH_BYTES: usize = 12;
const ABORTED_BYTES: usize = 24;
const COMPACTED: u32 = 1;

/// One partition's batches in a segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Slice {
    /// Whose.
    pub partition: PartitionId,
    /// Where they lie in the object.
    pub bytes: Range<u64>,
    /// First offset it stands for.
    pub base_offset: Offset,
    /// The offset after the last it stands for.
    pub end_offset: Offset,
    /// Each leader epoch in it and the first offset appended in that epoch here; ascending.
    pub epochs: Vec<(LeaderEpoch, Offset)>,
    /// The largest timestamp in it.
    pub max_timestamp: TimestampMs,
    /// The last stable offset once everything up to its end is in the log.
    pub last_stable_after: Offset,
    /// Transactions whose abort markers it holds, by last offset.
    pub aborted: Vec<AbortedTransaction>,
    /// Whether log compaction has been over it: offsets may be missing.
    pub compacted: bool,
    /// Its batches, in offset order.
    pub batches: Vec<BatchEntry>,
    /// Tagged fields.
    pub extensions: Vec<Extension>,
}

/// A transaction that was aborted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AbortedTransaction {
    /// Its producer.
    pub producer_id: ProducerId,
    /// Its first offset in the partition.
    pub first_offset: Offset,
    /// Offset of its abort marker.
    pub last_offset: Offset,
}

impl Slice {
    /// Bytes of its batches.
    pub const fn size_bytes(&self) -> u64 {
        self.bytes.end - self.bytes.start
    }

    /// Index in [`Slice::batches`] of the batch that holds `offset`, or of the first one behind it; the number of
    /// batches when there is none.
    pub fn batch_at_or_after(&self, offset: Offset) -> usize {
        self.batches.partition_point(|batch| batch.next_offset().is_some_and(|next| next <= offset))
    }

    /// The CRC-32C of its layout: two that say the same have the same one.
    pub fn checksum(&self) -> u32 {
        let mut layout = Vec::new();
        self.encode(&mut layout);
        crate::crc32c::checksum(&layout)
    }

    /// Appends the layout.
    pub(crate) fn encode(&self, output: &mut Vec<u8>) {
        output.extend_from_slice(&self.encode_head());
        for (epoch, start_offset) in &self.epochs {
            output.extend_from_slice(&epoch.get().to_le_bytes());
            output.extend_from_slice(&start_offset.get().to_le_bytes());
        }
        for aborted in &self.aborted {
            output.extend_from_slice(&aborted.producer_id.get().to_le_bytes());
            output.extend_from_slice(&aborted.first_offset.get().to_le_bytes());
            output.extend_from_slice(&aborted.last_offset.get().to_le_bytes());
        }
        for batch in &self.batches {
            output.extend_from_slice(&batch.encode());
        }
        Extension::put_all(output, &self.extensions);
    }

    /// Reads one slice and checks it as a whole.
    pub(crate) fn take(fields: &mut Fields<'_>) -> Result<Self, SegmentError> {
        let head = fields.array::<HEAD_BYTES>().ok_or(SegmentError::Truncated)?;
        let mut head = Fields::new(&head);
        let mut slice = Self::take_head(&mut head).ok_or(SegmentError::Field("slice head"))?;
        let mut count = || head.u32().ok_or(SegmentError::Truncated);
        let (epochs, aborted, batches, extensions) = (count()?, count()?, count()?, count()?);
        slice.epochs = take_rows(fields, epochs, EPOCH_BYTES, "epoch", take_epoch)?;
        slice.aborted =
            take_rows(fields, aborted, ABORTED_BYTES, "aborted transaction", take_aborted)?;
        slice.batches =
            take_rows(fields, batches, BatchEntry::BYTES, "batch entry", BatchEntry::take)?;
        slice.extensions = Extension::take_all(fields, extensions)?;
        slice.check()?;
        Ok(slice)
    }

    fn encode_head(&self) -> [u8; HEAD_BYTES] {
        let mut layout = Layout::new();
        layout
            .put(self.partition.topic.as_bytes())
            .put(&self.partition.partition.get().to_le_bytes())
            .put(&if self.compacted { COMPACTED } else { 0 }.to_le_bytes())
            .put(&self.bytes.start.to_le_bytes())
            .put(&self.bytes.end.saturating_sub(self.bytes.start).to_le_bytes())
            .put(&self.base_offset.get().to_le_bytes())
            .put(&self.end_offset.get().to_le_bytes())
            .put(&self.max_timestamp.0.to_le_bytes())
            .put(&self.last_stable_after.get().to_le_bytes())
            .put(&(self.epochs.len() as u32).to_le_bytes())
            .put(&(self.aborted.len() as u32).to_le_bytes())
            .put(&(self.batches.len() as u32).to_le_bytes())
            .put(&(self.extensions.len() as u32).to_le_bytes());
        layout.finish()
    }

    /// Reads the head up to the counts.
    fn take_head(fields: &mut Fields<'_>) -> Option<Self> {
        let topic = TopicId::from_bytes(fields.array()?);
        let partition = PartitionIndex::new(fields.u32()?)?;
        let flags = fields.u32()?;
        let position = fields.u64()?;
        let length = fields.u64()?;
        Some(Self {
            partition: PartitionId { topic, partition },
            bytes: position..position.checked_add(length)?,
            base_offset: Offset::new(fields.u64()?)?,
            end_offset: Offset::new(fields.u64()?)?,
            epochs: Vec::new(),
            max_timestamp: TimestampMs(fields.i64()?),
            last_stable_after: Offset::new(fields.u64()?)?,
            aborted: Vec::new(),
            compacted: flags & COMPACTED != 0,
            batches: Vec::new(),
            extensions: Vec::new(),
        })
    }

    /// Whether ranges, order and bounds are those of a slice that a writer wrote.
    pub(super) fn check(&self) -> Result<(), SegmentError> {
        if self.base_offset > self.end_offset {
            return Err(SegmentError::Field("offset range"));
        }
        let ascending = |pair: &[(LeaderEpoch, Offset)]| match pair {
            [(epoch, start), (next_epoch, next_start)] => epoch < next_epoch && start < next_start,
            _ => true,
        };
        if !self.epochs.windows(2).all(ascending) {
            return Err(SegmentError::Field("order of epochs"));
        }
        if self.aborted.iter().any(|aborted| aborted.first_offset > aborted.last_offset) {
            return Err(SegmentError::Field("aborted transaction"));
        }
        self.check_batches()
    }

    fn check_batches(&self) -> Result<(), SegmentError> {
        let mut offset = self.base_offset;
        let mut position = 0;
        for batch in &self.batches {
            if batch.base_offset < offset || u64::from(batch.position) < position {
                return Err(SegmentError::Field("order of batches"));
            }
            offset = batch.next_offset().ok_or(SegmentError::Field("batch offset"))?;
            position = batch.end_position();
        }
        if offset > self.end_offset || position > self.bytes.end - self.bytes.start {
            return Err(SegmentError::Field("end of batches"));
        }
        Ok(())
    }
}

/// `count` as a length, if that many rows of `row_bytes` can still follow: nothing is allocated by a false count.
pub(crate) fn checked_count(
    fields: &Fields<'_>,
    count: u32,
    row_bytes: usize,
) -> Result<usize, SegmentError> {
    let count = count as usize;
    let fits = count.checked_mul(row_bytes).is_some_and(|bytes| bytes <= fields.remaining());
    if fits { Ok(count) } else { Err(SegmentError::Truncated) }
}

fn take_rows<T>(
    fields: &mut Fields<'_>,
    count: u32,
    row_bytes: usize,
    name: &'static str,
    take: impl Fn(&mut Fields<'_>) -> Option<T>,
) -> Result<Vec<T>, SegmentError> {
    let count = checked_count(fields, count, row_bytes)?;
    let mut rows = Vec::with_capacity(count);
    for _ in 0..count {
        rows.push(take(fields).ok_or(SegmentError::Field(name))?);
    }
    Ok(rows)
}

fn take_epoch(fields: &mut Fields<'_>) -> Option<(LeaderEpoch, Offset)> {
    Some((LeaderEpoch::new(fields.u32()?)?, Offset::new(fields.u64()?)?))
}

fn take_aborted(fields: &mut Fields<'_>) -> Option<AbortedTransaction> {
    Some(AbortedTransaction {
        producer_id: ProducerId::new(fields.u64()?)?,
        first_offset: Offset::new(fields.u64()?)?,
        last_offset: Offset::new(fields.u64()?)?,
    })
}
