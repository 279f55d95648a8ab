//! [`Registry`]: answers out of the [`State`], and writes through the [`Log`].
//!
//! A write is decided by the broker that orders writes, from everything that was written before: it waits until it has read
//! the log to its end, decides, appends, and answers when it has read back what it appended. Two brokers cannot both do so,
//! as the log takes an append only from the term of office in which its end was asked for.

mod deciding;
mod lookups;
mod settings;
mod understanding;

pub use lookups::Selector;
pub use understanding::Registration;

use crate::{error::RegistryError, state::State, subject::DEFAULT_CONTEXT};
use async_trait::async_trait;
use parking_lot::{RwLock, RwLockReadGuard};
use std::{sync::Arc, time::Duration};
use tokio::sync::{Mutex, watch};

/// A record to append: key, and value or tombstone.
pub type Record = (Vec<u8>, Option<Vec<u8>>);

/// Why the log takes no append here and now.
#[derive(Clone, Debug)]
pub enum LogRefusal {
    /// Another broker orders writes; its registry's address, if it is known.
    NotHere(Option<String>),
    /// A sentence.
    Unavailable(String),
}

/// A right to append: as long as nobody else had it meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct Term {
    /// The log's own mark of the term.
    pub token: u64,
    /// What was written so far lies below this offset.
    pub end: u64,
}

/// The topic `_schemas`, as the broker that orders writes sees it.
#[async_trait]
pub trait Log: Send + Sync + 'static {
    /// Asks for the right to append; makes the topic if there is none.
    ///
    /// # Errors
    /// [`LogRefusal`].
    async fn begin(&self) -> Result<Term, LogRefusal>;

    /// Appends, durably, under the same term; answers the last record's offset.
    ///
    /// # Errors
    /// [`LogRefusal`]; the records may be there all the same.
    async fn append(&self, term: Term, records: Vec<Record>) -> Result<u64, LogRefusal>;
}

/// A write that is not for this broker.
#[derive(Clone, Debug)]
pub enum WriteError {
    /// It was decided and refused.
    Refused(RegistryError),
    /// To be asked there.
    Elsewhere(String),
}

impl From<RegistryError> for WriteError {
    fn from(refused: RegistryError) -> Self {
        Self::Refused(refused)
    }
}

/// What a decision comes to.
#[derive(Debug)]
pub(crate) struct Decision<T> {
    pub(crate) records: Vec<Record>,
    pub(crate) answer: T,
}

/// How long a write waits for the log.
const PATIENCE: Duration = Duration::from_secs(20);

/// A registry. Cheap to clone.
#[derive(Clone)]
pub struct Registry {
    state: Arc<RwLock<State>>,
    /// Offsets below this one are in the state.
    read: watch::Sender<u64>,
    /// How often the log was read to its end: from the first time on the state is complete.
    looks: watch::Sender<u64>,
    /// One write at a time: each is decided from those before it.
    writer: Arc<Mutex<()>>,
    log: Arc<dyn Log>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Registry(read to {})", *self.read.borrow())
    }
}

impl Registry {
    /// An empty registry; records come in by [`Registry::apply`].
    pub fn new(log: Arc<dyn Log>) -> Self {
        Self {
            state: Arc::default(),
            read: watch::Sender::new(0),
            looks: watch::Sender::new(0),
            writer: Arc::default(),
            log,
        }
    }

    /// Takes records in, in the log's order. The log is read up to `next`.
    pub fn apply(&self, records: &[Record], next: u64) {
        let mut state = self.state.write();
        for (key, value) in records {
            state.apply(key, value.as_deref());
        }
        drop(state);
        self.read.send_replace(next);
    }

    /// Says that the log was read to its end, or is not there yet.
    pub fn caught_up(&self) {
        self.looks.send_modify(|looks| *looks += 1);
    }

    /// Waits until the log was read to its end once more. What was appended before that read began is known then; a read
    /// that was under way already may have missed it.
    pub fn look_again(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut looks = self.looks.subscribe();
        async move {
            // The sender lives as long as the registry; without one there is nothing to wait for.
            let _ = looks.changed().await;
        }
    }

    /// Whether a schema of the default context has this id and is registered, or was once, under a subject that `fits`; `None`
    /// until the log was read once.
    pub fn has(&self, id: u32, fits: impl Fn(&str) -> bool) -> Option<bool> {
        let state = self.state().ok()?;
        Some(state.uses(DEFAULT_CONTEXT, id).any(|(subject, _, _)| fits(subject)))
    }

    /// Forgets everything: the log is another one now.
    pub fn reset(&self) {
        *self.state.write() = State::default();
        self.read.send_replace(0);
    }

    /// Where to read on.
    pub fn position(&self) -> u64 {
        *self.read.borrow()
    }

    /// What is known now.
    ///
    /// # Errors
    /// 50001 until the log was read once.
    pub(crate) fn state(&self) -> Result<RwLockReadGuard<'_, State>, RegistryError> {
        if *self.looks.borrow() > 0 {
            Ok(self.state.read())
        } else {
            Err(RegistryError::store("the registry still reads _schemas"))
        }
    }

    /// Decides and writes.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        decide: impl FnOnce(&State) -> Result<Decision<T>, RegistryError> + Send + 'static,
    ) -> Result<T, WriteError> {
        let _turn = self.writer.lock().await;
        let term = self.log.begin().await.map_err(refused)?;
        self.until_read(term.end).await?;
        let state = Arc::clone(&self.state);
        // Reading and comparing schemas takes its time, which other connections must not wait for.
        let decided = tokio::task::spawn_blocking(move || decide(&state.read())).await;
        let decided =
            decided.unwrap_or_else(|error| Err(RegistryError::new(500, error.to_string())));
        let Decision { records, answer } = decided?;
        if records.is_empty() {
            return Ok(answer);
        }
        let offset = self.log.append(term, records).await.map_err(refused)?;
        self.until_read(offset + 1).await?;
        Ok(answer)
    }

    /// Waits until the log is read that far.
    ///
    /// # Errors
    /// 50002, when that takes too long.
    pub(crate) async fn until_read(&self, end: u64) -> Result<(), RegistryError> {
        let mut read = self.read.subscribe();
        let reading = read.wait_for(|read| *read >= end);
        match tokio::time::timeout(PATIENCE, reading).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(RegistryError::new(
                50002,
                "Operation timed out: _schemas is not read to its end",
            )),
        }
    }
}

fn refused(refusal: LogRefusal) -> WriteError {
    match refusal {
        LogRefusal::NotHere(Some(address)) => WriteError::Elsewhere(address),
        LogRefusal::NotHere(None) => {
            WriteError::Refused(RegistryError::new(50004, "Nobody leads _schemas at the moment"))
        }
        LogRefusal::Unavailable(why) => WriteError::Refused(RegistryError::store(why)),
    }
}
