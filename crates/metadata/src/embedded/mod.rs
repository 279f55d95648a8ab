//! [`EmbeddedStore`]: a metadata store in a directory of this broker, for deployments without etcd.
//!
//! What a call answered is on disk: a writer thread puts whatever queues up meanwhile into one synced commit, reads
//! included, so nothing is seen before it is durable. Everything also lies in memory, history only as far back as
//! [`MetadataStore::compact`] and a bound on its length leave it. One process at a time; leases outlive a restart, with
//! their full time to live from the moment of opening.

mod database;
mod forgetting;
mod watch;
mod writer;

#[cfg(test)]
mod tests;

use crate::{
    Lease, MetadataError, MetadataStore, Outcome, Range, RangeQuery, Revision, Transaction, Watch,
    limits, machine::Kept,
};
use async_trait::async_trait;
use bytes::Bytes;
use database::Database;
use runtime::Clock;
use std::{
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};
use tokio::sync::{Semaphore, oneshot};
use watch::EmbeddedWatch;
use writer::{Answer, Request, Task, Writer};

/// Requests that wait for the writer at most; callers beyond it wait for their turn.
const QUEUE_LENGTH: usize = 1024;

/// A metadata store in a local directory. A clone is the same store; the last one dropped closes it.
#[derive(Clone, Debug)]
pub struct EmbeddedStore {
    handle: Arc<Handle>,
}

/// The way to the writer thread.
#[derive(Debug)]
struct Handle {
    directory: PathBuf,
    /// One permit a place in the queue.
    places: Arc<Semaphore>,
    /// `None` only while it is dropped.
    queue: Option<mpsc::SyncSender<Request>>,
    writer: Option<thread::JoinHandle<()>>,
    /// The last revision that is on disk.
    durable: tokio::sync::watch::Receiver<Revision>,
}

impl EmbeddedStore {
    /// Opens the store in `directory`, making it if need be. Blocks while its content is read. `clock` is the
    /// machine's: the writer thread knows no simulated time.
    ///
    /// # Errors
    /// `Refused` when another process has it open, the directory can't be used or holds a later format; `Damaged`.
    pub fn open(directory: &Path, clock: Clock) -> Result<Self, MetadataError> {
        Self::serve(directory, Database::open(directory)?, clock)
    }

    /// Opens a copy, in memory, of the store in `directory`, which must be there and is not changed.
    ///
    /// # Errors
    /// As [`EmbeddedStore::open`].
    pub fn open_copy(directory: &Path, clock: Clock) -> Result<Self, MetadataError> {
        Self::serve(directory, Database::open_copy(directory)?, clock)
    }

    fn serve(
        directory: &Path,
        (database, kept): (Database, Kept),
        clock: Clock,
    ) -> Result<Self, MetadataError> {
        let (queue, requests) = mpsc::sync_channel(QUEUE_LENGTH);
        let (announce, durable) = tokio::sync::watch::channel(kept.revision);
        let writer = Writer::new(database, kept, clock, announce);
        let thread = thread::Builder::new()
            .name("metadata-writer".to_owned())
            .spawn(move || writer.run(&requests))
            .map_err(|error| MetadataError::Refused(format!("no thread: {error}")))?;
        let handle = Handle {
            directory: directory.to_owned(),
            places: Arc::new(Semaphore::new(QUEUE_LENGTH)),
            queue: Some(queue),
            writer: Some(thread),
            durable,
        };
        Ok(Self { handle: Arc::new(handle) })
    }
}

impl Handle {
    /// Sends the writer a task and waits for its answer. `lost` is the error when the writer ended without one.
    async fn ask<T>(
        &self,
        task: impl FnOnce(Answer<T>) -> Task,
        lost: fn(String) -> MetadataError,
    ) -> Result<T, MetadataError> {
        let closed = || MetadataError::Refused("the embedded store is closed".to_owned());
        let place = self.places.clone().acquire_owned().await.map_err(|_| closed())?;
        let (answer, reply) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or_else(closed)?;
        // Whoever holds a permit finds a free place.
        queue.try_send(Request { task: task(answer), _place: place }).map_err(|_| closed())?;
        reply.await.unwrap_or_else(|_| Err(lost("the embedded store ended".to_owned())))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(writer) = self.writer.take() {
            // It only finishes what is queued. A panic in there was reported by the panic hook.
            let _ = writer.join();
        }
    }
}

#[async_trait]
impl MetadataStore for EmbeddedStore {
    async fn range(&self, query: RangeQuery) -> Result<Range, MetadataError> {
        self.handle.ask(|answer| Task::Range(query, answer), MetadataError::Unavailable).await
    }

    async fn transact(&self, transaction: Transaction) -> Result<Outcome, MetadataError> {
        limits::check_transaction(&transaction)?;
        let task = |answer| Task::Transact(transaction, answer);
        self.handle.ask(task, MetadataError::OutcomeUnknown).await
    }

    async fn watch(&self, prefix: Bytes, from: Revision) -> Result<Box<dyn Watch>, MetadataError> {
        Ok(Box::new(EmbeddedWatch::new(self.handle.clone(), prefix, from)))
    }

    async fn grant_lease(&self, time_to_live: Duration) -> Result<Lease, MetadataError> {
        let task = |answer| Task::GrantLease(time_to_live, answer);
        self.handle.ask(task, MetadataError::OutcomeUnknown).await
    }

    async fn keep_alive(&self, lease: Lease) -> Result<(), MetadataError> {
        self.handle
            .ask(|answer| Task::KeepAlive(lease.id, answer), MetadataError::OutcomeUnknown)
            .await
    }

    async fn revoke_lease(&self, lease: Lease) -> Result<(), MetadataError> {
        self.handle
            .ask(|answer| Task::RevokeLease(lease.id, answer), MetadataError::OutcomeUnknown)
            .await
    }

    async fn compact(&self, revision: Revision) -> Result<(), MetadataError> {
        self.handle
            .ask(|answer| Task::Compact(revision, answer), MetadataError::OutcomeUnknown)
            .await
    }

    fn describe(&self) -> String {
        format!("embedded at {}", self.handle.directory.display())
    }
}
