//! What is garbage: slices that no reader can reach any more. Pure.

use model::{Offset, PartitionId, TimestampMs, TopicId};
use std::collections::{HashMap, HashSet};

/// What a segment or an index object holds of one partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Held {
    pub(super) partition: PartitionId,
    pub(super) base_offset: Offset,
    pub(super) end_offset: Offset,
    /// Of its batches.
    pub(super) bytes: u64,
    pub(super) max_timestamp: TimestampMs,
}

/// Facts as of one revision. All of them are final: topics stay deleted, log starts and what is merged only grow.
#[derive(Debug, Default)]
pub(super) struct Liveness {
    pub(super) deleted: HashSet<TopicId>,
    pub(super) log_starts: HashMap<PartitionId, Offset>,
    /// Below these offsets partition segments hold everything, and manifests the producer state.
    pub(super) merged_through: HashMap<PartitionId, Offset>,
    /// What is older holds no producer state that still counts.
    pub(super) producers_since: TimestampMs,
}

impl Liveness {
    /// Whether nothing of what an object holds is needed: all of it is of deleted topics, or merged, or below the log start and too
    /// old for its producers to be remembered (a restart reads producer state from what is listed).
    pub(super) fn all_dead(&self, held: &[Held]) -> bool {
        held.iter().all(|it| self.is_dead(it))
    }

    fn is_dead(&self, held: &Held) -> bool {
        let merged_through = self.merged_through.get(&held.partition);
        self.deleted.contains(&held.partition.topic)
            || merged_through.is_some_and(|&end| held.end_offset <= end)
            || self.is_unreachable(held.partition, held.end_offset)
                && held.max_timestamp < self.producers_since
    }

    /// Whether no reader reaches records of the partition below that offset: its topic is deleted, or they are merged, or below the log
    /// start. Producers may be remembered by what lists them.
    pub(super) fn is_unreachable(&self, partition: PartitionId, end: Offset) -> bool {
        self.deleted.contains(&partition.topic)
            || self.reachable_from(partition).is_some_and(|from| end <= from)
    }

    /// How many bytes of what an object holds no reader reaches, as if a partition's records were all as large.
    pub(super) fn unreachable_bytes(&self, held: &[Held]) -> u64 {
        held.iter().map(|it| self.unreachable_bytes_of(it)).sum()
    }

    fn unreachable_bytes_of(&self, held: &Held) -> u64 {
        if self.is_unreachable(held.partition, held.end_offset) {
            return held.bytes;
        }
        let Some(from) = self.reachable_from(held.partition) else { return 0 };
        let (base, end) = (held.base_offset.get(), held.end_offset.get());
        let gone = u128::from(from.get().saturating_sub(base)) * u128::from(held.bytes);
        (gone / u128::from(end.saturating_sub(base).max(1))) as u64
    }

    fn reachable_from(&self, partition: PartitionId) -> Option<Offset> {
        self.log_starts.get(&partition).max(self.merged_through.get(&partition)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::PartitionIndex;

    fn held(end: u64, max_timestamp: i64) -> Held {
        Held {
            partition: PartitionId {
                topic: TopicId::from_bytes([1; 16]),
                partition: PartitionIndex::new(0).expect("small"),
            },
            base_offset: Offset::ZERO,
            end_offset: Offset::new(end).expect("small"),
            bytes: 10 * end,
            max_timestamp: TimestampMs(max_timestamp),
        }
    }

    fn starts_at(offset: u64) -> Liveness {
        Liveness {
            log_starts: HashMap::from([(
                held(0, 0).partition,
                Offset::new(offset).expect("small"),
            )]),
            producers_since: TimestampMs(1_000),
            ..Liveness::default()
        }
    }

    #[test]
    fn a_slice_that_reaches_beyond_the_log_start_keeps_its_object() {
        assert!(starts_at(10).all_dead(&[held(10, 0)]));
        assert!(!starts_at(10).all_dead(&[held(10, 0), held(11, 0)]));
    }

    #[test]
    fn what_is_merged_keeps_nothing_whatever_its_producers() {
        let merged_through = starts_at(10).log_starts;
        let liveness = Liveness { merged_through, ..starts_at(0) };
        assert!(liveness.all_dead(&[held(10, 5_000)]));
        assert!(!liveness.all_dead(&[held(11, 5_000)]));
    }

    #[test]
    fn a_slice_whose_producers_are_remembered_keeps_its_object() {
        assert!(!starts_at(10).all_dead(&[held(10, 1_000)]));
    }

    #[test]
    fn bytes_below_the_log_start_are_unreachable_whatever_their_producers() {
        let held = [held(10, 5_000), held(40, 5_000)];
        assert_eq!(starts_at(0).unreachable_bytes(&held), 0);
        assert_eq!(starts_at(20).unreachable_bytes(&held), 100 + 200);
        assert_eq!(starts_at(40).unreachable_bytes(&held), 500);
        let deleted = HashSet::from([held[0].partition.topic]);
        assert_eq!(Liveness { deleted, ..starts_at(0) }.unreachable_bytes(&held), 500);
        assert!(starts_at(10).is_unreachable(held[0].partition, held[0].end_offset));
        assert!(!starts_at(9).is_unreachable(held[0].partition, held[0].end_offset));
    }

    #[test]
    fn a_partition_that_nobody_says_anything_of_is_live() {
        assert!(!Liveness::default().all_dead(&[held(10, 0)]));
    }

    #[test]
    fn a_deleted_topic_keeps_nothing() {
        let deleted = HashSet::from([held(0, 0).partition.topic]);
        let liveness = Liveness { deleted, ..Liveness::default() };
        assert!(liveness.all_dead(&[held(10, 5_000)]));
    }
}
