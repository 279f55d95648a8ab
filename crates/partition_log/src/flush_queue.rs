//! [`FlushQueue`]: what waits to be cut, between the appends that fill it and the scheduler that empties it.

use crate::flush_schedule::{ArrivalMeter, Arrivals};
use model::PartitionId;
use parking_lot::Mutex;
use runtime::BootTime;
use std::collections::{HashSet, VecDeque};
use tokio::sync::Notify;

/// The queue. Partitions are cut in the order in which they got their first uncut batch.
#[derive(Debug, Default)]
pub(crate) struct FlushQueue {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    order: VecDeque<PartitionId>,
    queued: HashSet<PartitionId>,
    meter: ArrivalMeter,
    bytes: u64,
    awaited: bool,
    asked: bool,
    /// The scheduler sleeps, and only so many bytes are worth waking it.
    wake_at_bytes: u64,
}

/// The queue at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Queued {
    /// Bytes that wait to be cut.
    pub(crate) bytes: u64,
    /// Whether somebody waits for the commit of some of them.
    pub(crate) awaited: bool,
    /// Whether a flush was asked for.
    pub(crate) asked: bool,
    /// How they arrived.
    pub(crate) arrivals: Arrivals,
}

impl FlushQueue {
    /// Notes that `bytes` were appended to `partition`; `awaited` when somebody waits for their commit.
    pub(crate) fn add(&self, partition: PartitionId, bytes: u64, awaited: bool, now: BootTime) {
        let mut state = self.state.lock();
        state.enqueue(partition);
        state.meter.record(now, bytes);
        state.bytes += bytes;
        let news = awaited && !state.awaited;
        state.awaited |= awaited;
        if news || state.bytes >= state.wake_at_bytes {
            self.changed.notify_one();
        }
    }

    /// Notes that somebody waits for the commit of what is here already (a producer's duplicate).
    pub(crate) fn note_waiter(&self) {
        let mut state = self.state.lock();
        let news = state.bytes > 0 && !state.awaited;
        if news {
            state.awaited = true;
            self.changed.notify_one();
        }
    }

    /// Notes that a commit is about to answer producers.
    pub(crate) fn note_answers(&self) {
        self.state.lock().meter.answered();
    }

    /// Looks at it.
    pub(crate) fn look(&self, now: BootTime) -> Queued {
        let state = self.state.lock();
        let State { bytes, awaited, asked, ref meter, .. } = *state;
        Queued { bytes, awaited, asked, arrivals: meter.arrivals(now) }
    }

    /// Waits for something to change: at least `bytes` to be here, somebody to wait, a flush to be asked for, an
    /// upload to end.
    ///
    /// # Cancel safety
    /// Safe.
    pub(crate) async fn changed(&self, bytes: u64) {
        {
            let mut state = self.state.lock();
            state.wake_at_bytes = bytes;
            if state.bytes >= bytes {
                return;
            }
        }
        self.changed.notified().await;
    }

    /// Makes the scheduler look again.
    pub(crate) fn wake(&self) {
        self.changed.notify_one();
    }

    /// Asks for a flush of everything that is here now.
    pub(crate) fn ask(&self) {
        self.state.lock().asked = true;
        self.changed.notify_one();
    }

    /// The partitions that wait, in the order of the next cut.
    pub(crate) fn partitions(&self) -> Vec<PartitionId> {
        self.state.lock().order.iter().copied().collect()
    }

    /// Takes the partitions out, to be cut in that order.
    pub(crate) fn take(&self) -> VecDeque<PartitionId> {
        let mut state = self.state.lock();
        state.queued.clear();
        state.meter.cut();
        state.bytes = 0;
        state.awaited = false;
        state.asked = false;
        std::mem::take(&mut state.order)
    }
}

impl State {
    fn enqueue(&mut self, partition: PartitionId) {
        if self.queued.insert(partition) {
            self.order.push_back(partition);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use model::{PartitionIndex, TopicId};

    fn partition() -> PartitionId {
        let partition = PartitionIndex::new(0).expect("small");
        PartitionId { topic: TopicId::from_bytes([1; 16]), partition }
    }

    fn filled(awaited: bool) -> FlushQueue {
        let queue = FlushQueue::default();
        queue.add(partition(), 10, awaited, BootTime::default());
        queue.changed(0).now_or_never().expect("there are bytes");
        while queue.changed(1_000).now_or_never().is_some() {}
        queue
    }

    #[test]
    fn the_first_that_waits_wakes_the_scheduler() {
        let queue = filled(false);
        let mut changed = Box::pin(queue.changed(1_000));
        assert!((&mut changed).now_or_never().is_none());
        queue.add(partition(), 10, true, BootTime::default());
        assert!((&mut changed).now_or_never().is_some());
    }

    #[test]
    fn a_duplicate_that_waits_wakes_the_scheduler() {
        let queue = filled(false);
        let mut changed = Box::pin(queue.changed(1_000));
        assert!((&mut changed).now_or_never().is_none());
        queue.note_waiter();
        assert!((&mut changed).now_or_never().is_some());
        assert!(queue.look(BootTime::default()).awaited);
    }

    #[test]
    fn an_upload_that_ends_before_the_scheduler_sleeps_wakes_it_all_the_same() {
        let queue = filled(true);
        queue.wake();
        assert!(queue.changed(1_000).now_or_never().is_some());
    }
}
