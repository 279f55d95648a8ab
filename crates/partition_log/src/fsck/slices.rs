//! What a list says of a slice, and whether a slice is dense. Pure.

use formats::segment::Slice;
use model::{Offset, PartitionId};
use std::ops::Range;

/// A slice as some list has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ListedSlice {
    pub(super) partition: PartitionId,
    pub(super) offsets: Range<u64>,
    /// Of all that the list says of it.
    pub(super) checksum: u32,
}

impl ListedSlice {
    pub(super) fn of(slice: &Slice) -> Self {
        let offsets = slice.base_offset.get()..slice.end_offset.get();
        Self { partition: slice.partition, offsets, checksum: slice.checksum() }
    }

    /// Why the segment itself says something else; `None` when it says the same.
    pub(super) fn contradiction(&self, own: Option<&Slice>) -> Option<String> {
        let Some(own) = own else {
            return Some("the segment's own footer does not have this partition".to_owned());
        };
        let there = Self::of(own);
        if there == *self {
            return None;
        }
        let Range { start, end } = there.offsets;
        Some(if there.offsets == self.offsets {
            "the segment's own footer says otherwise of these offsets".to_owned()
        } else {
            format!("the segment's own footer says offsets {start}..{end}")
        })
    }
}

/// The first offsets of a slice that no batch stands for. Compaction leaves such, nothing else does.
pub(super) fn gap(slice: &Slice) -> Option<Range<u64>> {
    if slice.compacted {
        return None;
    }
    let mut next = slice.base_offset.get();
    let batches = slice.batches.iter().map(|batch| {
        let start = batch.base_offset.get();
        start..batch.next_offset().map_or(start, Offset::get)
    });
    let end = slice.end_offset.get();
    for batch in batches.chain(std::iter::once(end..end)) {
        if batch.start != next {
            return Some(next..batch.start);
        }
        next = batch.end;
    }
    None
}

/// Whether slices follow each other without a gap; else the end of the one before, and the start of the next.
pub(super) fn discontinuity<'a>(slices: impl IntoIterator<Item = &'a Slice>) -> Option<(u64, u64)> {
    let mut end = None;
    for slice in slices {
        let start = slice.base_offset.get();
        if let Some(end) = end.filter(|&end| end != start) {
            return Some((end, start));
        }
        end = Some(slice.end_offset.get());
    }
    None
}
