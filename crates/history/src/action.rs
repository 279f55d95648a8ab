//! What a client does, as a line of a history tells it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Sent records by partition: offset where it is known, and value.
pub type SentRecords = BTreeMap<String, Vec<(Option<u64>, u64)>>;
/// Polled records by partition, in the order in which they came: offset and value.
pub type PolledRecords = BTreeMap<String, Vec<(u64, u64)>>;

/// An operation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Action {
    /// Sends records; those of one partition in this order.
    Send {
        /// An `ok` repeats what the invocation had, with offsets.
        records: SentRecords,
    },
    /// Asks for records; the completion has them.
    Poll {
        /// Empty in an invocation.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        records: PolledRecords,
    },
    /// Begins a transaction: what the process sends and polls until it ends belongs to it.
    Begin,
    /// Commits the transaction.
    Commit,
    /// Aborts the transaction.
    Abort,
    /// Takes partitions without a group.
    Assign {
        /// All that the consumer reads from now on.
        partitions: Vec<String>,
    },
    /// Joins a group for topics.
    Subscribe {
        /// All that the consumer reads from now on.
        topics: Vec<String>,
    },
    /// The group gave or took partitions.
    Rebalance {
        /// All that the consumer reads from now on.
        partitions: Vec<String>,
    },
    /// Goes on elsewhere in a partition.
    Seek {
        /// Which.
        partition: String,
        /// The next offset to be read; none where the recorder does not know it.
        offset: Option<u64>,
    },
    /// Commits offsets of a group.
    CommitOffsets {
        /// By partition.
        offsets: BTreeMap<String, u64>,
    },
}
