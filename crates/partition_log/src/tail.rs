//! The newest batches of a partition, in memory: what fetches near the end are answered from.
//!
//! Batches lie in offset order without gaps. They stay until they are committed and the memory budget asks for room
//! ([`Tail::evict`]); what is not committed is never evicted. Bytes are shared with the WAL and the upload, not copied.

use bytes::Bytes;
use model::{Offset, TimestampMs};
use std::collections::VecDeque;

/// One batch, with its offset and epoch patched in.
#[derive(Clone, Debug)]
pub(crate) struct TailBatch {
    /// Its first offset.
    pub(crate) base_offset: Offset,
    /// The offset after its last.
    pub(crate) end_offset: Offset,
    /// Its header's largest timestamp.
    pub(crate) max_timestamp: TimestampMs,
    /// The whole batch.
    pub(crate) bytes: Bytes,
}

/// What a read of the tail found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct TailRead {
    /// Whole batches in offset order.
    pub(crate) batches: Vec<Bytes>,
    /// Their bytes.
    pub(crate) bytes: usize,
    /// The offset to go on from; the `from` of the read when nothing was found.
    pub(crate) next: Offset,
}

/// The tail.
#[derive(Debug)]
pub(crate) struct Tail {
    batches: VecDeque<TailBatch>,
    end: Offset,
    bytes: u64,
}

impl Tail {
    /// An empty tail of a log that ends at `log_end`.
    pub(crate) fn new(log_end: Offset) -> Self {
        Self { batches: VecDeque::new(), end: log_end, bytes: 0 }
    }

    /// Appends a batch.
    ///
    /// # Panics
    /// When it does not start where the tail ends: the sequencer would have given an offset twice, or left a gap.
    pub(crate) fn push(&mut self, batch: TailBatch) {
        assert_eq!(batch.base_offset, self.end, "a batch starts where the log ends");
        self.end = batch.end_offset;
        self.bytes += batch.bytes.len() as u64;
        self.batches.push_back(batch);
    }

    /// First offset held; the end when empty.
    pub(crate) fn start(&self) -> Offset {
        self.batches.front().map_or(self.end, |batch| batch.base_offset)
    }

    /// The offset after the last held: the log's end.
    pub(crate) fn end(&self) -> Offset {
        self.end
    }

    /// Bytes held: those of the batches, as they are accounted to the memory budget.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Reads the batches of `from..to` up to `max_bytes`, at least one if `at_least_one` (KIP-74). A batch that contains
    /// `from` is included whole; one that reaches beyond `to` is not. `None` when `from` lies before the tail: read objects.
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
        let mut read = TailRead { batches: Vec::new(), bytes: 0, next: from };
        for batch in self.batches(from, to) {
            let first = at_least_one && read.batches.is_empty();
            if read.bytes + batch.bytes.len() > max_bytes && !first {
                break;
            }
            read.bytes += batch.bytes.len();
            read.next = batch.end_offset;
            read.batches.push(batch.bytes.clone());
        }
        Some(read)
    }

    /// Bytes of the batches of `from..to` that are held, without reading them.
    pub(crate) fn bytes_between(&self, from: Offset, to: Offset) -> u64 {
        self.batches(from, to).map(|batch| batch.bytes.len() as u64).sum()
    }

    /// The batches of `from..to`, for flushes and lookups by time: from the one that contains `from`, up to the last that
    /// does not reach beyond `to`.
    pub(crate) fn batches(&self, from: Offset, to: Offset) -> impl Iterator<Item = &TailBatch> {
        let first = self.batches.partition_point(|batch| batch.end_offset <= from);
        self.batches.iter().skip(first).take_while(move |batch| batch.end_offset <= to)
    }

    /// Drops oldest batches that end at or below `committed` until at most `keep_bytes` are held. Answers the bytes freed.
    pub(crate) fn evict(&mut self, committed: Offset, keep_bytes: u64) -> u64 {
        let before = self.bytes;
        while self.bytes > keep_bytes
            && let Some(oldest) = self.batches.pop_front_if(|b| b.end_offset <= committed)
        {
            self.bytes -= oldest.bytes.len() as u64;
        }
        before - self.bytes
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
                bytes: Bytes::from(vec![n as u8; 100]),
            });
        }
        tail
    }

    fn read(tail: &Tail, from: u64, to: u64, max_bytes: usize) -> (usize, u64) {
        let read = tail.read(offset(from), offset(to), max_bytes, true).unwrap();
        assert_eq!(read.bytes, read.batches.iter().map(Bytes::len).sum::<usize>());
        (read.batches.len(), read.next.get())
    }

    #[test]
    fn a_read_returns_the_batch_that_contains_its_offset_whole() {
        assert_eq!(read(&tail(3), 65, 80, 1_000), (2, 80));
    }

    #[test]
    fn a_read_stops_at_its_limit_but_returns_at_least_one_batch() {
        assert_eq!(read(&tail(3), 50, 80, 250), (2, 70));
        assert_eq!(read(&tail(3), 50, 80, 1), (1, 60));
        let empty = tail(3).read(offset(50), offset(80), 1, false).unwrap();
        assert_eq!((empty.batches.len(), empty.next), (0, offset(50)));
    }

    #[test]
    fn nothing_beyond_the_visible_end_is_returned() {
        assert_eq!(read(&tail(3), 50, 70, 1_000), (2, 70));
        assert_eq!(read(&tail(3), 70, 70, 1_000), (0, 70));
        assert_eq!(read(&tail(3), 80, 80, 1_000), (0, 80));
    }

    #[test]
    fn an_offset_before_the_tail_is_left_to_objects() {
        let mut tail = tail(3);
        assert_eq!(tail.evict(offset(60), 0), 100);
        assert!(tail.read(offset(59), offset(80), 1_000, true).is_none());
        assert_eq!(read(&tail, 60, 80, 1_000), (2, 80));
    }

    #[test]
    fn only_committed_batches_are_evicted_and_only_down_to_the_budget() {
        let mut tail = tail(4);
        assert_eq!(tail.evict(offset(75), 0), 200);
        assert_eq!((tail.start(), tail.bytes()), (offset(70), 200));
        assert_eq!(tail.evict(offset(90), 100), 100);
        assert_eq!((tail.start(), tail.end()), (offset(80), offset(90)));
    }

    #[test]
    fn an_evicted_tail_still_knows_the_end() {
        let mut tail = tail(2);
        tail.evict(offset(70), 0);
        assert_eq!((tail.start(), tail.end(), tail.bytes()), (offset(70), offset(70), 0));
    }

    #[test]
    fn bytes_between_counts_what_a_read_would_return() {
        assert_eq!(tail(3).bytes_between(offset(55), offset(80)), 300);
        assert_eq!(tail(3).bytes_between(offset(60), offset(75)), 100);
    }
}
