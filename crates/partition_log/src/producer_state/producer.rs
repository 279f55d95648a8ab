//! [`Producer`]: the last five batches and the epoch of one producer.

use model::{Offset, TimestampMs};

/// A batch that is in the log already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Duplicate {
    /// Its first offset.
    pub(crate) base_offset: Offset,
    /// Its last offset.
    pub(crate) last_offset: Offset,
    /// Its timestamp: the log-append time, for topics that stamp.
    pub(crate) timestamp: TimestampMs,
}
