//! What is garbage: slices that no reader can reach any more. Pure.

use model::{Offset, PartitionId, TimestampMs, TopicId};
use std::collections::{HashMap, HashSet};

/// What a segment or an index object holds of one partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Held {
    pub(super) partition: PartitionId,
    pub(super) end_offset: Offset,
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
        if self.deleted.contains(&held.partition.topic) {
            return true;
        }
        let below = |end: Option<&Offset>| end.is_some_and(|&end| held.end_offset <= end);
        if below(self.merged_through.get(&held.partition)) {
            return true;
        }
        below(self.log_starts.get(&held.partition)) && held.max_timestamp < self.producers_since
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
            end_offset: Offset::new(end).expect("small"),
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
