//! [`LogStarts`]: where logs may start, by what was asked and answered so far.

use parking_lot::Mutex;
use std::{collections::BTreeMap, ops::RangeInclusive, sync::Arc};

/// What is known of every partition's log start. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct LogStarts(Arc<Mutex<BTreeMap<i32, LogStart>>>);

#[derive(Clone, Copy, Debug, Default)]
struct LogStart {
    /// The highest that somebody asked for.
    asked: i64,
    /// The highest that was acknowledged.
    acknowledged: i64,
}

impl LogStarts {
    /// Somebody asks that a log starts at `offset`.
    pub fn ask(&self, partition: i32, offset: i64) {
        let mut starts = self.0.lock();
        let start = starts.entry(partition).or_default();
        start.asked = start.asked.max(offset);
    }

    /// A broker said that it starts at `offset`.
    ///
    /// # Panics
    /// When nobody asked for that, or more was acknowledged.
    pub fn acknowledge(&self, partition: i32, offset: i64) {
        let possible = self.possible(partition);
        assert!(possible.contains(&offset), "log {partition} starts at {offset}, not {possible:?}");
        self.0.lock().entry(partition).or_default().acknowledged = offset;
    }

    /// Where a partition's log may start now.
    pub fn possible(&self, partition: i32) -> RangeInclusive<i64> {
        let start = self.0.lock().get(&partition).copied().unwrap_or_default();
        start.acknowledged..=start.asked
    }

    /// The partitions, each with what was acknowledged.
    pub fn acknowledged(&self) -> Vec<(i32, u64)> {
        let starts = self.0.lock();
        starts.iter().map(|(partition, start)| (*partition, start.acknowledged as u64)).collect()
    }
}
