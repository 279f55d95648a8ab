//! [`MemoryStore`]: a metadata store in memory, deterministic, for tests and simulation.
//!
//! Leases end by the clock it is given, whenever somebody looks (a waiting watch looks at the moment of the next
//! end). [`Faults`] makes it misbehave as a network and a stalled etcd do.

mod faults;
mod watch;

#[cfg(test)]
mod tests;

use crate::{
    Lease, MetadataError, MetadataStore, Operation, Outcome, Range, RangeQuery, Revision,
    Transaction, Watch, limits, machine::Machine,
};
use async_trait::async_trait;
use bytes::Bytes;
use faults::Plan;
pub use faults::{Fault, Faults};
use parking_lot::Mutex;
use runtime::Clock;
use std::{sync::Arc, time::Duration};
use watch::MemoryWatch;

/// How long a call waits in a freeze unless told otherwise.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// A metadata store in memory. A clone is the same store, by the same line.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    shared: Arc<Shared>,
    /// What goes wrong between the store and who calls it by this handle.
    line: Arc<Mutex<Plan>>,
}

/// What the store, its watches and its faults share.
#[derive(Debug)]
struct Shared {
    clock: Clock,
    call_timeout: Duration,
    state: Mutex<State>,
    /// Grows with whatever may wake a watch.
    changes: tokio::sync::watch::Sender<u64>,
    frozen: tokio::sync::watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    machine: Machine,
    /// Watches of an earlier one were cut off.
    watch_generation: u64,
}

impl MemoryStore {
    /// An empty store whose leases end by `clock`.
    pub fn new(clock: Clock) -> Self {
        Self::with_call_timeout(clock, CALL_TIMEOUT)
    }

    /// The same, with the time that a call waits in a freeze before it gives up.
    pub fn with_call_timeout(clock: Clock, call_timeout: Duration) -> Self {
        let shared = Shared {
            clock,
            call_timeout,
            state: Mutex::default(),
            changes: tokio::sync::watch::Sender::new(0),
            frozen: tokio::sync::watch::Sender::new(false),
        };
        Self { shared: Arc::new(shared), line: Arc::default() }
    }

    /// The same store by a line of its own: what goes wrong on one does not on the other.
    pub fn another_line(&self) -> Self {
        Self { shared: self.shared.clone(), line: Arc::default() }
    }

    /// What can be made to go wrong with it.
    pub fn faults(&self) -> Faults {
        Faults::new(self.shared.clone(), self.line.clone())
    }
}

impl Shared {
    /// Works on the state as of now: leases that ran out have ended.
    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock();
        let now = self.clock.boot_time();
        let before = state.machine.revision();
        while let Some(lease) = state.machine.expired_lease(now) {
            state.machine.revoke_lease(lease);
        }
        let answer = work(&mut state);
        if state.machine.revision() != before {
            self.wake_watches();
        }
        answer
    }

    fn wake_watches(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// Waits out a freeze; `false` when the call's time is up first.
    async fn answers(&self) -> bool {
        let mut frozen = self.frozen.subscribe();
        let thawed = frozen.wait_for(|frozen| !frozen);
        tokio::time::timeout(self.call_timeout, thawed).await.is_ok()
    }

    /// Fails as a read does when the store does not answer.
    async fn available(&self) -> Result<(), MetadataError> {
        if self.answers().await {
            Ok(())
        } else {
            Err(MetadataError::Unavailable("no answer in time".to_owned()))
        }
    }

    fn run(&self, transaction: &Transaction) -> Result<Outcome, MetadataError> {
        self.with(|state| state.machine.transact(transaction).map(|(outcome, _)| outcome))
    }

    /// Forgets every revision that anybody may have read at.
    fn compact_everything(&self) -> Result<(), MetadataError> {
        let put = Operation::put("compacted", Bytes::new());
        let newest = self.run(&Transaction { then: vec![put], ..Transaction::default() })?.revision;
        self.with(|state| state.machine.compact(newest))?;
        self.wake_watches();
        Ok(())
    }
}

#[async_trait]
impl MetadataStore for MemoryStore {
    async fn range(&self, query: RangeQuery) -> Result<Range, MetadataError> {
        self.shared.available().await?;
        if query.at.is_some() && self.line.lock().compacts() {
            self.shared.compact_everything()?;
        }
        let mut range = self.shared.with(|state| state.machine.range(&query))?;
        range.revision = self.line.lock().told_revision().unwrap_or(range.revision);
        Ok(range)
    }

    async fn transact(&self, transaction: Transaction) -> Result<Outcome, MetadataError> {
        limits::check_transaction(&transaction)?;
        if !self.shared.answers().await {
            self.line.lock().hold(transaction);
            return Err(faults::unknown("no answer in time"));
        }
        let fault = self.line.lock().fault_of(&transaction);
        match fault {
            None => self.shared.run(&transaction),
            Some(Fault::Unavailable) => Err(MetadataError::Unavailable("injected".to_owned())),
            Some(Fault::UnknownNotApplied) => Err(faults::unknown("injected; it was lost")),
            Some(Fault::UnknownApplied) => {
                let answer = self.shared.run(&transaction);
                answer.and(Err(faults::unknown("injected; it was done")))
            }
            Some(Fault::Delayed) => {
                self.line.lock().hold(transaction);
                Err(faults::unknown("injected; it is on its way"))
            }
        }
    }

    async fn watch(&self, prefix: Bytes, from: Revision) -> Result<Box<dyn Watch>, MetadataError> {
        Ok(Box::new(MemoryWatch::new(self.shared.clone(), prefix, from)))
    }

    async fn grant_lease(&self, time_to_live: Duration) -> Result<Lease, MetadataError> {
        self.shared.available().await?;
        let now = self.shared.clock.boot_time();
        let lease = self.shared.with(|state| state.machine.grant_lease(time_to_live, now));
        self.shared.wake_watches();
        lease
    }

    async fn keep_alive(&self, lease: Lease) -> Result<(), MetadataError> {
        self.shared.available().await?;
        let now = self.shared.clock.boot_time();
        self.shared.with(|state| state.machine.keep_alive(lease.id, now))
    }

    async fn revoke_lease(&self, lease: Lease) -> Result<(), MetadataError> {
        self.shared.available().await?;
        self.shared.with(|state| state.machine.revoke_lease(lease.id));
        Ok(())
    }

    async fn compact(&self, revision: Revision) -> Result<(), MetadataError> {
        self.shared.available().await?;
        self.shared.with(|state| state.machine.compact(revision))?;
        self.shared.wake_watches();
        Ok(())
    }

    fn describe(&self) -> String {
        "memory".to_owned()
    }
}
