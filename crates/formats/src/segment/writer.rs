//! [`SegmentWriter`]: lays a segment out as a rope, without copying payloads.

use super::footer::TRAILER_MAGIC;
use super::{
    AbortedTransaction, BatchEntry, Extension, Footer, HEADER_BYTES, SegmentAuthor, SegmentError,
    Slice, VERSION,
};
use crate::layout::Layout;
use crate::record_batch::{BatchHeader, EndTransactionMarker};
use crate::trailer;
use bytes::Bytes;
use model::{LeaderEpoch, Offset, PartitionId, TimestampMs};
use std::{collections::BTreeMap, ops::Range};

const MAGIC: [u8; 8] = *b"ALLUVSEG";

/// The largest timestamp of no batches.
const NO_TIMESTAMP: TimestampMs = TimestampMs(-1);

/// One partition's batches for a segment, under construction.
#[derive(Clone, Debug, Default)]
pub struct SliceContents {
    entries: Vec<BatchEntry>,
    parts: Vec<Bytes>,
    bytes: u64,
}

/// A segment, ready to be put.
#[derive(Clone, Debug)]
pub struct Segment {
    /// The object's bytes, in order: payloads are the slices that came in.
    pub parts: Vec<Bytes>,
    /// Length of the object.
    pub size: u64,
    /// What is in it.
    pub footer: Footer,
    /// The footer, laid out.
    pub footer_bytes: Bytes,
    /// Where the footer lies in the object.
    pub footer_offset: u64,
}

/// Collects slices: one per partition, or any number of those that commits have in other segments.
#[derive(Clone, Debug, Default)]
pub struct SegmentWriter {
    slices: BTreeMap<(PartitionId, Offset), (Slice, Vec<Bytes>)>,
    author: Option<SegmentAuthor>,
}

/// What a slice of a partition segment stands for: more than the batches in it say, when compaction took some.
#[derive(Clone, Debug)]
pub struct MergedRange {
    /// The offsets.
    pub offsets: Range<Offset>,
    /// The epochs in force there, with their first offsets in the range.
    pub epochs: Vec<(LeaderEpoch, Offset)>,
    /// The last stable offset once everything up to its end is in the log.
    pub last_stable_after: Offset,
    /// Transactions whose abort markers it still holds, by last offset.
    pub aborted: Vec<AbortedTransaction>,
    /// Whether log compaction has been over it.
    pub compacted: bool,
}

impl SliceContents {
    /// An empty slice.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a batch. `header` is what it will have in the log, base offset and epoch patched. Its bytes may come in
    /// several parts. A control batch that ends a transaction comes with its marker.
    ///
    /// # Errors
    /// [`SegmentError::Field`] when header and parts disagree in length, the batch was never given an offset, it
    /// does not follow the one before, or the slice reaches 4 GiB.
    pub fn push(
        &mut self,
        header: &BatchHeader,
        parts: impl IntoIterator<Item = Bytes>,
        marker: Option<EndTransactionMarker>,
    ) -> Result<(), SegmentError> {
        let position = u32::try_from(self.bytes).map_err(|_| SegmentError::Field("slice size"))?;
        let entry = BatchEntry { marker, ..BatchEntry::new(header, position)? };
        entry.next_offset().ok_or(SegmentError::Field("batch offset"))?;
        if self.end_offset().is_some_and(|end| entry.base_offset < end) {
            return Err(SegmentError::Field("order of batches"));
        }
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        if parts.iter().map(Bytes::len).sum::<usize>() != header.total_bytes() {
            return Err(SegmentError::Field("batch size"));
        }
        self.bytes += u64::from(entry.size);
        self.parts.extend(parts);
        self.entries.push(entry);
        Ok(())
    }

    /// Bytes of its batches.
    pub const fn size_bytes(&self) -> u64 {
        self.bytes
    }

    /// The offset after its last batch; `None` when empty.
    pub fn end_offset(&self) -> Option<Offset> {
        self.entries.last().and_then(BatchEntry::next_offset)
    }

    /// What the footer will say, but for the position in the object. `None` when empty.
    fn into_slice(
        self,
        partition: PartitionId,
        last_stable_after: Offset,
        aborted: Vec<AbortedTransaction>,
    ) -> Option<(Slice, Vec<Bytes>)> {
        let mut epochs = Vec::new();
        for entry in &self.entries {
            if epochs.last().is_none_or(|(epoch, _)| *epoch != entry.leader_epoch) {
                epochs.push((entry.leader_epoch, entry.base_offset));
            }
        }
        let slice = Slice {
            partition,
            bytes: 0..self.bytes,
            base_offset: self.entries.first()?.base_offset,
            end_offset: self.end_offset()?,
            epochs,
            max_timestamp: self.entries.iter().map(|entry| entry.max_timestamp).max()?,
            last_stable_after,
            aborted,
            compacted: false,
            batches: self.entries,
            extensions: Vec::new(),
        };
        Some((slice, self.parts))
    }
}

