//! What a partition remembers of its producers: duplicates, sequences, epochs, open transactions (KIP-98, KIP-360).
//!
//! Checking and applying are separate, so that an append that fails in between changes nothing: the sequencer calls
//! [`ProducerStates::check`], then, once the batch has its place, [`ProducerStates::apply`]. State is that of what was
//! *enqueued*, not of what is durable: five requests in flight are admitted while their uploads are pending. The same `apply`
//! rebuilds the state from segment footers and WAL frames, so replay and live agree by construction.

mod description;
mod last_record;
mod produced_batch;
mod producer;
mod snapshot;
mod transactions;
mod verification;

pub use description::ProducerDescription;
pub(crate) use last_record::LastRecord;
pub(crate) use produced_batch::ProducedBatch;
pub(crate) use producer::Duplicate;
pub(crate) use transactions::Aborted;
pub use verification::Verification;

use crate::AppendError;
use model::{Offset, ProducerEpoch, ProducerId, TimestampMs};
use producer::Producer;
use std::collections::HashMap;
use transactions::Transactions;

/// What [`ProducerStates::check`] says of a batch that is not refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Admission {
    /// Append it.
    New,
    /// It is in the log already: answer with the original's offsets, append nothing.
    Duplicate(Duplicate),
}

/// The producers of one partition.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct ProducerStates {
    producers: HashMap<ProducerId, Producer>,
    transactions: Transactions,
    swept: Option<TimestampMs>,
    /// Last marker of the producers that expired.
    forgotten_marker: Option<Offset>,
}

impl ProducerStates {
    /// Judges a batch before it has an offset. Changes nothing.
    ///
    /// # Errors
    /// `OutOfOrderSequence`, `InvalidProducerEpoch`, `InvalidTransactionState`, `CoordinatorFenced`.
    pub(crate) fn check(&self, batch: &ProducedBatch) -> Result<Admission, AppendError> {
        let known = self.producers.get(&batch.producer);
        if let Some(marker) = batch.marker {
            known.map_or(Ok(()), |producer| producer.check_epoch(batch.epoch))?;
            check_coordinator(known, marker.coordinator_epoch)?;
            return Ok(Admission::New);
        }
        // A producer that nobody remembers may begin anywhere: its state expired, or its records are deleted.
        let Some(producer) = known else { return Ok(Admission::New) };
        if let Some(duplicate) = producer.find_duplicate(batch) {
            return Ok(Admission::Duplicate(duplicate));
        }
        producer.check_epoch(batch.epoch)?;
        producer.check_sequence(batch)?;
        if !batch.transactional && self.transactions.is_open(batch.producer) {
            let reason = "a batch outside its producer's open transaction";
            return Err(AppendError::InvalidTransactionState(reason.to_owned()));
        }
        Ok(Admission::New)
    }

    /// Takes a batch into account that now lies at its offset: live after a `check` that said `New`, or in replay.
    pub(crate) fn apply(&mut self, batch: &ProducedBatch) {
        let producer =
            self.producers.entry(batch.producer).or_insert_with(|| Producer::new(batch.epoch));
        producer.apply(batch);
        match batch.marker {
            Some(marker) => self.transactions.end(batch.producer, marker.result, batch.base_offset),
            None if batch.transactional => {
                self.transactions.begin(batch.producer, batch.base_offset);
            }
            None => {}
        }
    }

    /// First offset of the oldest open transaction.
    #[cfg(test)]
    pub(crate) fn first_open_offset(&self) -> Option<Offset> {
        self.transactions.first_open_offset()
    }

    /// End of what `read_committed` consumers may see: the first open transaction, or the high watermark. A transaction
    /// whose marker lies at or beyond `high_watermark` counts as open.
    pub(crate) fn last_stable_offset(&self, high_watermark: Offset) -> Offset {
        self.transactions.last_stable_offset(high_watermark)
    }

    /// Says that no [`ProducerStates::last_stable_offset`] below `offset` will be asked for any more (the durable offset):
    /// what was only kept for those is forgotten.
    pub(crate) fn settle(&mut self, offset: Offset) {
        self.transactions.settle(offset);
    }

    /// Transactions aborted by markers that were applied here, that reach into `from..to`; by first offset.
    pub(crate) fn aborted_between(&self, from: Offset, to: Offset) -> Vec<Aborted> {
        self.transactions.aborted_between(from, to)
    }

    /// Forgets aborted transactions that end below `offset`: nobody reads there any more, or the index names them.
    pub(crate) fn forget_aborted_before(&mut self, offset: Offset) {
        self.transactions.forget_aborted_before(offset);
    }

    /// Forgets producers that were silent for `expiration_ms` and have no open transaction: their next batch finds "no state"
    /// and is accepted with any sequence. Answers how many.
    ///
    /// Silence is measured between sweeps, not by the batches' timestamps: those are the producers' own, and a backfill of
    /// last year's records would lose its duplicates at once.
    pub(crate) fn expire(&mut self, now: TimestampMs, expiration_ms: u64) -> usize {
        self.swept = Some(now);
        let before = self.producers.len();
        let Self { producers, transactions, forgotten_marker, .. } = self;
        producers.retain(|id, producer| {
            let silence_ms = producer.silence_ms(now);
            let stays = transactions.is_open(*id) || silence_ms < expiration_ms;
            if !stays {
                *forgotten_marker = (*forgotten_marker).max(producer.last_marker);
            }
            stays
        });
        before - self.producers.len()
    }

    /// The newest epoch of a producer that is remembered.
    pub(crate) fn epoch_of(&self, producer: ProducerId) -> Option<ProducerEpoch> {
        self.producers.get(&producer).map(|known| known.epoch)
    }

    /// How many producers are remembered.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.producers.len()
    }
}

/// Refuses what a coordinator sends whose slot has a newer owner. Before its first marker a producer is at epoch -1, as in Kafka.
fn check_coordinator(known: Option<&Producer>, got: i32) -> Result<(), AppendError> {
    let current = known.and_then(|producer| producer.coordinator_epoch).unwrap_or(-1);
    if got < current {
        return Err(AppendError::CoordinatorFenced { current, got });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
