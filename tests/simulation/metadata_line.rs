//! [`MetadataLine`]: the metadata store as one machine reaches it: late, now and then without an answer, or not at all.

use crate::scenario::Planted;
use async_trait::async_trait;
use bytes::Bytes;
use metadata::{
    Compare, Event, Lease, MemoryStore, MetadataError, MetadataStore, Operation, Outcome, Range,
    RangeQuery, Revision, Transaction, Watch, memory::Fault,
};
use runtime::Randomness;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{sync::watch, time};

/// Before every key.
pub const PREFIX: &str = "simulation/";
/// What a message to or from the store takes, in microseconds, at most.
const LATENCY_US: u64 = 2_000;
/// How long a call waits for its answer.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// A machine's line to the store. Clones are the same line.
#[derive(Clone, Debug)]
pub struct MetadataLine {
    store: MemoryStore,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    randomness: Randomness,
    cut: watch::Sender<bool>,
    faulty_percent: AtomicU64,
    planted: Option<Planted>,
}

impl MetadataLine {
    pub fn new(store: &MemoryStore, randomness: Randomness, planted: Option<Planted>) -> Self {
        let shared = Shared {
            randomness,
            cut: watch::Sender::new(false),
            faulty_percent: AtomicU64::new(0),
            planted,
        };
        Self { store: store.another_line(), shared: Arc::new(shared) }
    }

    /// From now on nothing gets through.
    pub fn cut(&self) {
        self.shared.cut.send_replace(true);
    }

    /// From now on so many of a hundred transactions have no answer.
    pub fn lose_answers(&self, percent: u64) {
        self.shared.faulty_percent.store(percent, Relaxed);
    }

    /// Ends cuts and losses. Transactions that were delayed stay so.
    pub fn heal(&self) {
        self.shared.cut.send_replace(false);
        self.lose_answers(0);
    }

    /// Transactions that nobody waits for any more arrive after all.
    pub fn land_delayed(&self) {
        self.store.faults().land_delayed();
    }

    async fn travel(&self) {
        let latency = self.shared.randomness.below(LATENCY_US);
        time::sleep(Duration::from_micros(latency)).await;
    }

    /// Waits until the line is whole; false: not within a call's time.
    async fn gets_through(&self) -> bool {
        self.travel().await;
        let mut cut = self.shared.cut.subscribe();
        let whole = time::timeout(CALL_TIMEOUT, cut.wait_for(|cut| !cut)).await;
        whole.is_ok()
    }

    fn draw(&self) -> Option<Fault> {
        let Shared { randomness, faulty_percent, .. } = &*self.shared;
        if randomness.below(100) >= faulty_percent.load(Relaxed) {
            return None;
        }
        let faults =
            [Fault::UnknownApplied, Fault::UnknownNotApplied, Fault::Delayed, Fault::Unavailable];
        faults.get(randomness.below(4) as usize).copied()
    }

    /// A call that changes nothing that matters when its answer is lost.
    async fn ask<T>(
        &self,
        call: impl Future<Output = Result<T, MetadataError>>,
    ) -> Result<T, MetadataError> {
        if !self.gets_through().await {
            return Err(MetadataError::Unavailable("the line is cut".to_owned()));
        }
        let answer = call.await;
        if self.gets_through().await { answer } else { Err(unknown()) }
    }
}

#[async_trait]
impl MetadataStore for MetadataLine {
    async fn range(&self, query: RangeQuery) -> Result<Range, MetadataError> {
        self.ask(self.store.range(query)).await
    }

    async fn transact(&self, mut transaction: Transaction) -> Result<Outcome, MetadataError> {
        if self.shared.planted == Some(Planted::CommitsWithoutFence) {
            take_fence_off(&mut transaction);
        }
        if !self.gets_through().await {
            // It may still lie in a socket.
            if self.shared.randomness.below(2) == 0 {
                self.store.faults().fail_next(Fault::Delayed);
                return self.store.transact(transaction).await;
            }
            return Err(unknown());
        }
        if let Some(fault) = self.draw() {
            self.store.faults().fail_next(fault);
        }
        let answer = self.store.transact(transaction).await;
        if self.gets_through().await { answer } else { Err(unknown()) }
    }

    async fn watch(&self, prefix: Bytes, from: Revision) -> Result<Box<dyn Watch>, MetadataError> {
        let watch = self.ask(self.store.watch(prefix, from)).await?;
        Ok(Box::new(DistantWatch { watch, line: self.clone(), arriving: None }))
    }

    async fn grant_lease(&self, time_to_live: Duration) -> Result<Lease, MetadataError> {
        self.ask(self.store.grant_lease(time_to_live)).await
    }

    async fn keep_alive(&self, lease: Lease) -> Result<(), MetadataError> {
        self.ask(self.store.keep_alive(lease)).await
    }

    async fn revoke_lease(&self, lease: Lease) -> Result<(), MetadataError> {
        self.ask(self.store.revoke_lease(lease)).await
    }

    async fn compact(&self, revision: Revision) -> Result<(), MetadataError> {
        self.ask(self.store.compact(revision)).await
    }

    fn describe(&self) -> String {
        "simulated".to_owned()
    }
}

/// What a commit compares with its session, left out.
fn take_fence_off(transaction: &mut Transaction) {
    let below =
        |key: &Bytes, family: &str| key.starts_with(format!("{PREFIX}{family}/").as_bytes());
    let commits =
        |it: &Operation| matches!(it, Operation::Put { key, .. } if below(key, "commits"));
    if transaction.then.iter().any(commits) {
        transaction
            .compares
            .retain(|it| !matches!(it, Compare::CreateRevision(key, _) if below(key, "sessions")));
    }
}

fn unknown() -> MetadataError {
    MetadataError::OutcomeUnknown("no answer".to_owned())
}

/// A watch whose events come late, and not through a cut.
struct DistantWatch {
    watch: Box<dyn Watch>,
    line: MetadataLine,
    /// Taken from the store, and under way: kept so that a caller who stops waiting loses nothing.
    arriving: Option<Result<Vec<Event>, MetadataError>>,
}

#[async_trait]
impl Watch for DistantWatch {
    async fn next(&mut self) -> Result<Vec<Event>, MetadataError> {
        if self.arriving.is_none() {
            self.arriving = Some(self.watch.next().await);
        }
        while !self.line.gets_through().await {}
        self.arriving.take().unwrap_or_else(|| Ok(Vec::new()))
    }
}
