//! [`WalSpans`]: `wal.append`, from when a batch is taken in until the WAL has come as far as the batch asked for.

use parking_lot::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use tracing::Span;
use wal::{Durability, WalPosition};

/// Spans that are open at a time; further batches have none.
const MOST: usize = 256;

/// The open spans. The WAL's writer asks after every write, so that must cost nothing while there are none.
#[derive(Debug, Default)]
pub(crate) struct WalSpans {
    open: Mutex<Vec<Open>>,
    count: AtomicUsize,
    written: AtomicU64,
    synced: AtomicU64,
}

#[derive(Debug)]
struct Open {
    end: WalPosition,
    until: Durability,
    #[expect(dead_code, reason = "it ends when it is dropped")]
    span: Span,
}

impl WalSpans {
    /// Whether one more may be opened.
    pub(crate) fn admits(&self) -> bool {
        self.count.load(SeqCst) < MOST
    }

    /// Keeps the span of a frame open until the WAL has come to its end.
    pub(crate) fn open(&self, end: WalPosition, until: Durability, span: Span) {
        let mut open = self.open.lock();
        open.push(Open { end, until, span });
        self.count.store(open.len(), SeqCst);
        drop(open);
        // The writer may have passed before the count said that there is something to end.
        self.end_reached();
    }

    /// Everything before `through` is in the file.
    pub(crate) fn written(&self, through: WalPosition) {
        self.written.fetch_max(through.0, SeqCst);
        self.end_reached();
    }

    /// Everything before `through` is durable.
    pub(crate) fn synced(&self, through: WalPosition) {
        self.synced.fetch_max(through.0, SeqCst);
        self.written(through);
    }

    /// Nothing more comes: the WAL has failed.
    pub(crate) fn end_all(&self) {
        self.written(WalPosition(u64::MAX));
        self.synced(WalPosition(u64::MAX));
    }

    fn end_reached(&self) {
        if self.count.load(SeqCst) == 0 {
            return;
        }
        let (written, synced) = (self.written.load(SeqCst), self.synced.load(SeqCst));
        let mut open = self.open.lock();
        let is_over = |it: &mut Open| match it.until {
            Durability::Written => it.end.0 <= written,
            Durability::Synced => it.end.0 <= synced,
        };
        let ended: Vec<_> = open.extract_if(.., is_over).collect();
        self.count.store(open.len(), SeqCst);
        drop(open);
        // A span that ends goes into the exporter's queue: not under the lock.
        drop(ended);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(spans: &WalSpans, end: u64, until: Durability) {
        spans.open(WalPosition(end), until, Span::none());
    }

    fn count(spans: &WalSpans) -> usize {
        spans.open.lock().len()
    }

    #[test]
    fn a_span_ends_with_the_write_or_the_sync_that_its_batch_asked_for() {
        let spans = WalSpans::default();
        open(&spans, 10, Durability::Written);
        open(&spans, 20, Durability::Synced);
        open(&spans, 30, Durability::Written);
        spans.written(WalPosition(20));
        assert_eq!(count(&spans), 2);
        spans.synced(WalPosition(20));
        assert_eq!(count(&spans), 1);
        spans.synced(WalPosition(30));
        assert_eq!(count(&spans), 0);
    }

    #[test]
    fn a_span_that_is_opened_behind_the_writer_ends_at_once() {
        let spans = WalSpans::default();
        spans.written(WalPosition(20));
        open(&spans, 20, Durability::Written);
        assert_eq!(count(&spans), 0);
    }

    #[test]
    fn a_wal_that_makes_no_progress_keeps_a_bounded_number_open_and_its_failure_ends_them() {
        let spans = WalSpans::default();
        let admitted = (0..2 * MOST).filter(|_| {
            let admitted = spans.admits();
            if admitted {
                open(&spans, 1, Durability::Synced);
            }
            admitted
        });
        assert_eq!(admitted.count(), MOST);
        spans.end_all();
        assert_eq!(count(&spans), 0);
    }
}
