//! Why there is no cache on disk, each with what to do about it.

use std::{io, time::Duration};

/// A directory that can't be the cache's.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It can't be made, listed, read or written.
    #[error("{directory}: {source}; give cache.dir a directory that this user can write")]
    Directory {
        /// Which.
        directory: String,
        /// The operating system's reason.
        source: io::Error,
    },
    /// Another process has it.
    #[error("{0} is in use by another process; give each broker a cache.dir of its own")]
    Locked(String),
    /// The disk has no room for what is to be reserved.
    #[error(
        "{directory} has {free_bytes} bytes free, and {missing_bytes} are to be reserved beside {left_free_bytes} for others; make cache.max.bytes smaller, or put cache.dir on another disk"
    )]
    NoRoom {
        /// Which.
        directory: String,
        /// Bytes free on its file system.
        free_bytes: u64,
        /// Bytes of the capacity that are not reserved yet.
        missing_bytes: u64,
        /// Bytes that must stay free.
        left_free_bytes: u64,
    },
    /// Less than [`crate::CAPACITY_MIN_BYTES`].
    #[error("{0} bytes are too few; make cache.max.bytes larger")]
    TooSmall(u64),
    /// The disk does not answer.
    #[error(
        "{directory} was not read within {patience:?}; look at the disk, or put cache.dir on another one"
    )]
    TooSlow {
        /// Which.
        directory: String,
        /// How long was waited.
        patience: Duration,
    },
    /// What lies there can't be taken up.
    #[error("{directory}: {reason}; delete the directory, it is only a cache")]
    Unusable {
        /// Which.
        directory: String,
        /// Why.
        reason: String,
    },
}
