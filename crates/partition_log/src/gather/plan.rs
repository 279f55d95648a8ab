//! [`Plan`]: which slices of which commits go into which gathered segment. Pure.

use crate::fold::FoldableCommit;
use model::{Offset, PartitionId};
use std::{collections::BTreeMap, ops::Range};

/// Slices that are as large, on average, gain too little: 4,096 GETs for each GiB of a partition's history, many at a time, cost
/// a sixth of a cent; to gather it is to upload it twice.
const LARGE_SLICE_BYTES: u64 = 256 << 10;

/// What to make of some commits.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) outputs: Vec<Output>,
}

/// A gathered segment to be made.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Output {
    /// Ascending by partition and offset.
    pub(super) pieces: Vec<Piece>,
    /// Bytes of their batches.
    pub(super) bytes: u64,
}

/// A slice to be copied.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// The commit's position among those that are gathered.
    pub(super) source: usize,
    /// The slice's position in its footer.
    pub(super) position: usize,
    /// Where the slice lies in its segment.
    bytes: Range<u64>,
}

/// Whether so many slices of so many bytes together are to be gathered.
pub(crate) fn is_worth_it(bytes: u64, slices: u64) -> bool {
    bytes < LARGE_SLICE_BYTES * slices
}

impl Plan {
    /// Sorts the commits' slices by partition and lays them out in segments of about `segment_bytes`. `None`: nothing to gain.
    pub(super) fn of(commits: &[FoldableCommit], segment_bytes: u64) -> Option<Self> {
        let mut sorted: BTreeMap<(PartitionId, Offset), Piece> = BTreeMap::new();
        for (source, commit) in commits.iter().enumerate() {
            for (position, slice) in commit.footer.slices.iter().enumerate() {
                let piece = Piece { source, position, bytes: slice.bytes.clone() };
                if sorted.insert((slice.partition, slice.base_offset), piece).is_some() {
                    // Two commits of the same offsets: whatever that is, it is not made worse here.
                    return None;
                }
            }
        }
        let bytes: u64 = sorted.values().map(Piece::bytes).sum();
        if commits.len() < 2 || !is_worth_it(bytes, sorted.len() as u64) {
            return None;
        }
        let mut outputs = vec![Output::default()];
        for piece in sorted.into_values() {
            match outputs.last_mut() {
                Some(output) if output.bytes < segment_bytes => output.push(piece),
                _ => outputs.push(Output { bytes: piece.bytes(), pieces: vec![piece] }),
            }
        }
        Some(Self { outputs })
    }
}

impl Piece {
    fn bytes(&self) -> u64 {
        self.bytes.end - self.bytes.start
    }
}

impl Output {
    fn push(&mut self, piece: Piece) {
        self.bytes += piece.bytes();
        self.pieces.push(piece);
    }

    /// What to read of each source. A segment's slices lie in the order of their partitions, so this is little more than the pieces.
    pub(super) fn spans(&self) -> BTreeMap<usize, Range<u64>> {
        let mut spans: BTreeMap<usize, Range<u64>> = BTreeMap::new();
        for piece in &self.pieces {
            let span = spans.entry(piece.source).or_insert_with(|| piece.bytes.clone());
            *span = span.start.min(piece.bytes.start)..span.end.max(piece.bytes.end);
        }
        spans
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use formats::{
        record_batch::BatchHeader,
        segment::{SegmentWriter, SliceContents},
    };
    use model::{PartitionIndex, TopicId};
    use std::sync::Arc;
    use storage::ObjectName;

    fn partition(index: u32) -> PartitionId {
        let partition = PartitionIndex::new(index).expect("an index");
        PartitionId { topic: TopicId::from_bytes([1; 16]), partition }
    }

    fn offset(offset: u64) -> Offset {
        Offset::new(offset).expect("small")
    }

    /// A commit with a batch of `bytes` at offset `at` of each of these partitions.
    fn commit(seq: u64, partitions: &[u32], at: u64, bytes: usize) -> FoldableCommit {
        let mut writer = SegmentWriter::new();
        for &index in partitions {
            let mut builder =
                formats::record_batch::BatchBuilder::new(formats::compression::Codec::None);
            builder.push(0, None, Some(&vec![0; bytes]), &[]);
            let mut batch = builder.build().to_vec();
            batch[..8].copy_from_slice(&at.to_be_bytes());
            batch[12..16].copy_from_slice(&1_u32.to_be_bytes());
            let header = BatchHeader::parse(&batch).expect("a batch");
            let mut contents = SliceContents::new();
            contents.push(&header, [Bytes::from(batch)], None).expect("a slice");
            writer.push(partition(index), contents, offset(at + 1), vec![]).expect("a slice");
        }
        let footer = Arc::new(writer.finish().footer);
        let object = ObjectName::new(&format!("data/{seq}")).expect("a name");
        FoldableCommit { seq, object, footer, wal_synced: 0 }
    }

    /// Source and partition of each piece, by output.
    fn layout(commits: &[FoldableCommit], segment_bytes: u64) -> Vec<Vec<(usize, u32)>> {
        let plan = Plan::of(commits, segment_bytes).expect("something to gain");
        let place = |piece: &Piece| {
            let slice = &commits[piece.source].footer.slices[piece.position];
            (piece.source, slice.partition.partition.get())
        };
        plan.outputs.iter().map(|it| it.pieces.iter().map(place).collect()).collect()
    }

    #[test]
    fn slices_are_sorted_by_partition_then_by_commit() {
        let commits = [commit(1, &[0, 2], 0, 10), commit(2, &[0, 1, 2], 1, 10)];
        let all = vec![(0, 0), (1, 0), (1, 1), (0, 2), (1, 2)];
        assert_eq!(layout(&commits, 1 << 20), vec![all]);
    }

    #[test]
    fn a_full_segment_is_followed_by_another_and_each_reads_what_it_needs() {
        let commits = [commit(1, &[0, 1], 0, 100), commit(2, &[0, 1], 1, 100)];
        assert_eq!(layout(&commits, 200), [[(0, 0), (1, 0)], [(0, 1), (1, 1)]]);
        let plan = Plan::of(&commits, 200).expect("something to gain");
        let spans: Vec<_> = plan.outputs.iter().map(Output::spans).collect();
        for (output, spans) in spans.iter().enumerate() {
            for (source, span) in spans {
                assert_eq!(*span, commits[*source].footer.slices[output].bytes);
            }
        }
    }

    #[test]
    fn large_slices_and_single_commits_stay_where_they_are() {
        assert_eq!(Plan::of(&[commit(1, &[0, 1], 0, 10)], 1 << 20), None);
        let large = [commit(1, &[0], 0, 256 << 10), commit(2, &[0], 1, 256 << 10)];
        assert_eq!(Plan::of(&large, 32 << 20), None);
    }
}
