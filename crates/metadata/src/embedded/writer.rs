//! [`Writer`]: the one thread that owns the machine and the database.
//!
//! It takes what is queued as one batch, applies it in order, makes it durable with one commit, and only then answers
//! any of it. When the disk is full the batch is undone by reading the database again; after any other failure
//! nothing about the disk is known, and the store refuses everything until the process starts anew.

use super::{
    database::{ChangeSet, Database},
    forgetting::Forgetting,
};
use crate::{
    Lease, MetadataError, Outcome, Range, RangeQuery, Revision, Transaction,
    machine::{Changes, Kept, Machine},
};
use bytes::Bytes;
use runtime::Clock;
use std::{sync::mpsc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

/// Requests put into one commit at most.
const BATCH_LENGTH: usize = 256;

/// Where an answer goes.
pub(super) type Answer<T> = oneshot::Sender<Result<T, MetadataError>>;

/// A task and its place in the queue.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) task: Task,
    pub(super) _place: OwnedSemaphorePermit,
}

/// What the writer is asked for.
#[derive(Debug)]
pub(super) enum Task {
    Range(RangeQuery, Answer<Range>),
    Transact(Transaction, Answer<Outcome>),
    Changes { prefix: Bytes, from: Revision, answer: Answer<Changes> },
    GrantLease(Duration, Answer<Lease>),
    KeepAlive(i64, Answer<()>),
    RevokeLease(i64, Answer<()>),
    Compact(Revision, Answer<()>),
}

/// An answer that waits for the commit; told the failure if there was one.
type Pending = Box<dyn FnOnce(Option<&Failure>)>;

/// Why a batch was not made durable.
#[derive(Debug)]
pub(super) enum Failure {
    /// The disk is full; the batch did not happen.
    NoSpace(String),
    /// The batch may have happened.
    Unknown(String),
    /// The store gave up before this batch.
    Broken(String),
}

/// The owner of the store's state.
pub(super) struct Writer {
    database: Result<Database, String>,
    machine: Machine,
    clock: Clock,
    durable: watch::Sender<Revision>,
    forgetting: Forgetting,
}

impl Writer {
    pub(super) fn new(
        database: Database,
        kept: Kept,
        clock: Clock,
        durable: watch::Sender<Revision>,
    ) -> Self {
        let machine = Machine::restore(kept, clock.boot_time());
        Self { database: Ok(database), machine, clock, durable, forgetting: Forgetting::default() }
    }

