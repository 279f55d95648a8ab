//! Faults on purpose: what stores do on bad days, for tests and the simulation.

use crate::{
    ObjectErrorKind, ObjectName, Operation,
    probe::Check,
    store::{Failure, Mode, Page, Store},
};
use async_trait::async_trait;
use bytes::Bytes;
use object_store::PutPayload;
use parking_lot::Mutex;
use runtime::Randomness;
use std::{
    collections::{HashMap, VecDeque},
    ops::Range,
    sync::Arc,
    time::Duration,
};

/// One bad answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// 503: nothing was done.
    Unavailable,
    /// The request was carried out, the answer was an error.
    AppliedButFailed,
    /// An error now; what a put asked for happens at [`FaultPlan::land_late`]. Other operations are not done.
    Late,
    /// No answer, ever.
    Hang,
    /// 403: nothing was done.
    Denied,
    /// 412 although nothing of that name is there; nothing was done.
    AlreadyExists,
}

/// When which fault strikes. Clones share one plan, so that a test can change it while the store is in use.
#[derive(Clone, Debug)]
pub struct FaultPlan(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    randomness: Randomness,
    next: HashMap<Operation, VecDeque<Fault>>,
    always: HashMap<Operation, Fault>,
    percent: Option<(u64, Fault)>,
    latency: Range<Duration>,
    late: Vec<LatePut>,
}

#[derive(Debug)]
struct LatePut {
    store: Arc<dyn Store>,
    name: ObjectName,
    payload: PutPayload,
    mode: Mode,
}

impl FaultPlan {
    /// A plan without faults; chances are drawn from `randomness`.
    pub fn new(randomness: Randomness) -> Self {
        Self(Arc::new(Mutex::new(State {
            randomness,
            next: HashMap::new(),
            always: HashMap::new(),
            percent: None,
            latency: Duration::ZERO..Duration::ZERO,
            late: Vec::new(),
        })))
    }

    /// The next `times` attempts of `operation` meet `fault`, after those planned before.
    pub fn fail_next(&self, operation: Operation, times: usize, fault: Fault) {
        let mut state = self.0.lock();
        state.next.entry(operation).or_default().extend(std::iter::repeat_n(fault, times));
    }

    /// Every attempt of `operation` meets `fault` until [`FaultPlan::heal`].
    pub fn fail_always(&self, operation: Operation, fault: Fault) {
        self.0.lock().always.insert(operation, fault);
    }

    /// Of all attempts, `percent` meet `fault`.
    pub fn fail_percent(&self, percent: u8, fault: Fault) {
        self.0.lock().percent = Some((u64::from(percent), fault));
    }

    /// Every attempt takes this much longer.
    pub fn delay(&self, latency: Range<Duration>) {
        self.0.lock().latency = latency;
    }

    /// Ends all faults and delays; hanging attempts still hang, late puts still wait.
    pub fn heal(&self) {
        let mut state = self.0.lock();
        state.next.clear();
        state.always.clear();
        state.percent = None;
        state.latency = Duration::ZERO..Duration::ZERO;
    }

    /// Lets every [`Fault::Late`] put happen now, and says how many did.
    pub async fn land_late(&self) -> usize {
        let late = std::mem::take(&mut self.0.lock().late);
        let mut landed = 0;
        for put in late {
            let done = put.store.put(&put.name, put.payload, put.mode).await;
            landed += usize::from(done.is_ok());
        }
        landed
    }

    /// What the next attempt of `operation` meets.
    fn draw(&self, operation: Operation) -> (Duration, Option<Fault>) {
        let mut state = self.0.lock();
        let spread = state.latency.end.saturating_sub(state.latency.start).as_nanos() as u64;
        let jitter = Duration::from_nanos(state.randomness.below(spread));
        let latency = state.latency.start + jitter;
        let planned = state.next.get_mut(&operation).and_then(VecDeque::pop_front);
        let fault = planned.or_else(|| state.always.get(&operation).copied()).or_else(|| {
            let (percent, fault) = state.percent?;
            (state.randomness.below(100) < percent).then_some(fault)
        });
        (latency, fault)
    }
}

/// A store behind a [`FaultPlan`].
#[derive(Debug)]
pub(crate) struct FaultyStore {
    store: Arc<dyn Store>,
    plan: FaultPlan,
}

impl FaultyStore {
    pub fn new(store: Arc<dyn Store>, plan: FaultPlan) -> Self {
        Self { store, plan }
    }

    /// Meets what strikes before the request; returns what is left to strike after or instead of it.
    async fn strike(&self, operation: Operation) -> Result<Option<Fault>, Failure> {
        let (latency, fault) = self.plan.draw(operation);
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        match fault {
            None | Some(Fault::AppliedButFailed | Fault::Late) => Ok(fault),
            Some(Fault::Unavailable) => Err(unavailable()),
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::Denied) => Err(Failure::new(ObjectErrorKind::Denied, "injected: 403")),
            Some(Fault::AlreadyExists) => Err(Failure::already_exists()),
        }
    }

    /// Carries out a request that only reads: a fault in its answer is as good as one before it.
    async fn read<T>(
        &self,
        operation: Operation,
        request: impl Future<Output = Result<T, Failure>> + Send,
    ) -> Result<T, Failure> {
        match self.strike(operation).await? {
            None => request.await,
            Some(_) => Err(unavailable()),
        }
    }
}

#[async_trait]
impl Store for FaultyStore {
    async fn put(&self, name: &ObjectName, payload: PutPayload, mode: Mode) -> Result<(), Failure> {
        let operation = match mode {
            Mode::Replace => Operation::Put,
            Mode::Create => Operation::PutIfAbsent,
        };
        match self.strike(operation).await? {
            None => self.store.put(name, payload, mode).await,
            Some(Fault::Late) => {
                let (store, name) = (Arc::clone(&self.store), name.clone());
                self.plan.0.lock().late.push(LatePut { store, name, payload, mode });
                Err(unavailable())
            }
            Some(_) => {
                self.store.put(name, payload, mode).await?;
                Err(unavailable())
            }
        }
    }

    async fn get(&self, name: &ObjectName, range: Option<Range<u64>>) -> Result<Bytes, Failure> {
        self.read(Operation::Get, self.store.get(name, range)).await
    }

    async fn size(&self, name: &ObjectName) -> Result<u64, Failure> {
        self.read(Operation::Head, self.store.size(name)).await
    }

    async fn delete(&self, names: &[ObjectName]) -> Result<(), Failure> {
        match self.strike(Operation::Delete).await? {
            None => self.store.delete(names).await,
            Some(Fault::AppliedButFailed) => {
                self.store.delete(names).await?;
                Err(unavailable())
            }
            Some(_) => Err(unavailable()),
        }
    }

    async fn list(&self, prefix: &str, page: Option<String>) -> Result<Page, Failure> {
        self.read(Operation::List, self.store.list(prefix, page)).await
    }

    async fn inspect(&self) -> Vec<Check> {
        self.store.inspect().await
    }

    async fn abort_uploads(&self, begun_before_unix_ms: i64) -> Result<usize, Failure> {
        self.store.abort_uploads(begun_before_unix_ms).await
    }

    fn counts_on_the_wire(&self) -> bool {
        self.store.counts_on_the_wire()
    }

    fn describe(&self) -> String {
        format!("{} with injected faults", self.store.describe())
    }
}

fn unavailable() -> Failure {
    Failure::new(ObjectErrorKind::Unavailable, "injected: 503")
}
