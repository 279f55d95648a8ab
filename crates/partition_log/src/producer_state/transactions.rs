//! Transactions of one partition: which are open, which were aborted.

use model::{Offset, ProducerId};

/// An aborted transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Aborted {
    /// Its producer.
    pub(crate) producer: ProducerId,
    /// Its first offset here.
    pub(crate) first_offset: Offset,
    /// Offset of its abort marker.
    pub(crate) last_offset: Offset,
}
