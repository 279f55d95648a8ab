//! The newest batches of a partition: what fetches near the end are answered from, and flushes are cut from.
//!
//! Batches lie in offset order without gaps. They stay in memory until the budget asks for room ([`Tail::let_go`]), oldest
//! first. A batch that is committed is gone then; one that is not stays in the tail as a place in the WAL, from where uploads
//! and reads get it back. Bytes are shared with the WAL and the upload, not copied.

use bytes::Bytes;
use model::{Offset, TimestampMs};
use std::collections::VecDeque;
use wal::WalPosition;

/// One batch, with its offset and epoch patched in.
#[derive(Clone, Debug)]
pub(crate) struct TailBatch {
    /// Its first offset.
    pub(crate) base_offset: Offset,
    /// The offset after its last.
    pub(crate) end_offset: Offset,
    /// Its header's largest timestamp.
    pub(crate) max_timestamp: TimestampMs,
    /// Where the WAL has it.
    pub(crate) place: WalPlace,
    /// The whole batch; `None` once it was let go.
    pub(crate) bytes: Option<Bytes>,
}

/// Where the WAL has a batch.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct WalPlace {
    /// End of its frame.
    pub(crate) end: WalPosition,
    /// Bytes of the batch.
    pub(crate) bytes: usize,
}

/// What a read of the tail found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum TailRead {
    /// Whole batches in offset order.
    Memory(Vec<Bytes>),
    /// The same, to be read from the WAL.
    Wal(Vec<WalPlace>),
}

/// The tail.
#[derive(Debug)]
pub(crate) struct Tail {
    batches: VecDeque<Held>,
    end: Offset,
    /// Bytes of all batches ever pushed.
    pushed: u64,
}

#[derive(Debug)]
struct Held {
    batch: TailBatch,
    /// Bytes that were pushed before it: sums over any stretch are a difference.
    before: u64,
}

impl Tail {
    /// An empty tail of a log that ends at `log_end`.
    pub(crate) fn new(log_end: Offset) -> Self {
        Self { batches: VecDeque::new(), end: log_end, pushed: 0 }
    }

    /// Appends a batch.
    ///
    /// # Panics
    /// When it does not start where the tail ends: the sequencer would have given an offset twice, or left a gap.
    pub(crate) fn push(&mut self, batch: TailBatch) {
        assert_eq!(batch.base_offset, self.end, "a batch starts where the log ends");
        self.end = batch.end_offset;
        let before = self.pushed;
        self.pushed += batch.place.bytes as u64;
        self.batches.push_back(Held { batch, before });
    }

    /// First offset held; the end when empty.
    pub(crate) fn start(&self) -> Offset {
        self.batches.front().map_or(self.end, |held| held.batch.base_offset)
    }

    /// The offset after the last held: the log's end.
    pub(crate) fn end(&self) -> Offset {
        self.end
    }

    /// How many batches it holds, in memory or not.
    pub(crate) fn count(&self) -> usize {
        self.batches.len()
    }

    /// Reads the batches of `from..to` up to `max_bytes`, at least one if `at_least_one` (KIP-74). A batch that contains
    /// `from` is included whole; one that reaches beyond `to` is not. Ends where memory begins or ends. `None` when `from`
    /// lies before the tail: read objects.
    pub(crate) fn read(
        &self,
        from: Offset,
        to: Offset,
        max_bytes: usize,
        at_least_one: bool,
    ) -> Option<TailRead> {
        if from < self.start() {
            return None;
        }
        let mut room = max_bytes;
        let mut first = at_least_one;
        let fitting = self.batches(from, to).take_while(|batch| {
            let fits = std::mem::take(&mut first) || batch.place.bytes <= room;
            room = room.saturating_sub(batch.place.bytes);
            fits
        });
        let mut fitting = fitting.peekable();
        if fitting.peek().is_some_and(|batch| batch.bytes.is_none()) {
            let in_wal = fitting.take_while(|batch| batch.bytes.is_none());
            return Some(TailRead::Wal(in_wal.map(|batch| batch.place).collect()));
        }
        Some(TailRead::Memory(fitting.map_while(|batch| batch.bytes.clone()).collect()))
    }

    /// Bytes of the batches of `from..to`, without looking at each.
    pub(crate) fn bytes_between(&self, from: Offset, to: Offset) -> u64 {
        let before = |index| self.batches.get(index).map_or(self.pushed, |held| held.before);
        before(self.ending_by(to)).saturating_sub(before(self.ending_by(from)))
    }

    /// The batches of `from..to`, for flushes and lookups by time: from the one that contains `from`, up to the last that
    /// does not reach beyond `to`.
    pub(crate) fn batches(&self, from: Offset, to: Offset) -> impl Iterator<Item = &TailBatch> {
        let (first, end) = (self.ending_by(from), self.ending_by(to));
        self.batches.range(first..end.max(first)).map(|held| &held.batch)
    }

    /// How many batches end at or before `offset`.
    fn ending_by(&self, offset: Offset) -> usize {
        self.batches.partition_point(|held| held.batch.end_offset <= offset)
    }

