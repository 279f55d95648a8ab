//! [`Verification`]: that a producer's first batch in a transaction belongs to one that goes on (KIP-890).
//!
//! A transaction's first batch may arrive late, after the transaction was ended; appended then, it would hang there until the next
//! one ends, and hold the last stable offset. So the coordinator's journal is asked before, and the answer is void if a
//! marker of that producer came since the question was put.

use super::{ProducedBatch, ProducerStates};
use crate::AppendError;
use model::{Offset, ProducerEpoch, ProducerId};

/// A question that is put to the coordinator's journal; once it was answered with yes, the batch may be appended with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Verification {
    producer: ProducerId,
    epoch: ProducerEpoch,
    /// Where the log ended when the question was put.
    put_at: Offset,
    /// Whether a producer that is unknown here begins at sequence 0 (transaction version 2).
    begins_at_zero: bool,
}

impl Verification {
    /// Whose transaction is in question.
    pub const fn producer(&self) -> ProducerId {
        self.producer
    }

    /// In which epoch of the producer.
    pub const fn epoch(&self) -> ProducerEpoch {
        self.epoch
    }

    /// Demands that a producer that nobody remembers begins at sequence 0: under transaction version 2 every transaction has an
    /// epoch of its own.
    #[must_use]
    pub const fn beginning_at_zero(self) -> Self {
        Self { begins_at_zero: true, ..self }
    }
}

impl ProducerStates {
    /// Whether the producer has a transaction open here in this epoch.
    pub(crate) fn has_open(&self, producer: ProducerId, epoch: ProducerEpoch) -> bool {
        self.transactions.is_open(producer)
            && self.producers.get(&producer).is_some_and(|known| known.epoch == epoch)
    }

    /// The question to be answered before a batch can be appended at `batch.base_offset`, the log's end; `None` when there is none.
    pub(crate) fn question(&self, batch: &ProducedBatch) -> Option<Verification> {
        let begins = batch.transactional && !self.has_open(batch.producer, batch.epoch);
        begins.then_some(Verification {
            producer: batch.producer,
            epoch: batch.epoch,
            put_at: batch.base_offset,
            begins_at_zero: false,
        })
    }

    /// Refuses a client's batch that would begin a transaction nobody answers for.
    ///
    /// # Errors
    /// `InvalidTransactionState`, `OutOfOrderSequence`.
    pub(crate) fn check_begun(
        &self,
        batch: &ProducedBatch,
        verification: Option<Verification>,
    ) -> Result<(), AppendError> {
        if self.question(batch).is_none() {
            return Ok(());
        }
        let covers = |it: &Verification| (it.producer, it.epoch) == (batch.producer, batch.epoch);
        let Some(verification) = verification.filter(covers) else {
            return Err(invalid("the batch belongs to no transaction that goes on"));
        };
        if !self.holds(&verification) {
            return Err(invalid("the transaction was ended meanwhile"));
        }
        let unknown = !self.producers.contains_key(&batch.producer);
        if verification.begins_at_zero && unknown && batch.first_sequence != 0 {
            let got = batch.first_sequence as i32;
            return Err(AppendError::OutOfOrderSequence { expected: 0, got });
        }
        Ok(())
    }

    /// Whether no marker of the producer came since the question was put.
    pub(crate) fn holds(&self, verification: &Verification) -> bool {
        !self.ended_since(verification.producer, verification.put_at)
    }

    fn ended_since(&self, producer: ProducerId, offset: Offset) -> bool {
        let last_marker = match self.producers.get(&producer) {
            Some(known) => known.last_marker,
            None => self.forgotten_marker,
        };
        last_marker.is_some_and(|marker| marker >= offset)
    }
}

fn invalid(reason: &str) -> AppendError {
    AppendError::InvalidTransactionState(reason.to_owned())
}
