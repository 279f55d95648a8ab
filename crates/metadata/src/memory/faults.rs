//! [`Faults`]: makes a [`MemoryStore`](super::MemoryStore) misbehave on demand.

use super::{MemoryStore, Shared};
use crate::{MetadataError, Operation, Outcome, Revision, Transaction};
use bytes::Bytes;
use parking_lot::Mutex;
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

/// The faults of one line to a store; freezes and cut watches are the store's own. A clone is the same.
#[derive(Clone, Debug)]
pub struct Faults {
    shared: Arc<Shared>,
    line: Arc<Mutex<Plan>>,
}

impl Faults {
    pub(super) fn new(shared: Arc<Shared>, line: Arc<Mutex<Plan>>) -> Self {
        Self { shared, line }
    }

    /// The next transactions meet these faults, one each; `None` lets one pass.
    pub fn plan(&self, faults: impl IntoIterator<Item = Option<Fault>>) {
        self.line.lock().next.extend(faults);
    }

    /// The next transaction meets `fault`.
    pub fn fail_next(&self, fault: Fault) {
        self.plan([Some(fault)]);
    }

    /// Every `n`th transaction from now on meets `fault`; 1 is all of them.
    pub fn fail_every(&self, n: u64, fault: Fault) {
        let mut plan = self.line.lock();
        plan.count = 0;
        plan.every = Some((n.max(1), fault));
    }

    /// From now on transactions that put keys below `prefix` are held, as [`Fault::Delayed`].
    pub fn delay_puts_below(&self, prefix: Bytes) {
        self.line.lock().delayed_below = Some(prefix);
    }

    /// So many of the next reads at a revision find that it was compacted just now.
    pub fn compact_before_reads(&self, times: u32) {
        self.line.lock().compactions = times;
    }

    /// From now on reads say that the store is at `revision`, as after the restore of a backup that watches do not notice.
    pub fn tell_revision(&self, revision: Revision) {
        self.line.lock().told_revision = Some(revision);
    }

    /// Transactions meet no fault any more. What is held stays held; a freeze stays.
    pub fn heal(&self) {
        let mut plan = self.line.lock();
        plan.next.clear();
        plan.every = None;
        plan.delayed_below = None;
    }

    /// How many transactions are held.
    pub fn delayed(&self) -> usize {
        self.line.lock().held.len()
    }

    /// Lets every held transaction land, in the order they were sent, and answers what became of them.
    pub fn land_delayed(&self) -> Vec<Result<Outcome, MetadataError>> {
        self.land(&self.shared)
    }

    /// The same in a store that has taken the place of this one.
    pub fn land_delayed_in(&self, store: &MemoryStore) -> Vec<Result<Outcome, MetadataError>> {
        self.land(&store.shared)
    }

    fn land(&self, store: &Shared) -> Vec<Result<Outcome, MetadataError>> {
        let held = std::mem::take(&mut self.line.lock().held);
        held.iter().map(|transaction| store.run(transaction)).collect()
    }

    /// Forgets every held transaction: they were lost after all.
    pub fn lose_delayed(&self) {
        self.line.lock().held.clear();
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
        self.shared.state.lock().watch_generation += 1;
        self.shared.wake_watches();
    }
}

/// What is to go wrong, and what went missing so far.
#[derive(Debug, Default)]
pub(super) struct Plan {
    next: VecDeque<Option<Fault>>,
    every: Option<(u64, Fault)>,
    count: u64,
    delayed_below: Option<Bytes>,
    held: Vec<Transaction>,
    compactions: u32,
    told_revision: Option<Revision>,
}

impl Plan {
    /// What happens to this transaction, the next one.
    pub(super) fn fault_of(&mut self, transaction: &Transaction) -> Option<Fault> {
        if self.delays(transaction) {
            return Some(Fault::Delayed);
        }
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

    fn delays(&self, transaction: &Transaction) -> bool {
        let Some(prefix) = &self.delayed_below else { return false };
        transaction.then.iter().any(
            |operation| matches!(operation, Operation::Put { key, .. } if key.starts_with(prefix)),
        )
    }

    /// Whether history is to be compacted now.
    pub(super) fn compacts(&mut self) -> bool {
        let left = self.compactions.checked_sub(1);
        self.compactions = left.unwrap_or_default();
        left.is_some()
    }

    pub(super) fn told_revision(&self) -> Option<Revision> {
        self.told_revision
    }
}

/// The error of a transaction that nobody knows the outcome of.
pub(super) fn unknown(why: &str) -> MetadataError {
    MetadataError::OutcomeUnknown(why.to_owned())
}
