//! Reads of batches out of objects: ranged GETs with growing read-ahead, checked, through a small cache.
//!
//! One [`ObjectReader`] serves all partitions of a broker. Blocks are fetched once however many ask (single flight) and
//! kept within a budget in bytes. Every batch is checked (CRC, offsets) before it leaves.
//!
//! Use: take the entries of [`crate::index::LogIndex::entries_from`] under the partition's lock (clone a few), then call
//! [`ObjectReader::read`] outside of it. On [`ObjectReadError::Missing`] read the metadata again; only an object that is
//! still named then is damage.

use crate::index::{IndexEntry, IndexRun, SegmentSlice};
use bytes::Bytes;
use model::{LeaderEpoch, Offset, PartitionId, TimestampMs};
use std::sync::Arc;
use storage::{ObjectName, Objects};

/// Why objects could not be read.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum ObjectReadError {
    /// The object is gone: the caller's list may be old.
    #[error("object {0} is missing")]
    Missing(ObjectName),
    /// The store did not answer; retriable.
    #[error("{0}")]
    Unavailable(String),
    /// The bytes are not what the index says.
    #[error("offsets {from}..{to} are damaged in object {object}: {reason}")]
    Damaged {
        /// First offset that can't be read.
        from: Offset,
        /// End of the damage.
        to: Offset,
        /// Where.
        object: ObjectName,
        /// What is wrong.
        reason: String,
    },
}

/// What a read wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ObjectReadRequest {
    /// Which log.
    pub(crate) partition: PartitionId,
    /// First offset; the batch that contains it is returned whole.
    pub(crate) from: Offset,
    /// Batches that reach beyond are left out.
    pub(crate) to: Offset,
    /// At most so many bytes …
    pub(crate) max_bytes: usize,
    /// … but at least one batch.
    pub(crate) at_least_one: bool,
}

/// What it found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ObjectRead {
    /// Whole batches in offset order; each element holds one or more.
    pub(crate) batches: Vec<Bytes>,
    /// Their bytes.
    pub(crate) bytes: usize,
    /// The offset to go on from.
    pub(crate) next: Offset,
    /// Aborted transactions that the slices read name, by first offset.
    pub(crate) aborted: Vec<crate::producer_state::Aborted>,
}

/// A record found by its time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FoundRecord {
    /// Where.
    pub(crate) offset: Offset,
    /// Its time.
    pub(crate) timestamp: TimestampMs,
    /// The epoch of its batch.
    pub(crate) leader_epoch: LeaderEpoch,
}

/// Reads objects. Cheap to clone; clones share the cache.
#[derive(Clone, Debug)]
pub(crate) struct ObjectReader {}

impl ObjectReader {
    /// A reader whose cache holds at most `cache_bytes`.
    pub(crate) fn new(_objects: Objects, _cache_bytes: u64) -> Self {
        todo!()
    }

    /// Reads batches out of `entries`, which are in offset order and start with the one that holds `request.from`.
    ///
    /// # Errors
    /// As [`ObjectReadError`] says.
    pub(crate) async fn read(
        &self,
        _request: ObjectReadRequest,
        _entries: &[IndexEntry],
    ) -> Result<ObjectRead, ObjectReadError> {
        todo!()
    }

    /// Loads the slices of a run, in offset order.
    ///
    /// # Errors
    /// As [`ObjectReadError`] says.
    pub(crate) async fn load_run(
        &self,
        _partition: PartitionId,
        _run: &IndexRun,
    ) -> Result<Arc<Vec<SegmentSlice>>, ObjectReadError> {
        todo!()
    }

    /// The first record (smallest offset) within `from..to` of `entries` at or after `timestamp`.
    ///
    /// # Errors
    /// As [`ObjectReadError`] says.
    pub(crate) async fn find_at_or_after(
        &self,
        _partition: PartitionId,
        _entries: &[IndexEntry],
        _within: std::ops::Range<Offset>,
        _timestamp: TimestampMs,
    ) -> Result<Option<FoundRecord>, ObjectReadError> {
        todo!()
    }

    /// The record of the largest timestamp within `from..to` of `entries`; the first of equals.
    ///
    /// # Errors
    /// As [`ObjectReadError`] says.
    pub(crate) async fn find_maximum(
        &self,
        _partition: PartitionId,
        _entries: &[IndexEntry],
        _within: std::ops::Range<Offset>,
    ) -> Result<Option<FoundRecord>, ObjectReadError> {
        todo!()
    }
}

/// The first record of one batch, within `from..to`, at or after `timestamp`: for lookups in the tail.
///
/// # Errors
/// A sentence, when the batch can't be read.
pub(crate) fn find_in_batch(
    _batch: &Bytes,
    _within: std::ops::Range<Offset>,
    _timestamp: TimestampMs,
) -> Result<Option<FoundRecord>, String> {
    todo!()
}
