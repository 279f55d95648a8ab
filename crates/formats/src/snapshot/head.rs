//! The head: which cluster and revision a snapshot is of, and its parts.

use super::SnapshotError;
use crate::{layout::is_sealed, metadata::SnapshotHead};
use bytes::Bytes;
use prost::Message as _;

/// The format that is written, and the highest that is read.
const FORMAT: u32 = 1;

/// Lays a head out, checksum included. Its format is that of this program.
pub fn encode_head(head: &SnapshotHead) -> Bytes {
    let mut output = SnapshotHead { format: FORMAT, ..head.clone() }.encode_to_vec();
    let checksum = crate::crc32c::checksum(&output);
    output.extend_from_slice(&checksum.to_le_bytes());
    output.into()
}

/// Reads a head: exactly these bytes.
///
/// # Errors
/// [`SnapshotError`].
pub fn decode_head(bytes: &[u8]) -> Result<SnapshotHead, SnapshotError> {
    if !is_sealed(bytes) {
        return Err(SnapshotError::Checksum);
    }
    let (body, _) = bytes.split_last_chunk::<4>().ok_or(SnapshotError::Truncated)?;
    let head = SnapshotHead::decode(body).map_err(|_| SnapshotError::Field("head"))?;
    match head.format {
        FORMAT => Ok(head),
        0 => Err(SnapshotError::Field("format")),
        other => Err(SnapshotError::Version(other)),
    }
}
