//! A finding: what was seen that a log should not show, with its evidence.

use std::fmt;

/// What was seen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Anomaly {
    /// An acknowledged record that nobody polled, although polls read higher offsets of its partition.
    LostWrite,
    /// An acknowledged record that nobody polled, and no poll got so far.
    Unseen,
    /// One value at two offsets of a partition.
    Duplicate,
    /// Two values at one offset of a partition.
    InconsistentOffset,
    /// A polled value whose send failed or whose transaction was aborted (G1a).
    AbortedRead,
    /// A value polled before its transaction's commit was asked for.
    PrecommittedRead,
    /// A polled value that nobody sent to that partition.
    UnsentRead,
    /// A consumer passed over a record that another one got.
    PollSkip,
    /// A consumer got an offset below one that it had before.
    NonMonotonicPoll,
    /// A producer's later record got the lower offset.
    NonMonotonicSend,
    /// Transactions wrote before each other in a circle (G0).
    WriteCycle,
    /// Transactions read from each other, or read and wrote before each other, in a circle (G1c).
    ReadCycle,
}

impl Anomaly {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::LostWrite => "lost-write",
            Self::Unseen => "unseen",
            Self::Duplicate => "duplicate",
            Self::InconsistentOffset => "inconsistent-offset",
            Self::AbortedRead => "aborted-read",
            Self::PrecommittedRead => "precommitted-read",
            Self::UnsentRead => "unsent-read",
            Self::PollSkip => "poll-skip",
            Self::NonMonotonicPoll => "nonmonotonic-poll",
            Self::NonMonotonicSend => "nonmonotonic-send",
            Self::WriteCycle => "G0",
            Self::ReadCycle => "G1c",
        }
    }
}

/// Why Kafka permits it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Permission {
    /// A producer that is not idempotent writes twice and out of order when it retries.
    NotIdempotent,
    /// An assignment, a subscription, a rebalance or a seek to an unknown place lay between the polls.
    Repositioned,
    /// A poll between them ended in a way that nobody knows, and may have taken records along.
    PollUnknown,
    /// Nobody is known to have got a record there: markers, aborted records, what was never acknowledged.
    NothingKnownThere,
    /// Compaction takes records.
    Compacted,
    /// The log starts above it: retention, or a request to delete records.
    BelowLogStart,
    /// No poll read the partition there, and the history does not say that somebody read all of it.
    NotReadThere,
    /// Consumers of `read_uncommitted` see what is not committed.
    ReadUncommitted,
    /// Writes of concurrent transactions interleave: Kafka isolates reads from them, not writes from writes.
    WritesInterleave,
}

impl Permission {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotIdempotent => "the producers are not idempotent",
            Self::Repositioned => "the consumer was repositioned in between",
            Self::PollUnknown => "a poll in between ended unknown",
            Self::NothingKnownThere => "nobody got a record there",
            Self::Compacted => "the partition is compacted",
            Self::BelowLogStart => "it is below the log's start",
            Self::NotReadThere => "the partition was not read there",
            Self::ReadUncommitted => "consumers read uncommitted records",
            Self::WritesInterleave => "writes of concurrent transactions interleave",
        }
    }
}

/// An anomaly with its evidence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// What was seen.
    pub anomaly: Anomaly,
    /// Why Kafka permits it; none: it does not.
    pub permission: Option<Permission>,
    /// Where; none where several partitions are meant.
    pub partition: Option<String>,
    /// At which offsets.
    pub offsets: Vec<u64>,
    /// Which values.
    pub values: Vec<u64>,
    /// Numbers of the operations that show it; of cycles: of those that began the transactions.
    pub operations: Vec<u64>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.anomaly.name())?;
        if let Some(partition) = &self.partition {
            write!(f, " in {partition}")?;
        }
        for (name, numbers) in
            [("offsets", &self.offsets), ("values", &self.values), ("operations", &self.operations)]
        {
            if !numbers.is_empty() {
                write!(f, ", {name} {numbers:?}")?;
            }
        }
        self.permission.map_or(Ok(()), |permission| write!(f, " ({})", permission.name()))
    }
}
