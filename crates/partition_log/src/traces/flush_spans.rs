//! [`TracedAppends`]: appends of traced requests that wait for a flush; [`FlushSpans`]: a flush, in the trace of each of them.
//!
//! One flush serves many requests. Who looks at the trace of one wants to see all of its way, so `flush`, `segment.put` and
//! `segment.commit` are put into the trace of every request that the flush holds, with the object's name in each; and the flush of
//! every further trace is linked to that of the first.

use model::{Offset, PartitionId};
use parking_lot::Mutex;
use runtime::traces;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use tracing::Span;

/// Requests that a flush is shown in; it is not in the traces of further ones.
const MOST: usize = 64;

/// Appends of traced requests that no flush holds yet.
#[derive(Debug, Default)]
pub(crate) struct TracedAppends {
    waiting: Mutex<Vec<TracedAppend>>,
    count: AtomicUsize,
}

/// An append, and whose it is.
#[derive(Debug)]
struct TracedAppend {
    partition: PartitionId,
    end: Offset,
    request: Span,
    /// Open until the flush is cut.
    wait: Span,
}

impl TracedAppends {
    /// Notes that `request` appended to `partition` what ends at `end`. The first append of a request stands for all of them.
    pub(crate) fn add(&self, partition: PartitionId, end: Offset, request: Span) {
        let mut waiting = self.waiting.lock();
        let is_known = waiting.last().is_some_and(|last| last.request == request);
        if is_known || waiting.len() >= MOST {
            return;
        }
        let wait = tracing::info_span!(target: traces::TARGET, parent: &request, "flush.wait");
        waiting.push(TracedAppend { partition, end, request, wait });
        self.count.store(waiting.len(), Relaxed);
    }

    /// Takes those out that a flush was cut with: `end_of_cut` says how far it goes in a partition, if that is still here.
    pub(crate) fn take(
        &self,
        end_of_cut: impl Fn(PartitionId) -> Option<Offset>,
    ) -> FlushedAppends {
        if self.count.load(Relaxed) == 0 {
            return FlushedAppends(Vec::new());
        }
        let all = std::mem::take(&mut *self.waiting.lock());
        let mut taken = Vec::new();
        let mut rest = Vec::new();
        for append in all {
            match end_of_cut(append.partition) {
                Some(end) if append.end <= end => taken.push(append),
                Some(_) => rest.push(append),
                None => {}
            }
        }
        let mut waiting = self.waiting.lock();
        rest.append(&mut waiting);
        rest.truncate(MOST);
        *waiting = rest;
        self.count.store(waiting.len(), Relaxed);
        FlushedAppends(taken)
    }
}

/// The traced appends of one flush.
#[derive(Debug)]
pub(crate) struct FlushedAppends(Vec<TracedAppend>);

/// The spans of one flush. They end when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct FlushSpans(Vec<Span>);

impl FlushSpans {
    /// Begins a flush in the trace of each of `appends`; `begin` makes a span under the one it is given.
    pub(crate) fn begin(appends: FlushedAppends, begin: impl Fn(&Span) -> Span) -> Self {
        let mut spans: Vec<Span> = Vec::with_capacity(appends.0.len());
        for TracedAppend { request, wait, .. } in appends.0 {
            drop(wait);
            let span = begin(&request);
            if let Some(first) = spans.first() {
                span.follows_from(first);
            }
            spans.push(span);
        }
        Self(spans)
    }

    /// Begins a part of the flush in each trace.
    pub(crate) fn children(&self, begin: impl Fn(&Span) -> Span) -> Self {
        Self(self.0.iter().map(begin).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{PartitionIndex, TopicId};
    use tracing::subscriber::with_default;
    use tracing_subscriber::Registry;

    fn partition(index: u32) -> PartitionId {
        let partition = PartitionIndex::new(index).expect("small");
        PartitionId { topic: TopicId::from_bytes([1; 16]), partition }
    }

    fn offset(value: u64) -> Offset {
        Offset::new(value).expect("small")
    }

    fn request() -> Span {
        tracing::info_span!(target: traces::TARGET, "request")
    }

    #[test]
    fn a_flush_takes_what_it_was_cut_with_and_leaves_the_rest_to_the_next() {
        with_default(Registry::default(), || {
            let appends = TracedAppends::default();
            appends.add(partition(0), offset(10), request());
            appends.add(partition(0), offset(20), request());
            appends.add(partition(1), offset(5), request());
            let gone = partition(1);
            let taken = appends.take(|id| (id != gone).then(|| offset(10)));
            assert_eq!(taken.0.len(), 1);
            assert_eq!(appends.take(|_| Some(offset(15))).0.len(), 0);
            assert_eq!(appends.take(|_| Some(offset(20))).0.len(), 1);
            assert_eq!(appends.count.load(Relaxed), 0);
        });
    }

    #[test]
    fn a_request_counts_once_and_a_flush_shows_in_a_bounded_number() {
        with_default(Registry::default(), || {
            let appends = TracedAppends::default();
            let one = request();
            appends.add(partition(0), offset(1), one.clone());
            appends.add(partition(1), offset(1), one);
            assert_eq!(appends.count.load(Relaxed), 1);
            for _ in 0..2 * MOST {
                appends.add(partition(0), offset(1), request());
            }
            let taken = appends.take(|_| Some(offset(1)));
            assert_eq!(taken.0.len(), MOST);
            let flush = FlushSpans::begin(
                taken,
                |request| tracing::info_span!(target: traces::TARGET, parent: request, "flush"),
            );
            assert_eq!(flush.children(Span::clone).0.len(), MOST);
        });
    }
}
