//! [`ReadAhead`]: which reads of objects are worth reading on behind.
//!
//! A reader that goes on where an earlier read ended is read ahead of by as much as it last took, once, so that its next read
//! finds the bytes in the cache or on their way. What is ahead and not yet asked for stays within a budget: bytes that leave the
//! cache before they are used would be fetched twice.

use model::{Offset, PartitionId};
use parking_lot::Mutex;
use runtime::BootTime;
use std::{
    collections::{HashMap, VecDeque},
    ops::Range,
    time::Duration,
};

/// What nobody asked for within this time counts no more: its reader went away.
const PATIENCE: Duration = Duration::from_secs(10);
/// Ends of reads that are remembered.
const ENDS_MAX: usize = 4096;

/// Decides about reading ahead. One serves all partitions of a broker.
#[derive(Debug)]
pub(crate) struct ReadAhead {
    budget_bytes: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Where the last read of each partition ended.
    ends: HashMap<PartitionId, Offset>,
    /// What is read ahead and not yet asked for, oldest first.
    ahead: VecDeque<Ahead>,
    ahead_bytes: u64,
}

#[derive(Debug)]
struct Ahead {
    partition: PartitionId,
    from: Offset,
    bytes: u64,
    since: BootTime,
}

impl ReadAhead {
    /// At most `budget_bytes` are ahead at any time.
    pub(crate) fn new(budget_bytes: u64) -> Self {
        Self { budget_bytes, state: Mutex::default() }
    }

    /// Notes that a read of `offsets` was answered with `bytes`; whether to read as many behind it now.
    pub(crate) fn follows(
        &self,
        partition: PartitionId,
        offsets: Range<Offset>,
        bytes: u64,
        now: BootTime,
    ) -> bool {
        let mut state = self.state.lock();
        let was_ahead = state.take(partition, offsets.start);
        let goes_on = state.note_end(partition, &offsets);
        state.drop_abandoned(now);
        if !(was_ahead || goes_on) || state.ahead_bytes + bytes > self.budget_bytes {
            return false;
        }
        state.ahead_bytes += bytes;
        state.ahead.push_back(Ahead { partition, from: offsets.end, bytes, since: now });
        true
    }
}

impl State {
    /// Gives back what was ahead at `from`.
    fn take(&mut self, partition: PartitionId, from: Offset) -> bool {
        let found = |ahead: &Ahead| ahead.partition == partition && ahead.from == from;
        let Some(at) = self.ahead.iter().position(found) else { return false };
        let taken = self.ahead.remove(at);
        self.ahead_bytes -= taken.map_or(0, |ahead| ahead.bytes);
        true
    }

    /// Whether the read began where the one before it ended.
    fn note_end(&mut self, partition: PartitionId, offsets: &Range<Offset>) -> bool {
        if self.ends.len() >= ENDS_MAX && !self.ends.contains_key(&partition) {
            self.ends.clear();
        }
        self.ends.insert(partition, offsets.end) == Some(offsets.start)
    }

    fn drop_abandoned(&mut self, now: BootTime) {
        while self.ahead.front().is_some_and(|ahead| now.since(ahead.since) > PATIENCE) {
            self.ahead_bytes -= self.ahead.pop_front().map_or(0, |ahead| ahead.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{PartitionIndex, TopicId};

    fn partition(index: u32) -> PartitionId {
        let partition = PartitionIndex::new(index).expect("an index");
        PartitionId { topic: TopicId::from_bytes([1; 16]), partition }
    }

    fn follows(ahead: &ReadAhead, index: u32, offsets: Range<u64>, seconds: u64) -> bool {
        let offset = |wire: u64| Offset::from_wire(wire as i64).expect("an offset");
        let offsets = offset(offsets.start)..offset(offsets.end);
        ahead.follows(partition(index), offsets, 100, BootTime(Duration::from_secs(seconds)))
    }

    #[test]
    fn a_reader_that_goes_on_is_read_ahead_of() {
        let ahead = ReadAhead::new(1_000);
        assert!(!follows(&ahead, 0, 0..10, 0), "a first read may be the only one");
        assert!(follows(&ahead, 0, 10..20, 0));
        assert!(follows(&ahead, 0, 20..30, 0));
        assert!(!follows(&ahead, 0, 500..510, 0), "it jumped");
    }

    #[test]
    fn two_readers_of_a_partition_do_not_hide_each_other() {
        let ahead = ReadAhead::new(1_000);
        assert!(!follows(&ahead, 0, 0..10, 0) && follows(&ahead, 0, 10..20, 0));
        assert!(!follows(&ahead, 0, 700..710, 0) && follows(&ahead, 0, 710..720, 0));
        assert!(follows(&ahead, 0, 20..30, 0));
        assert!(follows(&ahead, 0, 720..730, 0));
    }

    #[test]
    fn what_is_ahead_stays_within_the_budget_until_it_is_asked_for() {
        let ahead = ReadAhead::new(200);
        let begun = |index| !follows(&ahead, index, 0..10, 0);
        assert!((0..4).all(begun));
        assert!(follows(&ahead, 0, 10..20, 0) && follows(&ahead, 1, 10..20, 0));
        assert!(!follows(&ahead, 2, 10..20, 0), "the budget is used up");
        assert!(follows(&ahead, 0, 20..30, 0), "its own share came back");
        assert!(!follows(&ahead, 3, 10..20, 10));
        assert!(follows(&ahead, 3, 20..30, 11), "the others went away");
    }
}
