//! Where the durable part of a partition lies: an ordered list of segment slices and of runs in index objects.
//!
//! A commit adds a slice, a fold replaces the slices of its commits by one run, retention prunes from the start. Runs are opened on
//! demand by [`crate::object_read`]. Everything here is pure and in memory.

mod retention;

pub(crate) use retention::{RetentionChoice, choose};

use formats::segment::Slice;
use model::{Offset, SessionId, TimestampMs};
use std::{ops::Range, sync::Arc};
use storage::ObjectName;

/// A partition's slice of one committed segment, decoded.
#[derive(Clone, Debug)]
pub(crate) struct SegmentSlice {
    /// The segment.
    pub(crate) object: ObjectName,
    /// The session that committed it.
    pub(crate) session: SessionId,
    /// Its commit.
    pub(crate) seq: u64,
    /// What the footer says.
    pub(crate) slice: Arc<Slice>,
}

/// A partition's run in an index object: many slices, not decoded yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct IndexRun {
    /// The index object.
    pub(crate) object: ObjectName,
    /// Its level, from 1.
    pub(crate) level: u32,
    /// Where the run lies in it.
    pub(crate) bytes: Range<u64>,
    /// First offset.
    pub(crate) base_offset: Offset,
    /// The offset after the last.
    pub(crate) end_offset: Offset,
    /// Bytes of the batches.
    pub(crate) size_bytes: u64,
    /// Largest timestamp.
    pub(crate) max_timestamp: TimestampMs,
    /// The session whose commits it holds.
    pub(crate) session: SessionId,
    /// First commit.
    pub(crate) from_seq: u64,
    /// Last commit.
    pub(crate) through_seq: u64,
}

/// One element of the list.
#[derive(Clone, Debug)]
pub(crate) enum IndexEntry {
    /// A decoded slice.
    Slice(SegmentSlice),
    /// A run to be loaded on demand.
    Run(IndexRun),
}

impl IndexEntry {
    /// First offset.
    pub(crate) fn base_offset(&self) -> Offset {
        todo!()
    }

    /// The offset after the last.
    pub(crate) fn end_offset(&self) -> Offset {
        todo!()
    }

    /// Bytes of the batches.
    pub(crate) fn size_bytes(&self) -> u64 {
        todo!()
    }

    /// Largest timestamp.
    pub(crate) fn max_timestamp(&self) -> TimestampMs {
        todo!()
    }

    /// The session, and its commits from first through last.
    pub(crate) fn commits(&self) -> (SessionId, u64, u64) {
        todo!()
    }
}

/// An entry that does not fit the list: metadata and objects disagree.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum IndexError {
    /// It does not start where the list ends.
    #[error("offsets {found} follow {expected} in {object}")]
    NotContiguous {
        /// Where the list ends.
        expected: Offset,
        /// Where the entry starts.
        found: Offset,
        /// The entry's object.
        object: ObjectName,
    },
    /// A fold does not cover what it replaces.
    #[error("the fold into {object} covers {run:?}, the slices it replaces cover {slices:?}")]
    FoldMismatch {
        /// The index object.
        object: ObjectName,
        /// Offsets of the run.
        run: Range<u64>,
        /// Offsets of what it replaces.
        slices: Range<u64>,
    },
}

/// The list.
#[derive(Clone, Debug)]
pub(crate) struct LogIndex {}

impl LogIndex {
    /// An empty list of a log whose durable part starts and ends at `start`.
    pub(crate) fn new(_start: Offset) -> Self {
        todo!()
    }

    /// First offset listed (may lie below the log start); the end when empty.
    pub(crate) fn start(&self) -> Offset {
        todo!()
    }

    /// The offset after the last listed: the durable offset.
    pub(crate) fn end(&self) -> Offset {
        todo!()
    }

    /// Bytes of all entries.
    pub(crate) fn size_bytes(&self) -> u64 {
        todo!()
    }

    /// Adds a commit's slice, or at opening a run, which must start where the list ends.
    ///
    /// # Errors
    /// `NotContiguous`.
    pub(crate) fn push(&mut self, _entry: IndexEntry) -> Result<(), IndexError> {
        todo!()
    }

    /// Replaces the entries of the run's commits by the run. Entries pruned meanwhile are no error.
    ///
    /// # Errors
    /// `FoldMismatch`; nothing changed then.
    pub(crate) fn fold(&mut self, _run: IndexRun) -> Result<(), IndexError> {
        todo!()
    }

    /// Drops entries that end at or below `log_start` and answers them.
    pub(crate) fn prune(&mut self, _log_start: Offset) -> Vec<IndexEntry> {
        todo!()
    }

    /// The entries that hold offsets at or beyond `offset`, from the one that contains it.
    pub(crate) fn entries_from(&self, _offset: Offset) -> impl Iterator<Item = &IndexEntry> {
        std::iter::empty()
    }

    /// Every entry, in offset order.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &IndexEntry> {
        std::iter::empty()
    }

    /// The entries of `from..` that may hold a record at or after `timestamp`, in offset order.
    pub(crate) fn entries_at_or_after(
        &self,
        _from: Offset,
        _timestamp: TimestampMs,
    ) -> impl Iterator<Item = &IndexEntry> {
        std::iter::empty()
    }
}
