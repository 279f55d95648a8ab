//! A metadata store whose history is compacted while somebody reads at one revision.

use async_trait::async_trait;
use bytes::Bytes;
use metadata::{
    Lease, MemoryStore, MetadataError, MetadataStore, Operation, Outcome, Range, RangeQuery,
    Revision, Transaction, Watch,
};
use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

/// Forgets the revision asked for, so many times.
#[derive(Debug)]
pub struct Compacting {
    pub store: MemoryStore,
    pub times: AtomicU32,
}

impl Compacting {
    async fn compact_all(&self) -> Result<(), MetadataError> {
        let put = Operation::put("elsewhere", Bytes::new());
        let write = Transaction { then: vec![put], ..Transaction::default() };
        let newest = self.store.transact(write).await?.revision;
        self.store.compact(newest).await
    }
}

#[async_trait]
impl MetadataStore for Compacting {
    async fn range(&self, query: RangeQuery) -> Result<Range, MetadataError> {
        let left = |times: u32| times.checked_sub(1);
        let (set, fetch) = (Ordering::SeqCst, Ordering::SeqCst);
        if query.at.is_some() && self.times.fetch_update(set, fetch, left).is_ok() {
            self.compact_all().await?;
        }
        self.store.range(query).await
    }

    async fn transact(&self, transaction: Transaction) -> Result<Outcome, MetadataError> {
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
