//! [`TransactionSlot`]: the transactional ids of one loaded slot.
//!
//! A decision is taken into memory and queued for the journal under one lock, so the journal has decisions in the order
//! in which they were made. What was decided is answered once the journal has everything up to it, refusals too: they
//! may rest on what is not stored yet.

use super::{
    Answer, Decision, Event, TransactionError, TransactionalProducer, decide, value::to_value,
};
use crate::{
    Journal, SlotClaim, SlotError,
    journal::{Position, Submission},
    slot_log::Unwritten,
};
use metadata::{
    Operation,
    families::{Keys, encode},
};
use model::{ProducerId, TimestampMs};
use parking_lot::Mutex;
use runtime::Tasks;
use std::collections::HashMap;

/// The ids of a slot.
#[derive(Debug)]
pub(super) struct TransactionSlot {
    pub(super) claim: SlotClaim,
    pub(super) journal: Journal,
    /// Parent of what runs for these ids; ends with the slot.
    pub(super) tasks: Tasks,
    keys: Keys,
    pub(super) ids: Mutex<Ids>,
}

/// What is known of the slot's ids.
#[derive(Debug)]
pub(super) struct Ids {
    pub(super) known: HashMap<String, TransactionalProducer>,
    /// Those that the slot's log was not told of.
    pub(super) unwritten: Unwritten<String>,
    /// Nothing is decided any more: another broker may be the coordinator.
    closed: bool,
}

/// What was decided, and when it may be told.
#[derive(Debug)]
pub(super) struct Decided {
    pub(super) result: Result<Answer, TransactionError>,
    pub(super) position: Position,
    /// The id, if its transaction is to be marked now.
    pub(super) to_mark: Option<TransactionalProducer>,
}

impl TransactionSlot {
    pub(super) fn new(
        claim: SlotClaim,
        journal: Journal,
        keys: Keys,
        tasks: Tasks,
        known: HashMap<String, TransactionalProducer>,
        unwritten: Unwritten<String>,
    ) -> Self {
        let ids = Mutex::new(Ids { known, unwritten, closed: false });
        Self { claim, journal, tasks, keys, ids }
    }

    /// Decides nothing more, and ends what runs for its ids.
    pub(super) fn close(&self) {
        self.ids.lock().closed = true;
        self.tasks.request_shutdown();
    }

    /// Decides about an id that is known.
    pub(super) fn decide(
        &self,
        id: &str,
        event: &Event,
        fresh: Option<ProducerId>,
        now: TimestampMs,
    ) -> Decided {
        let mut ids = self.ids.lock();
        let ids = &mut *ids;
        if ids.closed {
            return self.decided(Err(SlotError::NotCoordinator.into()));
        }
        let Some(known) = ids.known.get_mut(id) else {
            return self.decided(Err(TransactionError::UnknownProducer));
        };
        match decide(known, event, fresh, now) {
            Ok(Decision { next: None, answer }) => self.decided(Ok(answer)),
            Ok(Decision { next: Some(next), answer }) => {
                let begins_to_end = next.state.ending().is_some();
                known.clone_from(&next);
                ids.unwritten.add(id.to_owned());
                let position = self.store(id, &next);
                let to_mark = begins_to_end.then_some(next);
                Decided { result: Ok(answer), position, to_mark }
            }
            Err(error) => self.decided(Err(error)),
        }
    }

    /// Takes a new id in; an id that is there already is left as it is (`None`).
    pub(super) fn create(&self, id: &str, producer: TransactionalProducer) -> Option<Decided> {
        let mut ids = self.ids.lock();
        if ids.closed {
            return Some(self.decided(Err(SlotError::NotCoordinator.into())));
        }
        if ids.known.contains_key(id) {
            return None;
        }
        let answer = Answer::GoOn(producer.producer, producer.epoch);
        let position = self.store(id, &producer);
        ids.known.insert(id.to_owned(), producer);
        ids.unwritten.add(id.to_owned());
        Some(Decided { result: Ok(answer), position, to_mark: None })
    }

    fn decided(&self, result: Result<Answer, TransactionError>) -> Decided {
        Decided { result, position: self.journal.position(), to_mark: None }
    }

    fn store(&self, id: &str, producer: &TransactionalProducer) -> Position {
        let key = self.keys.transaction(self.slot(), id);
        self.submit(Operation::put(key, encode(to_value(producer))))
    }

    fn submit(&self, operation: Operation) -> Position {
        let operations = vec![operation];
        self.journal.submit(Submission { operations, ..Submission::default() })
    }

    fn slot(&self) -> u32 {
        self.claim.index()
    }

    /// An id as it is now.
    pub(super) fn get(&self, id: &str) -> Option<TransactionalProducer> {
        self.ids.lock().known.get(id).cloned()
    }

    /// Every id as it is now, made into something else where that is wanted.
    pub(super) fn collect<T>(
        &self,
        choose: impl Fn(&str, &TransactionalProducer) -> Option<T>,
    ) -> Vec<T> {
        self.ids.lock().known.iter().filter_map(|(id, known)| choose(id, known)).collect()
    }

    /// Forgets the ids that nothing happened to for long.
    pub(super) fn expire(&self, expiration_ms: u64, now: TimestampMs) {
        let mut ids = self.ids.lock();
        let Ids { known, unwritten, closed } = &mut *ids;
        if *closed {
            return;
        }
        known.retain(|id, known| {
            let expired = known.expires_at(expiration_ms).is_some_and(|at| at <= now);
            if expired {
                self.submit(Operation::Delete(self.keys.transaction(self.slot(), id)));
                unwritten.add(id.clone());
            }
            !expired
        });
    }
}
