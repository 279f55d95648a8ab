//! [`Extension`]: a tagged field behind the fixed ones; readers keep and skip tags that they do not know.

use super::{SegmentError, checked_count};
use crate::layout::Fields;
use crate::metadata::Reference;
use bytes::Bytes;
use model::{Offset, PartitionId, PartitionIndex, TopicId, WalId};
use prost::Message as _;

/// Tag and length.
const HEAD_BYTES: usize = 8;

/// A tagged field of a slice or a footer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Extension {
    /// What it is. Tags are never used again for something else.
    pub tag: u32,
    /// Its bytes.
    pub value: Bytes,
}

/// The log that a slice was written for, when another log refers to it too.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Origin {
    /// The log it was written for.
    pub partition: PartitionId,
    /// The offset in that log of the slice's first offset.
    pub base_offset: Offset,
}

/// Who wrote a segment, and what it knew by then of its own commits. Recovery from the bucket alone goes by it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SegmentAuthor {
    /// The WAL that the batches came through.
    pub wal: WalId,
    /// Create revision of the session's key: of two sessions of one generation, the later has the larger.
    pub session_revision: u64,
    /// Commits of the session up to this one were known to have succeeded.
    pub committed_through: u64,
}

impl Extension {
    /// Tag of a [`Reference`] to the producer state as of the slice's end, as `metadata::ProducerSnapshot`.
    pub const PRODUCER_SNAPSHOT: u32 = 1;
    /// Tag of an [`Origin`].
    pub const ORIGIN: u32 = 2;
    /// Tag of a [`SegmentAuthor`], of a footer.
    pub const AUTHOR: u32 = 3;

    /// Refers to a snapshot of producer state.
    pub fn producer_snapshot(reference: &Reference) -> Self {
        Self { tag: Self::PRODUCER_SNAPSHOT, value: reference.encode_to_vec().into() }
    }

    /// Names an origin.
    pub fn origin(origin: &Origin) -> Self {
        let mut value = origin.partition.topic.as_bytes().to_vec();
        value.extend_from_slice(&origin.partition.partition.get().to_le_bytes());
        value.extend_from_slice(&origin.base_offset.get().to_le_bytes());
        Self { tag: Self::ORIGIN, value: value.into() }
    }

    /// Names who wrote the segment.
    pub fn author(author: &SegmentAuthor) -> Self {
        let mut value = author.wal.as_bytes().to_vec();
        value.extend_from_slice(&author.session_revision.to_le_bytes());
        value.extend_from_slice(&author.committed_through.to_le_bytes());
        Self { tag: Self::AUTHOR, value: value.into() }
    }

    /// The author, if this is one.
    pub fn as_author(&self) -> Option<SegmentAuthor> {
        let mut fields = Fields::new(&self.value);
        (self.tag == Self::AUTHOR).then(|| {
            let wal = WalId::from_bytes(fields.array()?);
            let (session_revision, committed_through) = (fields.u64()?, fields.u64()?);
            Some(SegmentAuthor { wal, session_revision, committed_through })
        })?
    }

    /// The reference, if this is one.
    pub fn as_producer_snapshot(&self) -> Option<Reference> {
        (self.tag == Self::PRODUCER_SNAPSHOT)
            .then(|| Reference::decode(self.value.clone()).ok())
            .flatten()
    }

    /// The origin, if this is one.
    pub fn as_origin(&self) -> Option<Origin> {
        let mut fields = Fields::new(&self.value);
        (self.tag == Self::ORIGIN).then(|| {
            let topic = TopicId::from_bytes(fields.array()?);
            let partition = PartitionIndex::new(fields.u32()?)?;
            let base_offset = Offset::new(fields.u64()?)?;
            Some(Origin { partition: PartitionId { topic, partition }, base_offset })
        })?
    }

    /// Appends all of `extensions`.
    pub(super) fn put_all(output: &mut Vec<u8>, extensions: &[Self]) {
        for extension in extensions {
            output.extend_from_slice(&extension.tag.to_le_bytes());
            output.extend_from_slice(&(extension.value.len() as u32).to_le_bytes());
            output.extend_from_slice(&extension.value);
        }
    }

    /// Reads `count` extensions.
    pub(super) fn take_all(fields: &mut Fields<'_>, count: u32) -> Result<Vec<Self>, SegmentError> {
        let count = checked_count(fields, count, HEAD_BYTES)?;
        let read = (0..count).map(|_| {
            let tag = fields.u32()?;
            let length = fields.u32()? as usize;
            Some(Self { tag, value: Bytes::copy_from_slice(fields.take(length)?) })
        });
        read.collect::<Option<_>>().ok_or(SegmentError::Truncated)
    }
}
