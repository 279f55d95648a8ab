//! [`Output`]: a partition segment under construction.

use crate::{index::IndexRun, produced};
use bytes::Bytes;
use formats::{
    record_batch::BatchHeader,
    segment::{
        AbortedTransaction, MergedRange, Segment, SegmentError, SegmentWriter, Slice, SliceContents,
    },
};
use model::{LeaderEpoch, Offset, PartitionId, SessionId};
use storage::ObjectName;

/// A partition segment is full from this size on.
const SEGMENT_BYTES: u64 = 64 << 20;

/// Takes the batches that stay of one slice after the other.
#[derive(Debug)]
pub(crate) struct Output {
    partition: PartitionId,
    start: Offset,
    end: Offset,
    last_stable_after: Offset,
    epochs: Vec<(LeaderEpoch, Offset)>,
    aborted: Vec<AbortedTransaction>,
    compacted: bool,
    contents: SliceContents,
}

/// A partition segment, ready to be stored.
#[derive(Debug)]
pub(crate) struct LaidOut {
    partition: PartitionId,
    segment: Segment,
}

impl Output {
    /// A segment that begins at `start`, without batches.
    pub(crate) fn new(partition: PartitionId, start: Offset, compacted: bool) -> Self {
        Self {
            partition,
            start,
            end: start,
            last_stable_after: start,
            epochs: Vec::new(),
            aborted: Vec::new(),
            compacted,
            contents: SliceContents::new(),
        }
    }

    /// Bytes of its batches.
    fn size_bytes(&self) -> u64 {
        self.contents.size_bytes()
    }

    /// Whether it is as large as a partition segment should be.
    pub(crate) fn is_full(&self) -> bool {
        self.size_bytes() >= SEGMENT_BYTES
    }

    /// The offset after the last that it stands for.
    pub(crate) fn end(&self) -> Offset {
        self.end
    }

    /// Whether log compaction goes over it.
    pub(crate) fn compacted(&self) -> bool {
        self.compacted
    }

    /// Whether it stands for nothing so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Takes a batch of the present slice.
    ///
    /// # Errors
    /// A sentence, when it is no batch or does not follow the one before.
    pub(crate) fn push(&mut self, batch: Bytes) -> Result<(), String> {
        let header = BatchHeader::parse(&batch).map_err(|error| error.to_string())?;
        let marker = match header.attributes.is_control() {
            true => produced::end_marker(&batch)?,
            false => None,
        };
        self.contents.push(&header, [batch], marker).map_err(|error| error.to_string())
    }

    /// Ends the present slice, of which all batches that stay were pushed, and so do these aborted transactions.
    pub(crate) fn pass(&mut self, slice: &Slice, aborted: Vec<AbortedTransaction>) {
        for &(epoch, start) in &slice.epochs {
            if self.epochs.last().is_none_or(|&(newest, _)| newest < epoch) {
                self.epochs.push((epoch, start.max(self.start)));
            }
        }
        self.aborted.extend(aborted);
        self.last_stable_after = slice.last_stable_after;
        self.end = slice.end_offset;
    }

    /// The segment that follows this one, empty.
    pub(crate) fn next(&self) -> Self {
        Self::new(self.partition, self.end, self.compacted)
    }

    /// Lays it out.
    ///
    /// # Errors
    /// [`SegmentError`], when what was pushed is no slice.
    pub(crate) fn lay_out(self) -> Result<LaidOut, SegmentError> {
        let merged = MergedRange {
            offsets: self.start..self.end,
            epochs: self.epochs,
            last_stable_after: self.last_stable_after,
            aborted: self.aborted,
            compacted: self.compacted,
        };
        let mut writer = SegmentWriter::new();
        writer.push_merged(self.partition, self.contents, merged)?;
        Ok(LaidOut { partition: self.partition, segment: writer.finish() })
    }
}

impl LaidOut {
    /// The object's bytes.
    pub(crate) fn parts(&self) -> Vec<Bytes> {
        self.segment.parts.clone()
    }

    /// Length of the object.
    pub(crate) fn size(&self) -> u64 {
        self.segment.size
    }

    /// How the log lists it, once it is stored as `object` by `session`.
    pub(crate) fn into_run(self, object: ObjectName, session: SessionId) -> Option<IndexRun> {
        let slice = self.segment.footer.slice(self.partition)?;
        let footer = self.segment.footer_offset;
        Some(IndexRun {
            object,
            level: 0,
            bytes: footer..footer + self.segment.footer_bytes.len() as u64,
            base_offset: slice.base_offset,
            end_offset: slice.end_offset,
            size_bytes: slice.size_bytes(),
            max_timestamp: slice.max_timestamp,
            session,
            from_seq: 0,
            through_seq: 0,
        })
    }
}
