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
    pub(super) fn contradiction(&self, own: &[Slice]) -> Option<String> {
        // A gathered segment has several slices of a partition.
        let same = own.iter().find(|it| it.base_offset.get() == self.offsets.start);
        let Some(own) = same.or(own.first()) else {
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

#[cfg(test)]
mod tests {
    use super::*;
    use formats::segment::BatchEntry;
    use model::{LeaderEpoch, PartitionIndex, TimestampMs, TopicId};
    use std::slice::from_ref;

    fn offset(offset: u64) -> Offset {
        Offset::new(offset).expect("small")
    }

    fn batch(offsets: Range<u64>) -> BatchEntry {
        BatchEntry {
            base_offset: offset(offsets.start),
            last_offset_delta: (offsets.end - offsets.start - 1) as u32,
            position: 0,
            size: 1,
            leader_epoch: LeaderEpoch::new(1).expect("small"),
            max_timestamp: TimestampMs(0),
            producer: None,
            transactional: false,
            control: false,
            marker: None,
        }
    }

    fn slice(offsets: Range<u64>, batches: &[Range<u64>]) -> Slice {
        Slice {
            partition: PartitionId {
                topic: TopicId::from_bytes([1; 16]),
                partition: PartitionIndex::new(0).expect("small"),
            },
            bytes: 16..116,
            base_offset: offset(offsets.start),
            end_offset: offset(offsets.end),
            epochs: Vec::new(),
            max_timestamp: TimestampMs(0),
            last_stable_after: offset(offsets.end),
            aborted: Vec::new(),
            compacted: false,
            batches: batches.iter().cloned().map(batch).collect(),
            extensions: Vec::new(),
        }
    }

    #[test]
    fn offsets_that_no_batch_stands_for_are_a_gap_unless_they_were_compacted() {
        assert_eq!(gap(&slice(3..8, &[3..5, 5..8])), None);
        assert_eq!(gap(&slice(3..8, from_ref(&(4..8)))), Some(3..4));
        assert_eq!(gap(&slice(3..8, &[3..5, 6..8])), Some(5..6));
        assert_eq!(gap(&slice(3..8, from_ref(&(3..5)))), Some(5..8));
        assert_eq!(gap(&Slice { compacted: true, ..slice(3..8, from_ref(&(4..5))) }), None);
    }

    #[test]
    fn slices_that_do_not_meet_are_told_with_their_ends() {
        let [one, two, apart] = [slice(0..3, &[]), slice(3..5, &[]), slice(6..7, &[])];
        assert_eq!(discontinuity([&one, &two]), None);
        assert_eq!(discontinuity([&one, &two, &apart]), Some((5, 6)));
        assert_eq!(discontinuity([&two, &one]), Some((5, 0)));
        assert_eq!(discontinuity([]), None);
    }

    #[test]
    fn a_list_contradicts_a_segment_that_says_anything_else() {
        let own = slice(0..3, from_ref(&(0..3)));
        let listed = ListedSlice::of(&own);
        assert_eq!(listed.contradiction(from_ref(&own)), None);
        assert!(listed.contradiction(&[]).is_some());
        let longer = Slice { end_offset: offset(4), ..own.clone() };
        let told = listed.contradiction(&[longer]).expect("a contradiction");
        assert!(told.contains("offsets 0..4"), "{told}");
        let later = Slice { max_timestamp: TimestampMs(1), ..own };
        assert!(listed.contradiction(&[later]).is_some());
    }
}
