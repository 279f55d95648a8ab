//! [`TransactionalProducer`]: what a coordinator knows of one transactional id (KIP-98, KIP-360, KIP-890).

use formats::record_batch::TransactionResult;
use model::{PartitionId, ProducerEpoch, ProducerId, TimestampMs};
use std::collections::BTreeSet;

/// Epochs from here on are not raised for a producer: the one above is kept for fencing it (KIP-360).
const LAST_GIVEN_EPOCH: u16 = i16::MAX as u16 - 1;

/// Where a transactional id stands. Kafka's `Dead` has no counterpart: an id that expires is gone at once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TransactionState {
    /// It has a producer, and no transaction yet.
    Empty,
    /// A transaction goes on.
    Ongoing,
    /// It was decided to commit; markers are on their way.
    PrepareCommit,
    /// It was decided to abort; markers are on their way.
    PrepareAbort,
    /// The last transaction was committed, and every partition knows.
    CompleteCommit,
    /// The last transaction was aborted, and every partition knows.
    CompleteAbort,
}

/// What the client that ends a transaction goes by (`transaction.version`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TransactionVersion {
    /// Partitions are added by requests of their own, the epoch stays.
    V1,
    /// KIP-890: the first batch adds its partition, each end raises the epoch.
    V2,
}

/// A transactional id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TransactionalProducer {
    /// The producer that has the id now.
    pub producer: ProducerId,
    /// Its epoch; older ones are fenced.
    pub epoch: ProducerEpoch,
    /// The epoch that was raised by a request whose answer its sender may have missed.
    pub last_epoch: Option<ProducerEpoch>,
    /// The producer before, whose epochs were used up by a request likewise.
    pub previous_producer: Option<ProducerId>,
    /// The producer that takes over once the transaction is complete: the epochs are used up.
    pub next_producer: Option<ProducerId>,
    /// How long a transaction may take, in milliseconds.
    pub timeout_ms: u32,
    /// Where it stands.
    pub state: TransactionState,
    /// Where the transaction that goes on or is being ended wrote.
    pub partitions: BTreeSet<PartitionId>,
    /// When that transaction began, or, once it is complete, the last one.
    pub started: Option<TimestampMs>,
    /// When anything changed last.
    pub updated: TimestampMs,
    /// Whether the end that is being marked raised the epoch, so that no other end bears the same.
    pub epoch_is_its_own: bool,
}

impl TransactionState {
    /// Kafka's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::Ongoing => "Ongoing",
            Self::PrepareCommit => "PrepareCommit",
            Self::PrepareAbort => "PrepareAbort",
            Self::CompleteCommit => "CompleteCommit",
            Self::CompleteAbort => "CompleteAbort",
        }
    }

    /// How the transaction ends, while its markers are on their way.
    pub const fn ending(self) -> Option<TransactionResult> {
        match self {
            Self::PrepareCommit => Some(TransactionResult::Commit),
            Self::PrepareAbort => Some(TransactionResult::Abort),
            _ => None,
        }
    }

    /// How the last transaction ended, once everybody knows.
    pub const fn ended(self) -> Option<TransactionResult> {
        match self {
            Self::CompleteCommit => Some(TransactionResult::Commit),
            Self::CompleteAbort => Some(TransactionResult::Abort),
            _ => None,
        }
    }

    /// Its state while markers of this result are on their way.
    pub const fn preparing(result: TransactionResult) -> Self {
        match result {
            TransactionResult::Commit => Self::PrepareCommit,
            TransactionResult::Abort => Self::PrepareAbort,
        }
    }

    /// Its state once every partition knows of this result.
    pub const fn complete(result: TransactionResult) -> Self {
        match result {
            TransactionResult::Commit => Self::CompleteCommit,
            TransactionResult::Abort => Self::CompleteAbort,
        }
    }
}

impl TransactionalProducer {
    /// A new id, with a producer that nobody had before.
    pub fn new(producer: ProducerId, timeout_ms: u32, now: TimestampMs) -> Self {
        Self {
            producer,
            epoch: FIRST_EPOCH,
            last_epoch: None,
            previous_producer: None,
            next_producer: None,
            timeout_ms,
            state: TransactionState::Empty,
            partitions: BTreeSet::new(),
            started: None,
            updated: now,
            epoch_is_its_own: false,
        }
    }

    /// Whether the epoch can't be raised once more and still be given to a producer.
    pub fn epoch_is_exhausted(&self) -> bool {
        is_exhausted(self.epoch)
    }

    /// The producer and epoch that the client goes on with, once the transaction that is being ended is complete.
    pub fn after_completion(&self) -> (ProducerId, ProducerEpoch) {
        match self.next_producer {
            Some(next) => (next, FIRST_EPOCH),
            None => (self.producer, self.epoch),
        }
    }
}

/// Where a producer's epochs begin.
pub(super) const FIRST_EPOCH: ProducerEpoch = match ProducerEpoch::new(0) {
    Some(epoch) => epoch,
    None => panic!("0 is an epoch"),
};

/// Whether no producer is given an epoch above this one.
pub(super) fn is_exhausted(epoch: ProducerEpoch) -> bool {
    epoch.get() >= LAST_GIVEN_EPOCH
}

/// The epoch above; the largest stays, and fences nobody any more.
pub(super) fn raised(epoch: ProducerEpoch) -> ProducerEpoch {
    ProducerEpoch::new(epoch.get() + 1).unwrap_or(epoch)
}
