//! What a partition remembers of its producers: duplicates, sequences, epochs, open transactions (KIP-98, KIP-360).
//!
//! Checking and applying are separate, so that an append that fails in between changes nothing: the sequencer calls
//! [`ProducerStates::check`], then, once the batch has its place, [`ProducerStates::apply`]. State is that of what was
//! *enqueued*, not of what is durable: five requests in flight are admitted while their uploads are pending. The same `apply`
//! rebuilds the state from segment footers and WAL frames, so replay and live agree by construction.

mod produced_batch;
mod producer;
mod snapshot;
mod transactions;

pub(crate) use produced_batch::{Marker, ProducedBatch};
pub(crate) use producer::Duplicate;
pub(crate) use transactions::Aborted;

use crate::AppendError;
use formats::metadata::ProducerSnapshot;
use model::{Offset, TimestampMs};

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
pub(crate) struct ProducerStates {}

impl ProducerStates {
    /// Judges a batch before it has an offset. Changes nothing.
    ///
    /// # Errors
    /// `OutOfOrderSequence`, `InvalidProducerEpoch`, `InvalidTransactionState`.
    pub(crate) fn check(&self, _batch: &ProducedBatch) -> Result<Admission, AppendError> {
        todo!()
    }

    /// Takes a batch into account that now lies at its offset. Live after a `check` that said `New`, or in replay.
    /// Batches without a producer change nothing.
    pub(crate) fn apply(&mut self, _batch: &ProducedBatch) {
        todo!()
    }

    /// First offset of the oldest open transaction.
    pub(crate) fn first_open_offset(&self) -> Option<Offset> {
        todo!()
    }

    /// End of what `read_committed` consumers may see: the first open transaction, or the high watermark. A transaction
    /// whose marker lies at or beyond `high_watermark` counts as open.
    pub(crate) fn last_stable_offset(&self, _high_watermark: Offset) -> Offset {
        todo!()
    }

    /// Transactions aborted by markers that were applied here, that reach into `from..to`; by first offset.
    pub(crate) fn aborted_between(&self, _from: Offset, _to: Offset) -> Vec<Aborted> {
        todo!()
    }

    /// Notes an aborted transaction that a segment's footer names.
    pub(crate) fn note_aborted(&mut self, _aborted: Aborted) {
        todo!()
    }

    /// Forgets aborted transactions that end below `log_start`.
    pub(crate) fn forget_aborted_before(&mut self, _log_start: Offset) {
        todo!()
    }

    /// Forgets producers that were silent for `expiration_ms` and have no open transaction: their next batch finds "no state"
    /// and is accepted with any sequence. Answers how many.
    pub(crate) fn expire(&mut self, _now: TimestampMs, _expiration_ms: u64) -> usize {
        todo!()
    }

    /// How many producers are remembered.
    pub(crate) fn len(&self) -> usize {
        todo!()
    }

    /// The state as a manifest keeps it. Aborted transactions are not in it: footers have them.
    pub(crate) fn to_snapshot(&self) -> ProducerSnapshot {
        todo!()
    }

    /// Reads a snapshot back; `None` when values are not Kafka's: damage.
    pub(crate) fn from_snapshot(_snapshot: &ProducerSnapshot) -> Option<Self> {
        todo!()
    }
}
