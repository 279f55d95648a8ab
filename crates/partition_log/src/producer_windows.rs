//! [`ProducerWindows`]: whether every producer has sent all that it may send before it is answered.
//!
//! A producer keeps only so many requests under way (`max.in.flight.requests.per.connection`), and the most that a connection had
//! unanswered at once tells how many. When all that wait for a commit are at their most, nothing more can come: waiting for more
//! gains nothing, and there is no need to find that out by silence. A connection that was answered a moment ago counts as one that
//! will send again; one of which nothing is known yet is not at its most.

use crate::engine::Engine;
use parking_lot::Mutex;
use runtime::BootTime;
use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::Arc,
    time::Duration,
};

/// A producer that was answered and sends nothing within this time does not send in step with its answers.
const NEXT_REQUEST_WITHIN: Duration = Duration::from_millis(50);

/// The windows of all producers of a broker.
#[derive(Debug, Default)]
pub(crate) struct ProducerWindows {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    windows: HashMap<u64, Window>,
    /// Windows with unanswered requests, and those of them that are full.
    waiting: usize,
    full: usize,
    /// Windows that became empty a moment ago, by when.
    expected: BTreeSet<(BootTime, u64)>,
}

/// Requests of one connection.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    unanswered: usize,
    /// The most that were unanswered since the last answer.
    most_lately: usize,
    /// The most that ever were when an answer came; 0 before the first.
    most: usize,
    emptied: Option<BootTime>,
}

impl Window {
    fn is_full(&self) -> bool {
        self.most > 0 && self.unanswered >= self.most
    }
}

impl ProducerWindows {
    /// Whether somebody waits for a commit, and nobody can send more before it.
    pub(crate) fn are_full(&self, now: BootTime) -> bool {
        let mut state = self.state.lock();
        state.forget_late(now);
        state.waiting > 0 && state.full == state.waiting && state.expected.is_empty()
    }

    /// Opens a window of which is known that so many requests fill it; 0 when nothing is known yet.
    fn open(&self, most: usize) -> u64 {
        let mut state = self.state.lock();
        state.next += 1;
        let id = state.next;
        state.windows.insert(id, Window { most, ..Window::default() });
        id
    }

    fn close(&self, id: u64) {
        let mut state = self.state.lock();
        if let Some(emptied) = state.windows.remove(&id).and_then(|window| window.emptied) {
            state.expected.remove(&(emptied, id));
        }
    }

    fn sent(&self, id: u64) {
        self.state.lock().change(id, |window| {
            window.unanswered += 1;
            window.most_lately = window.most_lately.max(window.unanswered);
            window.emptied = None;
        });
    }

    fn answered(&self, id: u64, now: BootTime) {
        self.state.lock().change(id, |window| {
            window.most = window.most.max(window.most_lately);
            window.unanswered -= 1;
            window.most_lately = window.unanswered;
            window.emptied = (window.unanswered == 0).then_some(now);
        });
    }
}

impl State {
    fn change(&mut self, id: u64, change: impl FnOnce(&mut Window)) {
        let Some(window) = self.windows.get_mut(&id) else { return };
        let before = *window;
        change(window);
        let after = *window;
        self.waiting += usize::from(after.unanswered > 0);
        self.waiting -= usize::from(before.unanswered > 0);
        self.full += usize::from(after.is_full());
        self.full -= usize::from(before.is_full());
        self.expected.extend(after.emptied.map(|emptied| (emptied, id)));
        if let Some(emptied) = before.emptied.filter(|_| after.emptied != before.emptied) {
            self.expected.remove(&(emptied, id));
        }
    }

    fn forget_late(&mut self, now: BootTime) {
        while let Some(&(emptied, id)) = self.expected.first()
            && now.since(emptied) > NEXT_REQUEST_WITHIN
        {
            self.expected.remove(&(emptied, id));
        }
    }
}

/// One connection that produces. Cheap to clone; forgotten with its last clone.
#[derive(Clone)]
pub struct ProducerConnection(Arc<Connection>);

struct Connection {
    engine: Arc<Engine>,
    id: u64,
}

