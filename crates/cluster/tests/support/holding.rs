//! [`HoldingStore`]: a store between a broker and the world's, which can keep owner records on their way and tell old revisions.

use super::World;
use async_trait::async_trait;
use bytes::Bytes;
use metadata::{
    Lease, MemoryStore, MetadataError, MetadataStore, Operation, Outcome, Range, RangeQuery,
    Revision, Transaction, Watch,
};
use parking_lot::Mutex;
use std::{sync::Arc, time::Duration};

/// What one broker reaches the store through. A clone is the same.
#[derive(Clone, Debug)]
pub struct HoldingStore {
    store: MemoryStore,
    owners: Bytes,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    holds: bool,
    held: Vec<Transaction>,
    told_revision: Option<Revision>,
}

impl HoldingStore {
    /// Passes everything on.
    pub fn new(world: &World) -> Self {
        Self { store: world.store.clone(), owners: world.keys().owners(), state: Arc::default() }
    }

    /// From now on transactions that put owner records are held; their senders learn nothing of them.
    pub fn hold(&self) {
        self.state.lock().holds = true;
    }

    /// Holds nothing more. What is held stays held.
    pub fn release(&self) {
        self.state.lock().holds = false;
    }

    /// How many are held.
    pub fn held(&self) -> usize {
        self.state.lock().held.len()
    }

    /// Lets everything held land, in the order it was sent; answers whether any of it was written.
    pub async fn land(&self) -> bool {
        self.land_in(&self.store).await
    }

    /// The same in a store that has taken the place of this one.
    pub async fn land_in(&self, store: &MemoryStore) -> bool {
        let held = std::mem::take(&mut self.state.lock().held);
        let mut any = false;
        for transaction in held {
            any |= store.transact(transaction).await.unwrap().succeeded;
        }
        any
    }

    /// From now on reads say that the store is at `revision`, as after the restore of a backup that watches do not notice.
    pub fn tell_revision(&self, revision: Revision) {
        self.state.lock().told_revision = Some(revision);
    }

    /// Whether the transaction is kept.
    fn keeps(&self, transaction: &Transaction) -> bool {
        let mut state = self.state.lock();
        let of_owner = |operation: &Operation| matches!(operation, Operation::Put { key, .. } if key.starts_with(&self.owners));
        let keeps = state.holds && transaction.then.iter().any(of_owner);
        if keeps {
            state.held.push(transaction.clone());
        }
        keeps
    }
}

#[async_trait]
impl MetadataStore for HoldingStore {
    async fn range(&self, query: RangeQuery) -> Result<Range, MetadataError> {
        let range = self.store.range(query).await?;
        let revision = self.state.lock().told_revision.unwrap_or(range.revision);
        Ok(Range { revision, ..range })
    }

    async fn transact(&self, transaction: Transaction) -> Result<Outcome, MetadataError> {
        if self.keeps(&transaction) {
            return Err(MetadataError::OutcomeUnknown("held".to_owned()));
        }
        self.store.transact(transaction).await
    }

    async fn watch(&self, prefix: Bytes, from: Revision) -> Result<Box<dyn Watch>, MetadataError> {
        self.store.watch(prefix, from).await
    }

    async fn grant_lease(&self, time_to_live: Duration) -> Result<Lease, MetadataError> {
        self.store.grant_lease(time_to_live).await
    }

    async fn keep_alive(&self, lease: Lease) -> Result<(), MetadataError> {
        self.store.keep_alive(lease).await
    }

    async fn revoke_lease(&self, lease: Lease) -> Result<(), MetadataError> {
        self.store.revoke_lease(lease).await
    }

    async fn compact(&self, revision: Revision) -> Result<(), MetadataError> {
        self.store.compact(revision).await
    }

    fn describe(&self) -> String {
        self.store.describe()
    }
}
