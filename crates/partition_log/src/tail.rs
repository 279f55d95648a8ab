//! The newest batches of a partition, in memory: what fetches near the end are answered from.
//!
//! Batches lie in offset order without gaps. They stay until they are committed and the memory budget asks for room
//! ([`Tail::evict`]); what is not committed is never evicted. Bytes are shared with the WAL and the upload, not copied.

use bytes::Bytes;
use model::{Offset, TimestampMs};

/// One batch, with its offset and epoch patched in.
#[derive(Clone, Debug)]
pub(crate) struct TailBatch {
    /// Its first offset.
    pub(crate) base_offset: Offset,
    /// The offset after its last.
    pub(crate) end_offset: Offset,
    /// Its header's largest timestamp.
    pub(crate) max_timestamp: TimestampMs,
    /// The whole batch.
    pub(crate) bytes: Bytes,
}

/// What a read of the tail found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct TailRead {
    /// Whole batches in offset order.
    pub(crate) batches: Vec<Bytes>,
    /// Their bytes.
    pub(crate) bytes: usize,
    /// The offset to go on from; the `from` of the read when nothing was found.
    pub(crate) next: Offset,
}

/// The tail.
#[derive(Debug)]
pub(crate) struct Tail {}

impl Tail {
    /// An empty tail of a log that ends at `log_end`.
    pub(crate) fn new(_log_end: Offset) -> Self {
        todo!()
    }

    /// Appends a batch, which must start where the tail ends.
    pub(crate) fn push(&mut self, _batch: TailBatch) {
        todo!()
    }

    /// First offset held; the end when empty.
    pub(crate) fn start(&self) -> Offset {
        todo!()
    }

    /// The offset after the last held: the log's end.
    pub(crate) fn end(&self) -> Offset {
        todo!()
    }

    /// Bytes held, as accounted to the memory budget.
    pub(crate) fn bytes(&self) -> u64 {
        todo!()
    }

    /// Reads the batches of `from..to` up to `max_bytes`, at least one if `at_least_one` (KIP-74). A batch that contains
    /// `from` is included whole; one that reaches beyond `to` is not. `None` when `from` lies before the tail: read objects.
    pub(crate) fn read(
        &self,
        _from: Offset,
        _to: Offset,
        _max_bytes: usize,
        _at_least_one: bool,
    ) -> Option<TailRead> {
        todo!()
    }

    /// Bytes of the batches of `from..to` that are held, without reading them.
    pub(crate) fn bytes_between(&self, _from: Offset, _to: Offset) -> u64 {
        todo!()
    }

    /// The batches of `from..to`, for flushes and lookups by time.
    pub(crate) fn batches(&self, _from: Offset, _to: Offset) -> impl Iterator<Item = &TailBatch> {
        std::iter::empty()
    }

    /// Drops oldest batches that end at or below `committed` until at most `keep_bytes` are held. Answers the bytes freed.
    pub(crate) fn evict(&mut self, _committed: Offset, _keep_bytes: u64) -> u64 {
        todo!()
    }

    /// Drops batches at or beyond `end`: they will never be committed. Answers the bytes freed.
    pub(crate) fn truncate(&mut self, _end: Offset) -> u64 {
        todo!()
    }
}
