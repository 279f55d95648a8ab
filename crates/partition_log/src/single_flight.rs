//! [`SingleFlightCache`]: values by key, loaded once however many ask, kept within a budget in bytes.
//!
//! One load may answer for several keys. It runs while somebody waits for it; when all waiters are gone it is dropped,
//! and the next one begins anew. The least recently used values go first. Errors are not kept.

use futures::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    hash::Hash,
    sync::Arc,
};

/// The results of one load, in the order of its keys.
pub(crate) type Flight<V, E> = BoxFuture<'static, Arc<Vec<Result<V, E>>>>;

/// Keys to load, the wanted one first, and how.
pub(crate) struct Load<K, V, E> {
    pub(crate) keys: Vec<K>,
    pub(crate) results: BoxFuture<'static, Vec<Result<V, E>>>,
}

/// The cache.
pub(crate) struct SingleFlightCache<K, V, E> {
    state: Mutex<State<K, V, E>>,
    limit_bytes: u64,
    bytes_of: fn(&V) -> u64,
}

/// What is in it, as the planner of a load sees it.
pub(crate) struct State<K, V, E> {
    slots: HashMap<K, Slot<V, E>>,
    by_use: BTreeMap<u64, K>,
    uses: u64,
    bytes: u64,
}

enum Slot<V, E> {
    Ready { value: V, last_use: u64 },
    Loading { flight: WeakShared<Flight<V, E>>, position: usize },
}

enum Found<V, E> {
    Ready(V),
    Loading(Shared<Flight<V, E>>, usize),
}

impl<K, V, E> SingleFlightCache<K, V, E>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// An empty cache of at most `limit_bytes`, as `bytes_of` counts them.
    pub(crate) fn new(limit_bytes: u64, bytes_of: fn(&V) -> u64) -> Self {
        let state = State { slots: HashMap::new(), by_use: BTreeMap::new(), uses: 0, bytes: 0 };
        Self { state: Mutex::new(state), limit_bytes, bytes_of }
    }

    /// The value of `key`: from memory, from a load under way, or by the load that `plan` makes of what is there.
    ///
    /// # Cancel safety
    /// Safe: a load goes on for whoever else waits for it.
    pub(crate) async fn get(
        self: &Arc<Self>,
        key: &K,
        plan: impl FnOnce(&State<K, V, E>) -> Load<K, V, E>,
    ) -> Result<V, E> {
        match self.find(key, plan) {
            Found::Ready(value) => Ok(value),
            Found::Loading(flight, position) => {
                let results = flight.await;
                results.get(position).expect("a load answers for each of its keys").clone()
            }
        }
    }

    fn find(
        self: &Arc<Self>,
        key: &K,
        plan: impl FnOnce(&State<K, V, E>) -> Load<K, V, E>,
    ) -> Found<V, E> {
        let mut state = self.state.lock();
        if let Some(found) = state.find(key) {
            return found;
        }
        let load = plan(&state);
        Found::Loading(self.launch(&mut state, load), 0)
    }

    /// Begins the load that `plan` makes of what is there, of keys that are absent. It goes on while somebody waits for one of them, or
    /// polls what is answered.
    pub(crate) fn begin(
        self: &Arc<Self>,
        plan: impl FnOnce(&State<K, V, E>) -> Option<Load<K, V, E>>,
    ) -> Option<Shared<Flight<V, E>>> {
        let mut state = self.state.lock();
        let load = plan(&state)?;
        Some(self.launch(&mut state, load))
    }

    /// Looks at what is there.
    pub(crate) fn look<T>(&self, at: impl FnOnce(&State<K, V, E>) -> T) -> T {
        at(&self.state.lock())
    }

    fn launch(
        self: &Arc<Self>,
        state: &mut State<K, V, E>,
        load: Load<K, V, E>,
    ) -> Shared<Flight<V, E>> {
        let Load { keys, results } = load;
        let (cache, loaded) = (Arc::downgrade(self), keys.clone());
        let flight: Flight<V, E> = async move {
            let results = results.await;
            if let Some(cache) = cache.upgrade() {
                cache.land(&loaded, &results);
            }
            Arc::new(results)
        }
        .boxed();
        let flight = flight.shared();
        for (position, key) in keys.into_iter().enumerate() {
            let weak = flight.downgrade().expect("the flight has not run");
            state.slots.insert(key, Slot::Loading { flight: weak, position });
        }
        flight
    }

    fn land(&self, keys: &[K], results: &[Result<V, E>]) {
        let mut state = self.state.lock();
        for (key, result) in keys.iter().zip(results) {
            state.remove(key, self.bytes_of);
            if let Ok(value) = result {
                state.insert(key.clone(), value.clone(), (self.bytes_of)(value));
            }
        }
        while state.bytes > self.limit_bytes
            && let Some((_, oldest)) = state.by_use.first_key_value()
        {
            let oldest = oldest.clone();
            state.remove(&oldest, self.bytes_of);
        }
    }
}

impl<K: Clone + Eq + Hash, V: Clone, E> State<K, V, E> {
    /// Whether the value is in memory.
    pub(crate) fn is_ready(&self, key: &K) -> bool {
        matches!(self.slots.get(key), Some(Slot::Ready { .. }))
    }

    /// Whether the value is neither in memory nor being loaded.
    pub(crate) fn is_absent(&self, key: &K) -> bool {
        match self.slots.get(key) {
            None => true,
            Some(Slot::Ready { .. }) => false,
            Some(Slot::Loading { flight, .. }) => flight.upgrade().is_none(),
        }
    }

    fn find(&mut self, key: &K) -> Option<Found<V, E>> {
        self.uses += 1;
        match self.slots.get_mut(key)? {
            Slot::Ready { value, last_use } => {
                self.by_use.remove(last_use);
                self.by_use.insert(self.uses, key.clone());
                *last_use = self.uses;
                Some(Found::Ready(value.clone()))
            }
            Slot::Loading { flight, position } => {
                Some(Found::Loading(flight.upgrade()?, *position))
            }
        }
    }

    fn insert(&mut self, key: K, value: V, bytes: u64) {
        self.uses += 1;
        self.bytes += bytes;
        self.by_use.insert(self.uses, key.clone());
        self.slots.insert(key, Slot::Ready { value, last_use: self.uses });
    }

    fn remove(&mut self, key: &K, bytes_of: fn(&V) -> u64) {
        if let Some(Slot::Ready { value, last_use }) = self.slots.remove(key) {
            self.bytes -= bytes_of(&value);
            self.by_use.remove(&last_use);
        }
    }
}

impl<K, V, E> fmt::Debug for SingleFlightCache<K, V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock();
        f.debug_struct("SingleFlightCache")
            .field("values", &state.by_use.len())
            .field("bytes", &state.bytes)
            .finish_non_exhaustive()
    }
}
