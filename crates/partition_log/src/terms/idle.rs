//! [`IdleWatch`]: which partitions have not been appended to for long. Pure.

use model::{Offset, PartitionId};
use runtime::BootTime;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// How long a `wal` partition is silent before it is declared clean (DESIGN section 3).
const IDLE_AFTER: Duration = Duration::from_secs(60);

/// Log ends, and since when they were seen.
#[derive(Debug, Default)]
pub(super) struct IdleWatch {
    ends: BTreeMap<PartitionId, (Offset, BootTime)>,
}

impl IdleWatch {
    /// Takes in the ends of all partitions that are watched; answers those that have not moved for long.
    pub(super) fn observe(
        &mut self,
        now: BootTime,
        ends: impl IntoIterator<Item = (PartitionId, Offset)>,
    ) -> BTreeSet<PartitionId> {
        let mut seen = BTreeMap::new();
        let mut idle = BTreeSet::new();
        for (partition, end) in ends {
            let since = match self.ends.get(&partition) {
                Some(&(known, since)) if known == end => since,
                _ => now,
            };
            seen.insert(partition, (end, since));
            if now.since(since) >= IDLE_AFTER {
                idle.insert(partition);
            }
        }
        self.ends = seen;
        idle
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{PartitionIndex, TopicId};

    fn partition(index: u32) -> PartitionId {
        let topic = TopicId::from_bytes([1; 16]);
        PartitionId { topic, partition: PartitionIndex::new(index).expect("small") }
    }

    fn observe(watch: &mut IdleWatch, seconds: u64, ends: &[(u32, u64)]) -> Vec<u32> {
        let ends =
            ends.iter().map(|&(index, end)| (partition(index), Offset::new(end).expect("small")));
        let idle = watch.observe(BootTime(Duration::from_secs(seconds)), ends);
        idle.into_iter().map(|it| it.partition.get()).collect()
    }

    #[test]
    fn a_partition_is_idle_after_a_minute_without_appends() {
        let mut watch = IdleWatch::default();
        assert!(observe(&mut watch, 0, &[(0, 5), (1, 5)]).is_empty());
        assert!(observe(&mut watch, 59, &[(0, 5), (1, 6)]).is_empty());
        assert_eq!(observe(&mut watch, 60, &[(0, 5), (1, 6)]), [0]);
        assert_eq!(observe(&mut watch, 119, &[(0, 5), (1, 6)]), [0, 1]);
    }

    #[test]
    fn a_partition_that_was_not_watched_counts_from_when_it_is_again() {
        let mut watch = IdleWatch::default();
        observe(&mut watch, 0, &[(0, 5)]);
        observe(&mut watch, 30, &[]);
        assert!(observe(&mut watch, 70, &[(0, 5)]).is_empty());
    }
}