    /// Works until every sender is gone and the queue is empty.
    pub(super) fn run(mut self, requests: &mpsc::Receiver<Request>) {
        loop {
            match self.next_request(requests) {
                Ok(first) => {
                    let more = requests.try_iter().take(BATCH_LENGTH - 1);
                    let batch: Vec<Request> = std::iter::once(first).chain(more).collect();
                    self.work(batch);
                }
                Err(mpsc::RecvTimeoutError::Timeout) => self.work(Vec::new()),
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn next_request(
        &self,
        requests: &mpsc::Receiver<Request>,
    ) -> Result<Request, mpsc::RecvTimeoutError> {
        if self.forgetting.is_asked() {
            return requests.recv_timeout(Duration::ZERO);
        }
        match self.machine.next_expiry().filter(|_| self.database.is_ok()) {
            Some(expiry) => requests.recv_timeout(expiry.since(self.clock.boot_time())),
            None => requests.recv().map_err(|_| mpsc::RecvTimeoutError::Disconnected),
        }
    }

    /// One batch: leases that ran out, then the requests, then the commit, then the answers.
    fn work(&mut self, batch: Vec<Request>) {
        let mut changes = ChangeSet::default();
        let broken = self.database.as_ref().err().cloned().map(Failure::Broken);
        let before = self.machine.revision();
        if broken.is_none() {
            self.expire_leases(&mut changes);
        }
        let pending: Vec<Pending> =
            batch.into_iter().map(|request| self.apply(request.task, &mut changes)).collect();
        let failure = broken.or_else(|| {
            self.forget(before, &mut changes);
            self.commit(&changes).err()
        });
        for answer in pending {
            answer(failure.as_ref());
        }
        self.forgetting.committed(self.machine.compacted(), failure.as_ref());
        if failure.is_some() {
            return;
        }
        let revision = self.machine.revision();
        self.durable.send_if_modified(|durable| std::mem::replace(durable, revision) != revision);
    }

    fn expire_leases(&mut self, changes: &mut ChangeSet) {
        let now = self.clock.boot_time();
        while let Some(lease) = self.machine.expired_lease(now) {
            changes.end_lease(lease, self.machine.revoke_lease(lease));
        }
    }

    /// Does one task in memory.
    fn apply(&mut self, task: Task, changes: &mut ChangeSet) -> Pending {
        let now = self.clock.boot_time();
        match task {
            Task::Range(query, answer) => read(self.machine.range(&query), answer),
            Task::Changes { prefix, from, answer } => {
                read(self.machine.events(&prefix, from), answer)
            }
            Task::KeepAlive(lease, answer) => read(self.machine.keep_alive(lease, now), answer),
            Task::Transact(transaction, answer) => {
                let result = self.machine.transact(&transaction).map(|(outcome, events)| {
                    changes.events.extend(events);
                    outcome
                });
                write(result, answer)
            }
            Task::GrantLease(time_to_live, answer) => {
                let result = self.machine.grant_lease(time_to_live, now);
                changes.granted.extend(result.as_ref().ok().copied());
                write(result, answer)
            }
            Task::RevokeLease(lease, answer) => {
                changes.end_lease(lease, self.machine.revoke_lease(lease));
                write(Ok(()), answer)
            }
            Task::Compact(revision, answer) => {
                if revision > self.machine.revision() {
                    return write(self.machine.compact(revision).map(drop), answer);
                }
                self.forgetting.ask(revision, answer);
                Box::new(|_| ())
            }
        }
    }

    /// Lets some history go, if there is too much of it or somebody asked.
    fn forget(&mut self, before: Revision, changes: &mut ChangeSet) {
        if let Some(bound) = self.forgetting.next_bound(&self.machine, before) {
            // It lies between the last compaction and now, so it can't be refused.
            changes.forgotten.extend(self.machine.compact(bound).unwrap_or_default());
        }
    }

    fn commit(&mut self, changes: &ChangeSet) -> Result<(), Failure> {
        let Ok(database) = &mut self.database else { return Ok(()) };
        if changes.is_empty() && database.compacted() == self.machine.compacted() {
            return Ok(());
        }
        let Err(error) = database.commit(changes, &self.machine) else { return Ok(()) };
        tracing::error!(%error, "the embedded metadata store failed to commit");
        let failure = match error.kind() {
            std::io::ErrorKind::StorageFull => self.undo(&error.to_string()),
            _ => Err(error.to_string()),
        };
        failure.map_or_else(
            |reason| {
                let reason = format!("{reason}; mend the disk and start the broker again");
                self.database = Err(reason.clone());
                Err(Failure::Unknown(reason))
            },
            Err,
        )
    }

    /// Goes back to what is on disk. `Err` when that can't be read.
    fn undo(&mut self, reason: &str) -> Result<Failure, String> {
        let database = std::mem::replace(&mut self.database, Err(reason.to_owned()))?;
        let intended = database.commits() + 1;
        let (database, kept) = database.reopen().map_err(|error| error.to_string())?;
        let happened = database.commits() == intended;
        self.machine = Machine::restore(kept, self.clock.boot_time());
        self.database = Ok(database);
        let failure = if happened { Failure::Unknown } else { Failure::NoSpace };
        Ok(failure(reason.to_owned()))
    }
}

/// An answer that changes nothing, but may have seen what its batch changed.
fn read<T: 'static>(result: Result<T, MetadataError>, answer: Answer<T>) -> Pending {
    Box::new(move |failure| {
        // Whoever dropped the other end does not want the answer.
        let _ = answer.send(match failure {
            None => result,
            Some(Failure::NoSpace(reason) | Failure::Unknown(reason)) => {
                Err(MetadataError::Unavailable(reason.clone()))
            }
            Some(Failure::Broken(reason)) => Err(MetadataError::Refused(reason.clone())),
        });
    })
}

/// An answer to what had to become durable.
fn write<T: 'static>(result: Result<T, MetadataError>, answer: Answer<T>) -> Pending {
    Box::new(move |failure| {
        let _ = answer.send(failure.map_or(result, |failure| Err(refusal(failure))));
    })
}

/// What somebody is told whose change was not made durable.
pub(super) fn refusal(failure: &Failure) -> MetadataError {
    match failure {
        Failure::NoSpace(reason) => MetadataError::NoSpace(reason.clone()),
        Failure::Unknown(reason) => MetadataError::OutcomeUnknown(reason.clone()),
        Failure::Broken(reason) => MetadataError::Refused(reason.clone()),
    }
}
