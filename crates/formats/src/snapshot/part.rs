//! A part: keys and values, one behind the other.

use super::{SnapshotError, VERSION};
use crate::layout::{Fields, is_sealed};
use bytes::Bytes;

const MAGIC: [u8; 8] = *b"ALLUVSNP";
const HEADER_BYTES: usize = 16;
const CHECKSUM_BYTES: usize = 4;

/// A key of the metadata store, and its value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SnapshotEntry {
    /// The key, below the cluster's prefix.
    pub key: Bytes,
    /// The value as it was stored.
    pub value: Bytes,
}

/// Collects entries, in key order.
#[derive(Clone, Debug)]
pub struct PartWriter {
    bytes: Vec<u8>,
    entries: u64,
}

impl Default for PartWriter {
    fn default() -> Self {
        Self::new()
    }
}

impl PartWriter {
    /// A part without entries.
    pub fn new() -> Self {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.resize(HEADER_BYTES, 0);
        Self { bytes, entries: 0 }
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// [`SnapshotError::Field`] when key or value has 4 GiB or more.
    pub fn push(&mut self, key: &[u8], value: &[u8]) -> Result<(), SnapshotError> {
        let key_bytes = u32::try_from(key.len()).map_err(|_| SnapshotError::Field("key"))?;
        let value_bytes = u32::try_from(value.len()).map_err(|_| SnapshotError::Field("value"))?;
        self.bytes.extend_from_slice(&key_bytes.to_le_bytes());
        self.bytes.extend_from_slice(&value_bytes.to_le_bytes());
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value);
        self.entries += 1;
        Ok(())
    }

    /// Entries so far.
    pub const fn entries(&self) -> u64 {
        self.entries
    }

    /// Bytes so far, without the checksum.
    pub const fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The part's bytes.
    pub fn finish(mut self) -> Bytes {
        let checksum = crate::crc32c::checksum(&self.bytes);
        self.bytes.extend_from_slice(&checksum.to_le_bytes());
        self.bytes.into()
    }
}

/// Reads a part: exactly these bytes. Entries share them.
///
/// # Errors
/// [`SnapshotError`].
pub fn decode_part(bytes: &Bytes) -> Result<Vec<SnapshotEntry>, SnapshotError> {
    if !bytes.starts_with(&MAGIC) {
        return Err(SnapshotError::Magic);
    }
    if !is_sealed(bytes) {
        return Err(SnapshotError::Checksum);
    }
    let body = bytes.get(MAGIC.len()..bytes.len() - CHECKSUM_BYTES);
    let mut fields = Fields::new(body.ok_or(SnapshotError::Truncated)?);
    let version = fields.u16().ok_or(SnapshotError::Truncated)?;
    if version != VERSION {
        return Err(SnapshotError::Version(u32::from(version)));
    }
    fields.take(HEADER_BYTES - MAGIC.len() - 2).ok_or(SnapshotError::Truncated)?;
    let mut entries: Vec<SnapshotEntry> = Vec::new();
    while fields.remaining() > 0 {
        let entry = take_entry(&mut fields, bytes).ok_or(SnapshotError::Truncated)?;
        if entries.last().is_some_and(|last| last.key >= entry.key) {
            return Err(SnapshotError::Field("order of keys"));
        }
        entries.push(entry);
    }
    Ok(entries)
}

fn take_entry(fields: &mut Fields<'_>, part: &Bytes) -> Option<SnapshotEntry> {
    let key_bytes = fields.u32()? as usize;
    let value_bytes = fields.u32()? as usize;
    let key = part.slice_ref(fields.take(key_bytes)?);
    let value = part.slice_ref(fields.take(value_bytes)?);
    Some(SnapshotEntry { key, value })
}
