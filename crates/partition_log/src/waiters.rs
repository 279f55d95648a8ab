//! [`Waiters`]: appends that wait for an offset to be covered.

use model::Offset;
use std::collections::BTreeMap;
use tokio::sync::oneshot;

/// What an append waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum WaitFor {
    /// Nothing: `acks=0`.
    Nothing,
    /// Its WAL frame is synced, and the lease holds; or it is committed.
    Sync,
    /// As the mode in force says at the time: asked for by acks=all in a `wal` partition, whose mode may change.
    Mode,
    /// It is committed.
    Commit,
}

/// Wake-ups by the offset that must be covered. Being woken proves nothing: whoever wakes looks again.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    by_end: BTreeMap<Offset, Vec<oneshot::Sender<()>>>,
}

impl Waiters {
    /// Registers a wait for everything before `end` to be covered.
    pub(crate) fn wait(&mut self, end: Offset) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        let senders = self.by_end.entry(end).or_default();
        senders.retain(|waiting| !waiting.is_closed());
        senders.push(sender);
        receiver
    }

    /// Whether anybody waits for an offset up to `covered`.
    pub(crate) fn any_through(&self, covered: Offset) -> bool {
        self.by_end.first_key_value().is_some_and(|(&end, _)| end <= covered)
    }

    /// Wakes those whose offsets lie before `covered`.
    pub(crate) fn wake_through(&mut self, covered: Offset) {
        while let Some(entry) = self.by_end.first_entry()
            && *entry.key() <= covered
        {
            wake(entry.remove());
        }
    }

    /// Wakes everybody.
    pub(crate) fn wake_all(&mut self) {
        std::mem::take(&mut self.by_end).into_values().for_each(wake);
    }
}

fn wake(senders: Vec<oneshot::Sender<()>>) {
    for sender in senders {
        // A waiter that timed out is gone; its records stay in the log.
        let _ = sender.send(());
    }
}
