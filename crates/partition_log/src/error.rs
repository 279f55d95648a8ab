//! Why a log refuses, by what the caller does about it.

use model::{LeaderEpoch, Offset};

/// An append that was refused, or whose wait ended badly.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum AppendError {
    /// This broker does not own the partition (any more).
    #[error("this broker does not own the partition")]
    NotOwner,
    /// Owned, and still being opened or sealed for a move; retriable.
    #[error("the partition is opening or moving; try again")]
    NotReady,
    /// The bytes are damaged: CRC, lengths.
    #[error("corrupt batch: {0}")]
    CorruptBatch(String),
    /// The batch breaks a rule of Kafka's (magic, counts, control batch, null key on a compacted topic …).
    #[error("invalid record: {reason}")]
    InvalidRecord {
        /// The rule.
        reason: String,
        /// Position of the offending record in the batch, when one is to blame.
        record: Option<u32>,
    },
    /// Larger than `max.message.bytes`.
    #[error("batch of {size} bytes exceeds max.message.bytes={limit}")]
    TooLarge {
        /// Bytes of the batch.
        size: usize,
        /// The limit in force.
        limit: u32,
    },
    /// A record's time lies outside the topic's window.
    #[error("timestamp {timestamp_ms} is outside the topic's window")]
    InvalidTimestamp {
        /// The offending time.
        timestamp_ms: i64,
        /// Its record.
        record: Option<u32>,
    },
    /// A compression codec that is unknown.
    #[error("unsupported compression type {0}")]
    UnsupportedCompression(u8),
    /// Sequence number out of order (KIP-98).
    #[error("out of order sequence: expected {expected}, got {got}")]
    OutOfOrderSequence {
        /// The next sequence.
        expected: i64,
        /// The one sent.
        got: i32,
    },
    /// The producer's epoch is older than the newest seen.
    #[error("producer epoch {got} is fenced by {current}")]
    InvalidProducerEpoch {
        /// The newest.
        current: u16,
        /// The one sent.
        got: u16,
    },
    /// Transactional rules (KIP-98, KIP-890).
    #[error("invalid transaction state: {0}")]
    InvalidTransactionState(String),
    /// A marker of a coordinator whose slot has a newer owner.
    #[error("coordinator epoch {got} is fenced by {current}")]
    CoordinatorFenced {
        /// The newest.
        current: i32,
        /// The one sent.
        got: i32,
    },
    /// The WAL or the memory budget is full; retriable, with throttling.
    #[error("the broker's buffers are full: {0}")]
    Overloaded(String),
    /// The WAL failed.
    #[error("storage failed: {0}")]
    Storage(String),
    /// The broker is stopping.
    #[error("the broker is stopping")]
    Stopping,
}

/// A read that was refused.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ReadError {
    /// This broker does not own the partition (any more).
    #[error("this broker does not own the partition")]
    NotOwner,
    /// Owned, and still being opened; retriable.
    #[error("the partition is opening; try again")]
    NotReady,
    /// Outside `log_start..=high watermark` (or log end).
    #[error("offset {offset} is outside {log_start}..={end}")]
    OffsetOutOfRange {
        /// Asked for.
        offset: Offset,
        /// First there is.
        log_start: Offset,
        /// End.
        end: Offset,
    },
    /// The caller's epoch is older than the partition's.
    #[error("leader epoch {got} is fenced by {current}")]
    FencedEpoch {
        /// The partition's.
        current: LeaderEpoch,
        /// The caller's.
        got: LeaderEpoch,
    },
    /// The caller's epoch is newer than the partition's.
    #[error("leader epoch {got} is unknown, this broker is at {current}")]
    UnknownEpoch {
        /// The partition's.
        current: LeaderEpoch,
        /// The caller's.
        got: LeaderEpoch,
    },
    /// Object storage did not answer; retriable.
    #[error("object storage is unavailable: {0}")]
    Unavailable(String),
    /// Stored bytes are damaged or missing.
    #[error("offsets {from}..{to} are damaged in object {object}: {reason}")]
    Damaged {
        /// First offset that can't be read.
        from: Offset,
        /// End of the damage.
        to: Offset,
        /// Where.
        object: String,
        /// What is wrong.
        reason: String,
    },
}

/// A management operation that failed.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum LogError {
    /// Opening, committing, deleting records: the stores did not answer; retriable.
    #[error("{0}")]
    Unavailable(String),
    /// Metadata and objects disagree in a way that no fault explains: stop and look.
    #[error("{0}")]
    Inconsistent(String),
    /// The session ended.
    #[error("the broker's session ended")]
    SessionLost,
    /// As for reads.
    #[error(transparent)]
    Read(#[from] ReadError),
}
