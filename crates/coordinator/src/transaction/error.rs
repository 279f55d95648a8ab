//! [`TransactionError`]: what a transactional request is refused with.

use crate::{JournalError, SlotError};

/// A refusal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TransactionError {
    /// The request makes no sense.
    #[error("{0}")]
    InvalidRequest(&'static str),
    /// A time-out of zero, or above `transaction.max.timeout.ms`.
    #[error("the transaction's time-out must be between 1 and transaction.max.timeout.ms")]
    InvalidTimeout,
    /// The transactional id is unknown, or another producer has it.
    #[error("the producer does not have this transactional id")]
    UnknownProducer,
    /// A newer producer has the id.
    #[error("a newer producer has this transactional id")]
    ProducerFenced,
    /// The transaction before is not complete yet; try again.
    #[error("the transaction before is not complete yet")]
    ConcurrentTransactions,
    /// What is asked for can't follow what came before.
    #[error("the transaction is not in a state for this")]
    InvalidState,
    /// The transaction does not go on, or the partition is not part of it: abort it and go on.
    #[error("the partition is not part of a transaction that goes on")]
    Abortable,
    /// More partitions than a transaction can have.
    #[error("a transaction has at most {} partitions", super::PARTITIONS_MAX)]
    TooManyPartitions,
    /// The transactional id does not belong here, or is not loaded yet.
    #[error(transparent)]
    Slot(#[from] SlotError),
    /// The journal takes nothing now.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The metadata store did not answer; try again.
    #[error("the metadata store did not answer in time")]
    Unavailable,
}
