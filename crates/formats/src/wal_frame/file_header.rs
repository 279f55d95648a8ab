//! [`FileHeader`]: what a WAL file says of itself, in its first block.

use super::sealed::{open, take_cluster};
use super::{VERSION, WalFrameError};
use crate::layout::{Fields, Layout};
use model::{ClusterId, WalId};

const MAGIC: [u8; 8] = *b"ALLUVWAL";

/// The first [`FileHeader::BYTES`] of a file's first block; the rest of the block is zero.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileHeader {
    /// The cluster.
    pub cluster: ClusterId,
    /// The WAL.
    pub wal: WalId,
    /// Different for each use of a recycled file, and growing over the life of the WAL.
    pub file_generation: u64,
    /// Stream position of the first group in this file.
    pub first_position: u64,
}

impl FileHeader {
    /// Length of the layout.
    pub const BYTES: usize = 128;

    /// Lays the header out.
    pub fn encode(&self) -> [u8; Self::BYTES] {
        let cluster = self.cluster.as_str().as_bytes();
        let mut layout = Layout::new();
        layout
            .put(&MAGIC)
            .put(&VERSION.to_le_bytes())
            .skip(6)
            .put(self.wal.as_bytes())
            .put(&self.file_generation.to_le_bytes())
            .put(&self.first_position.to_le_bytes())
            .put(&[cluster.len() as u8])
            .put(cluster);
        layout.seal()
    }

    /// Reads the header at the start of `bytes`.
    ///
    /// # Errors
    /// [`WalFrameError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, WalFrameError> {
        let bytes = bytes.get(..Self::BYTES).ok_or(WalFrameError::Truncated)?;
        let mut fields = open(bytes, MAGIC)?;
        Self::decode_fields(&mut fields).ok_or(WalFrameError::Field("cluster id"))
    }

    fn decode_fields(fields: &mut Fields<'_>) -> Option<Self> {
        fields.take(6)?;
        let wal = WalId::from_bytes(fields.array()?);
        let file_generation = fields.u64()?;
        let first_position = fields.u64()?;
        let cluster = take_cluster(fields)?;
        Some(Self { cluster, wal, file_generation, first_position })
    }
}
