//! [`Directory`]: where each partition's run lies in an index object.

use super::{IndexError, VERSION};
use crate::layout::{Fields, Layout, is_sealed};
use crate::segment::checked_count;
use crate::trailer;
use model::{Offset, PartitionId, PartitionIndex, SessionId, TimestampMs, TopicId};
use std::ops::Range;

const MAGIC: [u8; 4] = *b"ALVD";
pub(super) const TRAILER_MAGIC: [u8; 8] = *b"ALVIXEND";
const HEAD_BYTES: usize = 48;

/// Length of the trailer, the object's last bytes: read these to find a directory that metadata does not locate.
pub const TRAILER_BYTES: usize = trailer::BYTES;

/// What is in an index object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Directory {
    /// The session whose commits it holds.
    pub session: SessionId,
    /// 1 for an index of segments, one more than its children's for an index of indexes.
    pub level: u32,
    /// First commit.
    pub from_seq: u64,
    /// Last commit.
    pub through_seq: u64,
    /// One row per partition, ascending by partition.
    pub entries: Vec<DirectoryEntry>,
}

/// One partition's row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DirectoryEntry {
    /// Whose.
    pub partition: PartitionId,
    /// Where its run lies in the object.
    pub bytes: Range<u64>,
    /// How many slices the run has.
    pub slices: u32,
    /// First offset of the run.
    pub base_offset: Offset,
    /// The offset after its last.
    pub end_offset: Offset,
    /// Bytes of the batches that it indexes.
    pub size_bytes: u64,
    /// The largest timestamp of their records.
    pub max_timestamp: TimestampMs,
}

impl Directory {
    /// The partition's row.
    pub fn entry(&self, partition: PartitionId) -> Option<&DirectoryEntry> {
        let index = self.entries.binary_search_by_key(&partition, |entry| entry.partition).ok()?;
        self.entries.get(index)
    }

    /// Lays the directory out, checksum included.
    pub fn encode(&self) -> Vec<u8> {
        let mut head = Layout::<HEAD_BYTES>::new();
        head.put(&MAGIC)
            .put(&VERSION.to_le_bytes())
            .skip(2)
            .put(self.session.as_bytes())
            .put(&self.from_seq.to_le_bytes())
            .put(&self.through_seq.to_le_bytes())
            .put(&self.level.to_le_bytes())
            .put(&(self.entries.len() as u32).to_le_bytes());
        let mut output = head.finish().to_vec();
        for entry in &self.entries {
            output.extend_from_slice(&entry.encode());
        }
        let checksum = crate::crc32c::checksum(&output);
        output.extend_from_slice(&checksum.to_le_bytes());
        output
    }

    fn take(fields: &mut Fields<'_>) -> Option<Self> {
        fields.take(2)?;
        let mut directory = Self {
            session: SessionId::from_bytes(fields.array()?),
            from_seq: fields.u64()?,
            through_seq: fields.u64()?,
            level: fields.u32()?,
            entries: Vec::new(),
        };
        let count = fields.u32()?;
        directory.entries.reserve_exact(checked_count(fields, count, DirectoryEntry::BYTES).ok()?);
        for _ in 0..count {
            directory.entries.push(DirectoryEntry::take(fields)?);
        }
        Some(directory)
    }
}

impl DirectoryEntry {
    const BYTES: usize = 72;

    fn encode(&self) -> [u8; Self::BYTES] {
        let mut layout = Layout::new();
        layout
            .put(self.partition.topic.as_bytes())
            .put(&self.partition.partition.get().to_le_bytes())
            .put(&self.slices.to_le_bytes())
            .put(&self.bytes.start.to_le_bytes())
            .put(&self.bytes.end.saturating_sub(self.bytes.start).to_le_bytes())
            .put(&self.base_offset.get().to_le_bytes())
            .put(&self.end_offset.get().to_le_bytes())
            .put(&self.size_bytes.to_le_bytes())
            .put(&self.max_timestamp.0.to_le_bytes());
        layout.finish()
    }

    fn take(fields: &mut Fields<'_>) -> Option<Self> {
        let topic = TopicId::from_bytes(fields.array()?);
        let partition = PartitionIndex::new(fields.u32()?)?;
        let slices = fields.u32()?;
        let position = fields.u64()?;
        let length = fields.u64()?;
        let entry = Self {
            partition: PartitionId { topic, partition },
            bytes: position..position.checked_add(length)?,
            slices,
            base_offset: Offset::new(fields.u64()?)?,
            end_offset: Offset::new(fields.u64()?)?,
            size_bytes: fields.u64()?,
            max_timestamp: TimestampMs(fields.i64()?),
        };
        (entry.base_offset <= entry.end_offset).then_some(entry)
    }
}

/// Reads a directory: exactly these bytes.
///
/// # Errors
/// [`IndexError`].
pub fn decode_directory(bytes: &[u8]) -> Result<Directory, IndexError> {
    if !bytes.starts_with(&MAGIC) {
        return Err(IndexError::Magic);
    }
    if !is_sealed(bytes) {
        return Err(IndexError::Checksum);
    }
    let body = bytes.get(MAGIC.len()..bytes.len() - 4).ok_or(IndexError::Truncated)?;
    let mut fields = Fields::new(body);
    let version = fields.u16().ok_or(IndexError::Truncated)?;
    if version != VERSION {
        return Err(IndexError::Version(version));
    }
    let directory = Directory::take(&mut fields).ok_or(IndexError::Field("directory"))?;
    let sorted = directory.entries.is_sorted_by(|one, next| one.partition < next.partition);
    if !sorted || fields.remaining() > 0 {
        return Err(IndexError::Field("order or number of partitions"));
    }
    Ok(directory)
}

/// Where the directory lies, from the object's last [`TRAILER_BYTES`] bytes (or more of its end).
///
/// # Errors
/// [`IndexError`].
pub fn directory_range(object_end: &[u8]) -> Result<Range<u64>, IndexError> {
    match trailer::decode(TRAILER_MAGIC, object_end) {
        Some((VERSION, range)) => Ok(range),
        Some((version, _)) => Err(IndexError::Version(version)),
        None => Err(IndexError::Magic),
    }
}
