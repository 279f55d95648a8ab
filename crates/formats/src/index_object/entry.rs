//! [`IndexedSlice`]: one entry of a partition's run.

use super::IndexError;
use crate::layout::{Fields, is_sealed};
use crate::segment::Slice;
use model::SessionId;

/// Length of the part before the object's name.
const HEAD_BYTES: usize = 32;
const CHECKSUM_BYTES: usize = 4;

/// A slice, and the segment it lies in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IndexedSlice {
    /// Name of the segment object.
    pub object: String,
    /// The session that committed it.
    pub session: SessionId,
    /// Its commit.
    pub seq: u64,
    /// What the segment's footer says of the partition.
    pub slice: Slice,
}

impl IndexedSlice {
    /// Appends the layout of an entry.
    pub(super) fn encode(
        output: &mut Vec<u8>,
        object: &str,
        session: SessionId,
        seq: u64,
        slice: &Slice,
    ) -> Result<(), IndexError> {
        let name_bytes = u16::try_from(object.len()).map_err(|_| IndexError::Field("name"))?;
        let mut entry = vec![0; 4];
        entry.extend_from_slice(&name_bytes.to_le_bytes());
        entry.extend_from_slice(&[0; 2]);
        entry.extend_from_slice(session.as_bytes());
        entry.extend_from_slice(&seq.to_le_bytes());
        entry.extend_from_slice(object.as_bytes());
        slice.encode(&mut entry);
        let length = u32::try_from(entry.len() + CHECKSUM_BYTES)
            .map_err(|_| IndexError::Field("entry length"))?;
        if let Some(place) = entry.first_chunk_mut() {
            *place = length.to_le_bytes();
        }
        output.extend_from_slice(&entry);
        output.extend_from_slice(&crate::crc32c::checksum(&entry).to_le_bytes());
        Ok(())
    }

    /// Reads one entry, of exactly these bytes.
    fn decode(entry: &[u8]) -> Result<Self, IndexError> {
        if !is_sealed(entry) {
            return Err(IndexError::Checksum);
        }
        let body = entry.len().checked_sub(CHECKSUM_BYTES).and_then(|end| entry.get(..end));
        let mut fields = Fields::new(body.ok_or(IndexError::Truncated)?);
        let (object, session, seq) =
            Self::take_head(&mut fields).ok_or(IndexError::Field("entry"))?;
        let slice = Slice::take(&mut fields)?;
        if fields.remaining() > 0 {
            return Err(IndexError::Field("entry length"));
        }
        Ok(Self { object, session, seq, slice })
    }

    fn take_head(fields: &mut Fields<'_>) -> Option<(String, SessionId, u64)> {
        fields.take(4)?;
        let name_bytes = fields.u16()?;
        fields.take(2)?;
        let session = SessionId::from_bytes(fields.array()?);
        let seq = fields.u64()?;
        let object = str::from_utf8(fields.take(name_bytes.into())?).ok()?;
        Some((object.to_owned(), session, seq))
    }
}

/// Reads a partition's run: the bytes that the directory names, or runs joined. All entries are of one partition,
/// and their offsets ascend.
///
/// # Errors
/// [`IndexError`].
pub fn decode_partition(run: &[u8]) -> Result<Vec<IndexedSlice>, IndexError> {
    let mut slices: Vec<IndexedSlice> = Vec::new();
    let mut rest = run;
    while !rest.is_empty() {
        let length = rest.first_chunk().ok_or(IndexError::Truncated)?;
        let length = u32::from_le_bytes(*length) as usize;
        if length < HEAD_BYTES + CHECKSUM_BYTES {
            return Err(IndexError::Field("entry length"));
        }
        let (entry, after) = rest.split_at_checked(length).ok_or(IndexError::Truncated)?;
        let indexed = IndexedSlice::decode(entry)?;
        if slices.last().is_some_and(|last| !follows(&last.slice, &indexed.slice)) {
            return Err(IndexError::Field("order of entries"));
        }
        slices.push(indexed);
        rest = after;
    }
    Ok(slices)
}

fn follows(last: &Slice, next: &Slice) -> bool {
    last.partition == next.partition && last.end_offset <= next.base_offset
}
