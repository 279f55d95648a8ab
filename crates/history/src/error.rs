//! Why something is no history.

/// A file that is no history.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// It can't be read.
    #[error("line {line}: {source}")]
    Io {
        /// Counted from 1.
        line: u64,
        /// Why not.
        source: std::io::Error,
    },
    /// A line is no JSON of the format.
    #[error("line {line}: {source}")]
    Malformed {
        /// Counted from 1.
        line: u64,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// A line of more than 16 MiB.
    #[error("line {line} is longer than 16 MiB")]
    LongLine {
        /// Counted from 1.
        line: u64,
    },
    /// The first line, which states the conditions, is missing.
    #[error("the history is empty: its first line states the conditions")]
    Empty,
    /// A format of another version.
    #[error("the history has format {found}; this version reads format {known}")]
    UnknownVersion {
        /// In the file.
        found: u32,
        /// By this crate.
        known: u32,
    },
    /// Two operations have one number, or one ends twice.
    #[error("operation {id} begins or ends twice")]
    Repeated {
        /// The operation.
        id: u64,
    },
    /// A completion comes without an invocation before it.
    #[error("operation {id} ends but never began")]
    NeverBegan {
        /// The operation.
        id: u64,
    },
    /// A completion is not of the same kind or process, is earlier, or has other records than the invocation.
    #[error("operation {id} ends as something else than it began")]
    Contradiction {
        /// The operation.
        id: u64,
    },
    /// A value was sent twice to a partition, so that nobody can tell them apart.
    #[error("value {value} is sent to {partition} twice: values must be unique")]
    SentTwice {
        /// Where.
        partition: String,
        /// Which.
        value: u64,
    },
}
