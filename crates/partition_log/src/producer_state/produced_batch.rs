//! [`ProducedBatch`]: the facts of a batch that producer state rests on.

use model::{Offset, ProducerEpoch, ProducerId, TimestampMs};

/// How a control batch ends a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Marker {
    /// Its records count.
    Commit,
    /// They do not.
    Abort,
}

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
    pub(crate) marker: Option<Marker>,
}
