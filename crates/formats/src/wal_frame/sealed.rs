//! What the headers have in common: a magic, a version, a cluster id in a fixed place, a checksum at the end.

use super::{VERSION, WalFrameError};
use crate::layout::{Fields, is_sealed};
use model::ClusterId;

/// Bytes reserved for a cluster id, which has a length byte before it.
const CLUSTER_ID_BYTES: usize = 64;

/// Checks magic, checksum and version of a header of exactly these bytes; what follows the version is left to read.
pub(super) fn open<const N: usize>(
    bytes: &[u8],
    magic: [u8; N],
) -> Result<Fields<'_>, WalFrameError> {
    let mut fields = Fields::new(bytes);
    if fields.array() != Some(magic) {
        return Err(WalFrameError::Magic);
    }
    if !is_sealed(bytes) {
        return Err(WalFrameError::Checksum);
    }
    match fields.u16().ok_or(WalFrameError::Truncated)? {
        VERSION => Ok(fields),
        version => Err(WalFrameError::Version(version)),
    }
}

/// Takes a cluster id.
pub(super) fn take_cluster(fields: &mut Fields<'_>) -> Option<ClusterId> {
    let length = usize::from(fields.u8()?);
    let text = fields.take(CLUSTER_ID_BYTES)?.get(..length)?;
    ClusterId::new(str::from_utf8(text).ok()?).ok()
}
