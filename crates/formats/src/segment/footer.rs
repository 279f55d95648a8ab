//! [`Footer`]: a segment's table of contents.

use super::{Extension, SegmentAuthor, SegmentError, Slice, VERSION, checked_count};
use crate::layout::{Fields, is_sealed};
use crate::trailer;
use model::PartitionId;
use std::ops::Range;

const MAGIC: [u8; 4] = *b"ALVF";
pub(super) const TRAILER_MAGIC: [u8; 8] = *b"ALVSGEND";
const SMALLEST_SLICE_BYTES: usize = 88;

/// Length of the trailer, the object's last bytes: read these to find a footer that metadata does not locate.
pub const TRAILER_BYTES: usize = trailer::BYTES;

/// What is in a segment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Footer {
    /// Ascending by partition, then by offset: one slice per partition, or in a gathered segment one for each commit.
    pub slices: Vec<Slice>,
    /// Tagged fields.
    pub extensions: Vec<Extension>,
}

impl Footer {
    /// Bytes of all slices' batches.
    pub fn slice_bytes(&self) -> u64 {
        self.slices.iter().map(Slice::size_bytes).sum()
    }

    /// The partition's slice: its first, in a gathered segment.
    pub fn slice(&self, partition: PartitionId) -> Option<&Slice> {
        self.slices_of(partition).first()
    }

    /// The partition's slices, in offset order.
    pub fn slices_of(&self, partition: PartitionId) -> &[Slice] {
        let from = self.slices.partition_point(|slice| slice.partition < partition);
        let to = self.slices.partition_point(|slice| slice.partition <= partition);
        self.slices.get(from..to).unwrap_or_default()
    }

    /// Who wrote the segment, if it says so.
    pub fn author(&self) -> Option<SegmentAuthor> {
        self.extensions.iter().find_map(Extension::as_author)
    }

    /// Lays the footer out, checksum included.
    pub fn encode(&self) -> Vec<u8> {
        let mut output = Vec::new();
        output.extend_from_slice(&MAGIC);
        output.extend_from_slice(&VERSION.to_le_bytes());
        output.extend_from_slice(&[0; 2]);
        output.extend_from_slice(&(self.slices.len() as u32).to_le_bytes());
        output.extend_from_slice(&(self.extensions.len() as u32).to_le_bytes());
        for slice in &self.slices {
            slice.encode(&mut output);
        }
        Extension::put_all(&mut output, &self.extensions);
        let checksum = crate::crc32c::checksum(&output);
        output.extend_from_slice(&checksum.to_le_bytes());
        output
    }

    /// Reads a footer: exactly these bytes.
    ///
    /// # Errors
    /// [`SegmentError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, SegmentError> {
        if !bytes.starts_with(&MAGIC) {
            return Err(SegmentError::Magic);
        }
        if !is_sealed(bytes) {
            return Err(SegmentError::Checksum);
        }
        let body = bytes.get(MAGIC.len()..bytes.len() - 4).ok_or(SegmentError::Truncated)?;
        Self::decode_body(&mut Fields::new(body))
    }

    fn decode_body(fields: &mut Fields<'_>) -> Result<Self, SegmentError> {
        let version = fields.u16().ok_or(SegmentError::Truncated)?;
        if version != VERSION {
            return Err(SegmentError::Version(version));
        }
        fields.take(2).ok_or(SegmentError::Truncated)?;
        let slice_count = fields.u32().ok_or(SegmentError::Truncated)?;
        let extension_count = fields.u32().ok_or(SegmentError::Truncated)?;
        let mut slices =
            Vec::with_capacity(checked_count(fields, slice_count, SMALLEST_SLICE_BYTES)?);
        for _ in 0..slice_count {
            slices.push(Slice::take(fields)?);
        }
        let extensions = Extension::take_all(fields, extension_count)?;
        if !slices.is_sorted_by(follows) || fields.remaining() > 0 {
            return Err(SegmentError::Field("order or number of slices"));
        }
        Ok(Self { slices, extensions })
    }
}

/// Whether `next` may lie behind `one` in a segment.
fn follows(one: &Slice, next: &Slice) -> bool {
    one.partition < next.partition
        || (one.partition == next.partition && one.end_offset <= next.base_offset)
}

/// Where the footer lies, from the object's last [`TRAILER_BYTES`] bytes (or more of its end).
///
/// # Errors
/// [`SegmentError`].
pub fn footer_range(object_end: &[u8]) -> Result<Range<u64>, SegmentError> {
    match trailer::decode(TRAILER_MAGIC, object_end) {
        Some((VERSION, range)) => Ok(range),
        Some((version, _)) => Err(SegmentError::Version(version)),
        None => Err(SegmentError::Magic),
    }
}