impl SegmentWriter {
    /// A segment without slices.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a partition's batches, with the last stable offset once all of them are in the log, and the transactions
    /// whose abort markers are among them. Nothing is added when there are none.
    ///
    /// # Errors
    /// [`SegmentError::Field`] when the partition has a slice already, or its epochs do not ascend.
    pub fn push(
        &mut self,
        partition: PartitionId,
        contents: SliceContents,
        last_stable_after: Offset,
        aborted: Vec<AbortedTransaction>,
    ) -> Result<(), SegmentError> {
        let Some((slice, parts)) = contents.into_slice(partition, last_stable_after, aborted)
        else {
            return Ok(());
        };
        self.insert(slice, parts)
    }

    /// Adds a partition's batches as what is left of `merged`, which may be nothing.
    ///
    /// # Errors
    /// As [`SegmentWriter::push`], and when batches lie outside the range.
    pub fn push_merged(
        &mut self,
        partition: PartitionId,
        contents: SliceContents,
        merged: MergedRange,
    ) -> Result<(), SegmentError> {
        let newest = contents.entries.iter().map(|entry| entry.max_timestamp).max();
        let slice = Slice {
            partition,
            bytes: 0..contents.bytes,
            base_offset: merged.offsets.start,
            end_offset: merged.offsets.end,
            epochs: merged.epochs,
            max_timestamp: newest.unwrap_or(NO_TIMESTAMP),
            last_stable_after: merged.last_stable_after,
            aborted: merged.aborted,
            compacted: merged.compacted,
            batches: contents.entries,
            extensions: Vec::new(),
        };
        self.insert(slice, contents.parts)
    }

    /// Adds a slice as another segment has it: `bytes` are those of its batches. A partition may have several, which come in
    /// offset order.
    ///
    /// # Errors
    /// [`SegmentError::Field`] when the bytes are not as many as the slice says, or it does not follow the partition's last.
    pub fn push_copy(&mut self, slice: &Slice, bytes: Bytes) -> Result<(), SegmentError> {
        let length = slice.bytes.end.saturating_sub(slice.bytes.start);
        if bytes.len() as u64 != length {
            return Err(SegmentError::Field("slice size"));
        }
        if self.end_of(slice.partition).is_some_and(|end| slice.base_offset < end) {
            return Err(SegmentError::Field("order of slices"));
        }
        let slice = Slice { bytes: 0..length, ..slice.clone() };
        slice.check()?;
        self.slices.insert((slice.partition, slice.base_offset), (slice, vec![bytes]));
        Ok(())
    }

    fn insert(&mut self, slice: Slice, parts: Vec<Bytes>) -> Result<(), SegmentError> {
        slice.check()?;
        if self.end_of(slice.partition).is_some() {
            return Err(SegmentError::Field("partition: it has a slice already"));
        }
        self.slices.insert((slice.partition, slice.base_offset), (slice, parts));
        Ok(())
    }

    /// Where the partition's last slice ends.
    fn end_of(&self, partition: PartitionId) -> Option<Offset> {
        let slices = self.slices.range((partition, Offset::ZERO)..);
        let own = slices.take_while(|((other, _), _)| *other == partition);
        own.last().map(|(_, (slice, _))| slice.end_offset)
    }

    /// Names who writes it.
    pub fn sign(&mut self, author: SegmentAuthor) {
        self.author = Some(author);
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.slices.is_empty()
    }

    /// Lays the object out: slices in the order of their partitions and offsets.
    pub fn finish(self) -> Segment {
        let mut parts = vec![header()];
        let mut size = HEADER_BYTES as u64;
        let extensions = self.author.iter().map(Extension::author).collect();
        let mut footer = Footer { extensions, ..Footer::default() };
        for (mut slice, payload) in self.slices.into_values() {
            slice.bytes = size..size + slice.bytes.end;
            size = slice.bytes.end;
            footer.slices.push(slice);
            parts.extend(payload);
        }
        let footer_bytes = Bytes::from(footer.encode());
        let footer_range = size..size + footer_bytes.len() as u64;
        let trailer = trailer::encode(TRAILER_MAGIC, VERSION, &footer_range);
        parts.push(footer_bytes.clone());
        parts.push(Bytes::copy_from_slice(&trailer));
        Segment {
            parts,
            size: footer_range.end + trailer.len() as u64,
            footer,
            footer_bytes,
            footer_offset: footer_range.start,
        }
    }
}

/// Whether an object's first bytes are those of a segment of this version.
///
/// # Errors
/// [`SegmentError::Magic`], [`SegmentError::Version`].
pub fn check_header(object_start: &[u8]) -> Result<(), SegmentError> {
    let Some((MAGIC, rest)) = object_start.split_first_chunk().map(|(magic, rest)| (*magic, rest))
    else {
        return Err(SegmentError::Magic);
    };
    match rest.first_chunk().map(|version| u16::from_le_bytes(*version)) {
        Some(VERSION) => Ok(()),
        Some(version) => Err(SegmentError::Version(version)),
        None => Err(SegmentError::Truncated),
    }
}

fn header() -> Bytes {
    let mut layout = Layout::<HEADER_BYTES>::new();
    layout.put(&MAGIC).put(&VERSION.to_le_bytes());
    Bytes::copy_from_slice(&layout.finish())
}
