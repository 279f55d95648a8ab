//! [`Plan`]: which slices of which commits go into which gathered segment. Pure.

use super::Lifetime;
use crate::fold::FoldableCommit;
use model::{Offset, PartitionId};
use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
};

/// Slices that are as large, on average, gain too little: 4,096 GETs for each GiB of a partition's history, many at a time, cost
/// a sixth of a cent; to gather it is to upload it twice.
const LARGE_SLICE_BYTES: u64 = 256 << 10;

/// Pieces of a segment that lie closer together are read together.
const GAP_BYTES: u64 = 64 << 10;

/// What to make of some commits.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) outputs: Vec<Output>,
    /// Whether only slices that live longer or shorter than most are copied.
    pub(super) is_partial: bool,
}

/// A gathered segment to be made.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Output {
    /// Ascending by partition and offset; all live as long.
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
    /// Sorts the commits' slices by how long they live and by partition, and lays them out in segments of about `segment_bytes`, none of
    /// which holds two lifetimes. Where slices are large, those that live as long as most bytes do stay. `None`: nothing to gain.
    pub(super) fn of(
        commits: &[FoldableCommit],
        segment_bytes: u64,
        lifetime: impl Fn(PartitionId) -> Lifetime,
    ) -> Option<Self> {
        let mut lifetimes: HashMap<PartitionId, Lifetime> = HashMap::new();
        let mut sorted: BTreeMap<(Lifetime, PartitionId, Offset), Piece> = BTreeMap::new();
        for (source, commit) in commits.iter().enumerate() {
            for (position, slice) in commit.footer.slices.iter().enumerate() {
                let partition = slice.partition;
                let lifetime = *lifetimes.entry(partition).or_insert_with(|| lifetime(partition));
                let piece = Piece { source, position, bytes: slice.bytes.clone() };
                if sorted.insert((lifetime, partition, slice.base_offset), piece).is_some() {
                    // Two commits of the same offsets: whatever that is, it is not made worse here.
                    return None;
                }
            }
        }
        let bytes: u64 = sorted.values().map(Piece::bytes).sum();
        let is_partial = !is_worth_it(bytes, sorted.len() as u64);
        if is_partial {
            let most = prevailing(&sorted)?;
            sorted.retain(|(lifetime, ..), _| *lifetime != most);
        }
        if commits.len() < 2 || sorted.is_empty() {
            return None;
        }
        let mut outputs: Vec<Output> = Vec::new();
        let mut last = None;
        for ((lifetime, ..), piece) in sorted {
            match outputs.last_mut() {
                Some(output) if output.bytes < segment_bytes && last == Some(lifetime) => {
                    output.push(piece);
                }
                _ => outputs.push(Output { bytes: piece.bytes(), pieces: vec![piece] }),
            }
            last = Some(lifetime);
        }
        Some(Self { outputs, is_partial })
    }
}

/// How long most bytes live.
fn prevailing(sorted: &BTreeMap<(Lifetime, PartitionId, Offset), Piece>) -> Option<Lifetime> {
    let mut bytes: BTreeMap<Lifetime, u64> = BTreeMap::new();
    for ((lifetime, ..), piece) in sorted {
        *bytes.entry(*lifetime).or_default() += piece.bytes();
    }
    bytes.into_iter().max_by_key(|(_, bytes)| *bytes).map(|(lifetime, _)| lifetime)
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

    /// What to read of which source. A segment's slices lie in the order of their partitions, as the pieces do.
    pub(super) fn spans(&self) -> Vec<(usize, Range<u64>)> {
        let mut spans: BTreeMap<usize, Vec<Range<u64>>> = BTreeMap::new();
        for Piece { source, bytes, .. } in &self.pieces {
            let of_source = spans.entry(*source).or_default();
            match of_source.last_mut() {
                Some(last) if (last.end..=last.end + GAP_BYTES).contains(&bytes.start) => {
                    last.end = bytes.end;
                }
                _ => of_source.push(bytes.clone()),
            }
        }
        let all = spans.into_iter();
        all.flat_map(|(source, ranges)| ranges.into_iter().map(move |it| (source, it))).collect()
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

    fn alike(_: PartitionId) -> Lifetime {
        Lifetime::numbered(7)
    }

    fn odd_ones_live_longer(partition: PartitionId) -> Lifetime {
        Lifetime::numbered((partition.partition.get() % 2) as u8)
    }

    /// Source and partition of each piece, by output.
    fn layout(commits: &[FoldableCommit], segment_bytes: u64) -> Vec<Vec<(usize, u32)>> {
        let plan = Plan::of(commits, segment_bytes, alike).expect("something to gain");
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
        let plan = Plan::of(&commits, 200, alike).expect("something to gain");
        for (position, output) in plan.outputs.iter().enumerate() {
            let own = |source: usize| commits[source].footer.slices[position].bytes.clone();
            assert_eq!(output.spans(), [(0, own(0)), (1, own(1))]);
        }
    }

    #[test]
    fn large_slices_and_single_commits_stay_where_they_are() {
        assert_eq!(Plan::of(&[commit(1, &[0, 1], 0, 10)], 1 << 20, alike), None);
        let large = [commit(1, &[0], 0, 256 << 10), commit(2, &[0], 1, 256 << 10)];
        assert_eq!(Plan::of(&large, 32 << 20, alike), None);
    }

    #[test]
    fn what_lives_shorter_lies_in_segments_of_its_own() {
        let commits = [commit(1, &[0, 1, 2], 0, 10), commit(2, &[0, 1, 2], 1, 10)];
        let plan = Plan::of(&commits, 1 << 20, odd_ones_live_longer).expect("something to gain");
        let partitions = |output: &Output| -> Vec<_> {
            let slices = output.pieces.iter();
            slices.map(|it| commits[it.source].footer.slices[it.position].partition).collect()
        };
        let [even, odd] = plan.outputs.as_slice() else { panic!("{plan:?}") };
        let [zero, one, two] = [0, 1, 2].map(partition);
        assert_eq!(
            (partitions(even), partitions(odd)),
            (vec![zero, zero, two, two], vec![one, one])
        );
        // Little lies between, so it is read with them.
        let own = |source: usize| &commits[source].footer.slices;
        let whole = |source| own(source)[0].bytes.start..own(source)[2].bytes.end;
        assert_eq!(even.spans(), [(0, whole(0)), (1, whole(1))]);
    }

    #[test]
    fn of_large_slices_only_those_of_another_lifetime_than_most_are_copied() {
        let mut commits = [commit(1, &[0, 2], 0, 512 << 10), commit(2, &[0, 2], 1, 512 << 10)];
        assert_eq!(Plan::of(&commits, 1 << 20, odd_ones_live_longer), None);
        commits[1] = commit(2, &[0, 1, 2], 1, 512 << 10);
        let plan = Plan::of(&commits, 1 << 20, odd_ones_live_longer).expect("one of them");
        let pieces: Vec<_> = plan.outputs.iter().flat_map(|output| &output.pieces).collect();
        let [piece] = pieces.as_slice() else { panic!("{pieces:?}") };
        assert_eq!((piece.source, piece.position, plan.is_partial), (1, 1, true));
    }
}