impl ProducerConnection {
    pub(crate) fn open(engine: &Arc<Engine>) -> Self {
        Self::with_window(engine, 0)
    }

    /// Notes that something waits for a commit that nothing of the same sender follows before it.
    pub(crate) fn await_one(engine: &Arc<Engine>) -> AwaitedRequest {
        Self::with_window(engine, 1).await_commit()
    }

    fn with_window(engine: &Arc<Engine>, most: usize) -> Self {
        let id = engine.producer_windows.open(most);
        Self(Arc::new(Connection { engine: Arc::clone(engine), id }))
    }

    /// Notes that a request of this connection waits for a commit, until what this returns is dropped. To be called when its
    /// batches are appended.
    #[must_use]
    pub fn await_commit(&self) -> AwaitedRequest {
        let Connection { engine, id } = &*self.0;
        engine.producer_windows.sent(*id);
        if engine.producer_windows.are_full(engine.parts.clock.boot_time()) {
            engine.flush_queue.wake();
        }
        AwaitedRequest(self.clone())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.engine.producer_windows.close(self.id);
    }
}

impl fmt::Debug for ProducerConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ProducerConnection").field(&self.0.id).finish()
    }
}

/// A request that waits for a commit. Dropped when it is answered, or given up.
#[derive(Debug)]
pub struct AwaitedRequest(ProducerConnection);

impl Drop for AwaitedRequest {
    fn drop(&mut self) {
        let Connection { engine, id } = &*self.0.0;
        engine.producer_windows.answered(*id, engine.parts.clock.boot_time());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> BootTime {
        BootTime(Duration::from_millis(milliseconds))
    }

    /// A window that had `most` requests under way, and was answered all of them at `moment`.
    fn known(windows: &ProducerWindows, most: usize, moment: u64) -> u64 {
        let id = windows.open(0);
        (0..most).for_each(|_| windows.sent(id));
        (0..most).for_each(|_| windows.answered(id, at(moment)));
        id
    }

    #[test]
    fn a_window_is_full_when_as_many_wait_as_ever_did() {
        let windows = ProducerWindows::default();
        let id = known(&windows, 5, 0);
        assert!(!windows.are_full(at(1)), "nobody waits");
        (0..4).for_each(|_| windows.sent(id));
        assert!(!windows.are_full(at(1)));
        windows.sent(id);
        assert!(windows.are_full(at(1)));
        windows.answered(id, at(2));
        assert!(!windows.are_full(at(2)));
    }

    #[test]
    fn a_window_that_was_never_answered_is_not_known_to_be_full() {
        let windows = ProducerWindows::default();
        let id = windows.open(0);
        windows.sent(id);
        assert!(!windows.are_full(at(0)));
    }

    #[test]
    fn a_window_of_one_is_full_at_once() {
        let windows = ProducerWindows::default();
        let id = windows.open(1);
        windows.sent(id);
        assert!(windows.are_full(at(0)));
        windows.answered(id, at(1));
        windows.close(id);
        let other = known(&windows, 1, 0);
        windows.sent(other);
        assert!(windows.are_full(at(1)), "nobody waits for a sender that is gone");
    }

    #[test]
    fn a_window_that_turns_out_larger_is_learned() {
        let windows = ProducerWindows::default();
        let id = known(&windows, 1, 0);
        (0..3).for_each(|_| windows.sent(id));
        (0..3).for_each(|_| windows.answered(id, at(1)));
        windows.sent(id);
        assert!(!windows.are_full(at(2)));
        (0..2).for_each(|_| windows.sent(id));
        assert!(windows.are_full(at(2)));
    }

    #[test]
    fn all_that_send_in_step_are_waited_for_but_not_one_that_went_away() {
        let windows = ProducerWindows::default();
        let (one, other) = (known(&windows, 1, 0), known(&windows, 1, 0));
        windows.sent(one);
        assert!(!windows.are_full(at(10)), "the other was answered a moment ago");
        assert!(windows.are_full(at(60)), "the other does not send in step");
        windows.sent(other);
        assert!(windows.are_full(at(60)));
        windows.answered(other, at(70));
        windows.close(other);
        assert!(windows.are_full(at(70)), "a closed connection sends nothing");
    }
}