    /// Lets batches that end at or below `through` go from memory: out of the tail if they are `committed`, into the WAL's
    /// keeping otherwise. Answers how many left the tail.
    pub(crate) fn let_go(&mut self, through: Offset, committed: Offset) -> usize {
        let gone = self.forget(through.min(committed));
        let rest = self.ending_by(through);
        for held in self.batches.iter_mut().take(rest).rev() {
            if held.batch.bytes.take().is_none() {
                break;
            }
        }
        gone
    }

    /// Forgets batches that were let go, now that they are committed. Answers how many.
    pub(crate) fn forget_let_go(&mut self, committed: Offset) -> usize {
        let let_go = self.batches.partition_point(|held| held.batch.bytes.is_none());
        let through = match let_go.checked_sub(1).and_then(|last| self.batches.get(last)) {
            Some(last) => last.batch.end_offset,
            None => return 0,
        };
        self.forget(through.min(committed))
    }

    fn forget(&mut self, through: Offset) -> usize {
        let gone = self.ending_by(through);
        self.batches.drain(..gone);
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(value: u64) -> Offset {
        Offset::new(value).unwrap()
    }

    /// Batches of ten records and 100 bytes each, from offset 50.
    fn tail(batches: u64) -> Tail {
        let mut tail = Tail::new(offset(50));
        for n in 0..batches {
            tail.push(TailBatch {
                base_offset: offset(50 + n * 10),
                end_offset: offset(60 + n * 10),
                max_timestamp: TimestampMs(0),
                place: WalPlace { end: WalPosition(n), bytes: 100 },
                bytes: Some(Bytes::from(vec![n as u8; 100])),
            });
        }
        tail
    }

    /// The numbers of the batches that a read finds in memory.
    fn read(tail: &Tail, from: u64, to: u64, max_bytes: usize) -> Vec<u8> {
        match tail.read(offset(from), offset(to), max_bytes, true).unwrap() {
            TailRead::Memory(batches) => batches.iter().map(|batch| batch[0]).collect(),
            TailRead::Wal(places) => panic!("{places:?} are not in memory"),
        }
    }

    #[test]
    fn a_read_returns_the_batch_that_contains_its_offset_whole() {
        assert_eq!(read(&tail(3), 65, 80, 1_000), [1, 2]);
    }

    #[test]
    fn a_read_stops_at_its_limit_but_returns_at_least_one_batch() {
        assert_eq!(read(&tail(3), 50, 80, 250), [0, 1]);
        assert_eq!(read(&tail(3), 50, 80, 1), [0]);
        let empty = tail(3).read(offset(50), offset(80), 1, false).unwrap();
        assert_eq!(empty, TailRead::Memory(Vec::new()));
    }

    #[test]
    fn nothing_beyond_the_visible_end_is_returned() {
        assert_eq!(read(&tail(3), 50, 70, 1_000), [0, 1]);
        assert!(read(&tail(3), 70, 70, 1_000).is_empty());
        assert!(read(&tail(3), 80, 80, 1_000).is_empty());
    }

    #[test]
    fn an_offset_before_the_tail_is_left_to_objects() {
        let mut tail = tail(3);
        assert_eq!(tail.let_go(offset(60), offset(60)), 1);
        assert!(tail.read(offset(59), offset(80), 1_000, true).is_none());
        assert_eq!(read(&tail, 60, 80, 1_000), [1, 2]);
    }

    #[test]
    fn what_is_not_committed_stays_in_the_tail_as_a_place_in_the_wal() {
        let mut tail = tail(4);
        assert_eq!(tail.let_go(offset(80), offset(60)), 1);
        assert_eq!((tail.start(), tail.count()), (offset(60), 3));
        let places = [1, 2].map(|n| WalPlace { end: WalPosition(n), bytes: 100 });
        let read_from = |from| tail.read(offset(from), offset(90), 1_000, true).unwrap();
        assert_eq!(read_from(60), TailRead::Wal(places.to_vec()));
        assert_eq!(read_from(80), TailRead::Memory(vec![Bytes::from(vec![3; 100])]));
    }

    #[test]
    fn what_was_let_go_is_forgotten_once_it_is_committed() {
        let mut tail = tail(4);
        tail.let_go(offset(80), offset(50));
        assert_eq!(tail.forget_let_go(offset(70)), 2);
        assert_eq!(tail.start(), offset(70));
        assert_eq!(tail.forget_let_go(offset(90)), 1);
        assert_eq!(read(&tail, 80, 90, 1_000), [3], "what is in memory stays");
    }

    #[test]
    fn an_emptied_tail_still_knows_the_end() {
        let mut tail = tail(2);
        tail.let_go(offset(70), offset(70));
        assert_eq!((tail.start(), tail.end(), tail.count()), (offset(70), offset(70), 0));
    }

    #[test]
    fn bytes_between_counts_what_a_read_would_return() {
        assert_eq!(tail(3).bytes_between(offset(55), offset(80)), 300);
        assert_eq!(tail(3).bytes_between(offset(60), offset(75)), 100);
        let mut shortened = tail(3);
        shortened.let_go(offset(60), offset(60));
        assert_eq!(shortened.bytes_between(offset(50), offset(80)), 200);
        assert_eq!(shortened.bytes_between(offset(80), offset(80)), 0);
    }
}
