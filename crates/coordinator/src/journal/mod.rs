//! [`Journal`]: what this broker's coordinators write to the metadata store, fenced and in order.
//!
//! One transaction is in flight at a time. Everything submitted meanwhile goes into the next one, so its cost is that of
//! the store, not that of the number of groups. Each transaction compares the session's key and the broker's journal
//! head (`journal_heads/{broker}`), as segment commits do (ADR 3): once the session is over nothing of it can land, a
//! transaction lands at most once, and one whose outcome is unknown is settled by sending it again. A slot's new owner
//! reads after that, so what it reads is final.
//!
//! Whoever submits has already changed its state in memory and answers only once [`Journal::settled`] says so. Nothing
//! is ever undone: if a submission can't be written, the session is over, and all state that rests on it is dropped.

mod batch;
#[cfg(test)]
mod tests;
mod writer;

use crate::JournalError;
use batch::Queue;
use bytes::Bytes;
use metadata::{MetadataStore, Operation, Revision, families::Keys};
use model::{BrokerId, SessionId};
use parking_lot::Mutex;
use runtime::{Randomness, Tasks};
use std::sync::Arc;
use tokio::sync::{Notify, watch};

/// Bytes that may wait to be written; beyond, requests are refused with a retriable error.
const QUEUE_MAX_BYTES: usize = 16 << 20;

/// The session that a journal writes under.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionStamp {
    /// Names it.
    pub id: SessionId,
    /// Create revision of `sessions/{broker}`.
    pub create_revision: Revision,
    /// The broker.
    pub broker: BrokerId,
}

/// What is to be written at once, or not at all.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Submission {
    /// Puts and deletes; of several puts of a key in one transaction the last one counts.
    pub operations: Vec<Operation>,
    /// Pieces of messages that lie under `{family}{seq}`, where `seq` is the transaction's number. The pieces of all
    /// submissions of a family are put behind each other: as protobuf messages, they merge.
    pub appends: Vec<Append>,
    /// What was appended in earlier transactions and is not needed any more.
    pub trims: Vec<Trim>,
}

/// A piece of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Append {
    /// The key without the number, ending in `/`.
    pub family: Bytes,
    /// An encoded message.
    pub piece: Bytes,
}

/// Deletes the keys from `start` up to the one that `family` has in this transaction, which stays.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trim {
    /// First key.
    pub start: Bytes,
    /// The family of [`Append`].
    pub family: Bytes,
}

/// The place of a submission in the journal; later ones are larger.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Position(u64);

/// What a journal is made of.
#[derive(Clone, Debug)]
pub struct JournalParts {
    /// The store.
    pub metadata: Arc<dyn MetadataStore>,
    /// The cluster's keys.
    pub keys: Keys,
    /// For back-off.
    pub randomness: Randomness,
    /// Parent of its task.
    pub tasks: Tasks,
}

/// The journal of one session. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Journal {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    session: SessionStamp,
    queue: Mutex<Queue>,
    submitted: Notify,
    progress: watch::Sender<Progress>,
    halted: Mutex<Option<String>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    /// Everything up to here is stored.
    through: Position,
    /// Nothing more will be.
    ended: bool,
}

impl Journal {
    /// Begins the journal of a session; its task ends with it ([`Journal::end`]) or with the parent.
    pub fn begin(session: SessionStamp, parts: &JournalParts) -> Self {
        let shared = Arc::new(Shared {
            session,
            queue: Mutex::default(),
            submitted: Notify::new(),
            progress: watch::Sender::default(),
            halted: Mutex::default(),
        });
        let journal = Self { shared };
        parts.tasks.spawn("journal", writer::write(journal.clone(), parts.clone()));
        journal
    }

    /// The session.
    pub fn session(&self) -> SessionStamp {
        self.shared.session
    }

    /// Whether there is room for more. To be asked before state is changed: [`Journal::submit`] always takes.
    ///
    /// # Errors
    /// `Overloaded`, `Ended`.
    pub fn admits(&self) -> Result<(), JournalError> {
        if self.shared.progress.borrow().ended {
            return Err(JournalError::Ended);
        }
        if self.shared.queue.lock().bytes() > QUEUE_MAX_BYTES {
            return Err(JournalError::Overloaded);
        }
        Ok(())
    }

    /// Queues what is to be written, in the order of the calls. It must fit into one transaction:
    /// [`Submission::fits`].
    pub fn submit(&self, submission: Submission) -> Position {
        let position = self.shared.queue.lock().push(submission);
        self.shared.submitted.notify_one();
        position
    }

    /// The place of the last submission so far: who waits for it reads nothing that could be lost.
    pub fn position(&self) -> Position {
        self.shared.queue.lock().last()
    }

    /// Waits until everything up to `position` is stored.
    ///
    /// # Errors
    /// `Ended`: whether it is stored is not known here, and nobody may be told that it is.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn settled(&self, position: Position) -> Result<(), JournalError> {
        let mut progress = self.shared.progress.subscribe();
        let reached = progress.wait_for(|it| it.through >= position || it.ended).await;
        match reached {
            Ok(reached) if reached.through >= position => Ok(()),
            _ => Err(JournalError::Ended),
        }
    }

    /// The session is over.
    pub fn end(&self) {
        self.shared.progress.send_modify(|progress| progress.ended = true);
        self.shared.submitted.notify_one();
    }

    /// Why it stopped although its session lives, if it did: something is wrong that no fault explains.
    pub fn halted(&self) -> Option<String> {
        self.shared.halted.lock().clone()
    }

    fn halt(&self, reason: String) {
        *self.shared.halted.lock() = Some(reason);
    }

    fn is_ended(&self) -> bool {
        self.shared.progress.borrow().ended
    }

    fn settle(&self, through: Position) {
        self.shared.progress.send_modify(|progress| progress.through = through);
    }
}
