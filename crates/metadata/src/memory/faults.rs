//! [`Faults`]: makes a [`MemoryStore`](super::MemoryStore) misbehave on demand.

use super::{MemoryStore, Shared};
use crate::{MetadataError, Outcome, Transaction};
use std::{collections::VecDeque, sync::Arc};

/// What happens to a transaction instead of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// `Unavailable`; it never happens.
    Unavailable,
    /// `OutcomeUnknown`; it happened.
    UnknownApplied,
    /// `OutcomeUnknown`; it never happens.
    UnknownNotApplied,
    /// `OutcomeUnknown`; it is held, and lands when [`Faults::land_delayed`] says so.
    Delayed,
}

/// The faults of one store. A clone is the same.
#[derive(Clone, Debug)]
pub struct Faults {
    shared: Arc<Shared>,
}

impl Faults {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The next transactions meet these faults, one each; `None` lets one pass.
    pub fn plan(&self, faults: impl IntoIterator<Item = Option<Fault>>) {
        self.shared.state.lock().plan.next.extend(faults);
    }

    /// The next transaction meets `fault`.
    pub fn fail_next(&self, fault: Fault) {
        self.plan([Some(fault)]);
    }

    /// Every `n`th transaction from now on meets `fault`; 1 is all of them.
    pub fn fail_every(&self, n: u64, fault: Fault) {
        let mut state = self.shared.state.lock();
        state.plan.count = 0;
        state.plan.every = Some((n.max(1), fault));
    }

    /// Transactions meet no fault any more. What is held stays held; a freeze stays.
    pub fn heal(&self) {
        let mut state = self.shared.state.lock();
        state.plan.next.clear();
        state.plan.every = None;
    }

    /// How many transactions are held.
    pub fn delayed(&self) -> usize {
        self.shared.state.lock().plan.held.len()
    }

    /// Lets every held transaction land, in the order they were sent, and answers what became of them.
    pub fn land_delayed(&self) -> Vec<Result<Outcome, MetadataError>> {
        let held = std::mem::take(&mut self.shared.state.lock().plan.held);
        held.iter().map(|transaction| self.shared.run(transaction)).collect()
    }

    /// Forgets every held transaction: they were lost after all.
    pub fn lose_delayed(&self) {
        self.shared.state.lock().plan.held.clear();
    }

    /// Stalls the store: calls hang until [`Faults::thaw`] or their timeout; watches say nothing. A transaction that
    /// gave up in here is held, as if it lay in the stalled store's socket.
    pub fn freeze(&self) {
        self.shared.frozen.send_replace(true);
    }

    /// Ends a freeze: leases that ran out meanwhile end, what is held lands, then calls that still wait go on.
    pub fn thaw(&self) {
        self.land_delayed();
        self.shared.frozen.send_replace(false);
    }

    /// From now on the store holds what `other` held: it was restored from a backup, or another one answers at its address.
    pub fn replace_with(&self, other: &MemoryStore) {
        let machine = std::mem::take(&mut other.shared.state.lock().machine);
        self.shared.state.lock().machine = machine;
        self.cut_watches();
    }

    /// Cuts off every watch that exists: its next answer is `Compacted`.
    pub fn cut_watches(&self) {
        self.shared.state.lock().plan.watch_generation += 1;
        self.shared.wake_watches();
    }
}

/// What is to go wrong, and what went missing so far.
#[derive(Debug, Default)]
pub(super) struct Plan {
    next: VecDeque<Option<Fault>>,
    every: Option<(u64, Fault)>,
    count: u64,
    held: Vec<Transaction>,
    watch_generation: u64,
}

impl Plan {
    /// The fault of the next transaction.
    pub(super) fn next(&mut self) -> Option<Fault> {
        if let Some(planned) = self.next.pop_front() {
            return planned;
        }
        self.count += 1;
        let (n, fault) = self.every?;
        self.count.is_multiple_of(n).then_some(fault)
    }

    pub(super) fn hold(&mut self, transaction: Transaction) {
        self.held.push(transaction);
    }

    pub(super) fn watch_generation(&self) -> u64 {
        self.watch_generation
    }
}

/// The error of a transaction that nobody knows the outcome of.
pub(super) fn unknown(why: &str) -> MetadataError {
    MetadataError::OutcomeUnknown(why.to_owned())
}
