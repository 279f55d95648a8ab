//! [`Batches`]: batches that lie one behind the other; and the check that one is intact.

use super::{BatchError, BatchHeader};
use bytes::Bytes;

/// Bytes before what the CRC covers.
pub(super) const UNCHECKED_BYTES: usize = 21;

/// Splits `bytes` into whole batches, without looking at their CRCs. Ends after its first error; nothing is skipped.
pub fn batches(bytes: Bytes) -> Batches {
    Batches { rest: bytes }
}

/// Iterator over joined batches; made by [`batches`]. Each is a slice of the whole.
#[derive(Clone, Debug)]
pub struct Batches {
    rest: Bytes,
}

impl Batches {
    fn split_batch(&mut self) -> Result<(BatchHeader, Bytes), BatchError> {
        let header = BatchHeader::parse(&self.rest)?;
        let needed = header.total_bytes();
        if needed > self.rest.len() {
            return Err(BatchError::Truncated { found: self.rest.len(), needed });
        }
        Ok((header, self.rest.split_to(needed)))
    }
}

impl Iterator for Batches {
    type Item = Result<(BatchHeader, Bytes), BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let item = self.split_batch();
        if item.is_err() {
            self.rest = Bytes::new();
        }
        Some(item)
    }
}

/// Checks that `batch` is exactly one batch and that its CRC covers what is there.
///
/// # Errors
/// [`BatchError::Crc`], or why it is not one whole batch.
pub fn verify_crc(batch: &[u8]) -> Result<(), BatchError> {
    let header = whole(batch)?;
    let found = crc(batch);
    if found == header.crc { Ok(()) } else { Err(BatchError::Crc { expected: header.crc, found }) }
}

/// The header of `batch`, which must be exactly one batch.
pub(super) fn whole(batch: &[u8]) -> Result<BatchHeader, BatchError> {
    let header = BatchHeader::parse(batch)?;
    let needed = header.total_bytes();
    match batch.len() {
        found if found < needed => Err(BatchError::Truncated { found, needed }),
        found if found > needed => Err(BatchError::Trailing(found - needed)),
        _ => Ok(header),
    }
}

/// The CRC of a batch's bytes, whatever its header says.
pub(super) fn crc(batch: &[u8]) -> u32 {
    crate::crc32c::checksum(batch.get(UNCHECKED_BYTES..).unwrap_or_default())
}
