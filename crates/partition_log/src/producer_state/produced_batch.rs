//! [`ProducedBatch`]: the facts of a batch that producer state rests on.

use formats::record_batch::EndTransactionMarker;
use model::{Offset, ProducerEpoch, ProducerId, TimestampMs};

/// A batch of a producer that has an id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ProducedBatch {
    /// Who.
    pub(crate) producer: ProducerId,
    /// Its epoch.
    pub(crate) epoch: ProducerEpoch,
    /// Sequence of the first record; meaningless for a marker.
    pub(crate) first_sequence: u32,
    /// Records less one.
    pub(crate) last_offset_delta: u32,
    /// Where it lies, or (in `check`) will lie.
    pub(crate) base_offset: Offset,
    /// Its largest timestamp.
    pub(crate) timestamp: TimestampMs,
    /// Whether it belongs to a transaction.
    pub(crate) transactional: bool,
    /// Set for control batches: the transaction they end.
    pub(crate) marker: Option<EndTransactionMarker>,
}

/// Sequence numbers go from 0 to `i32::MAX` and start over.
const SEQUENCES: u64 = 1 << 31;

/// The sequence number `steps` after `sequence`.
pub(super) const fn sequence_after(sequence: u32, steps: u32) -> u32 {
    ((sequence as u64 + steps as u64) % SEQUENCES) as u32
}

impl ProducedBatch {
    /// Sequence of the last record.
    pub(super) const fn last_sequence(&self) -> u32 {
        sequence_after(self.first_sequence, self.last_offset_delta)
    }

    /// Offset of the last record.
    pub(super) const fn last_offset(&self) -> Offset {
        self.base_offset.plus(self.last_offset_delta as u64)
    }
}
