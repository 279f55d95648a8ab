//! [`GroupHeader`]: what one write to the WAL says of itself.

use super::sealed::open;
use super::{VERSION, WalFrameError, padded};
use crate::layout::{Fields, Layout};

const MAGIC: [u8; 4] = *b"ALVG";

/// Precedes the frames that one write puts down together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GroupHeader {
    /// The generation of the file this group was written to.
    pub file_generation: u64,
    /// Counts the groups of this WAL, one by one, across files.
    pub sequence: u64,
    /// Stream position of this header's first byte. Headers and padding of groups count, file headers do not.
    pub position: u64,
    /// Everything before this stream position was known to be synced when the group was written. Damage below the
    /// largest such position of the WAL is corruption; above it, a torn tail.
    pub synced: u64,
    /// Bytes of the frames, without this header and without the padding.
    pub payload_bytes: u32,
    /// How many frames there are.
    pub frames: u32,
}

impl GroupHeader {
    /// Length of the layout.
    pub const BYTES: usize = 64;

    /// Lays the header out.
    pub fn encode(&self) -> [u8; Self::BYTES] {
        let mut layout = Layout::new();
        layout
            .put(&MAGIC)
            .put(&VERSION.to_le_bytes())
            .skip(2)
            .put(&self.file_generation.to_le_bytes())
            .put(&self.sequence.to_le_bytes())
            .put(&self.position.to_le_bytes())
            .put(&self.synced.to_le_bytes())
            .put(&self.payload_bytes.to_le_bytes())
            .put(&self.frames.to_le_bytes());
        layout.seal()
    }

    /// Reads the header at the start of `bytes`. Whether generation, sequence and position are the expected ones is
    /// the reader's to judge.
    ///
    /// # Errors
    /// [`WalFrameError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, WalFrameError> {
        let bytes = bytes.get(..Self::BYTES).ok_or(WalFrameError::Truncated)?;
        let mut fields = open(bytes, MAGIC)?;
        let header = Self::decode_fields(&mut fields).ok_or(WalFrameError::Truncated)?;
        if header.synced > header.position {
            return Err(WalFrameError::Field("synced position"));
        }
        Ok(header)
    }

    /// Bytes the group occupies: header, frames and padding.
    pub const fn total_bytes(&self) -> usize {
        padded(Self::BYTES + self.payload_bytes as usize)
    }

    fn decode_fields(fields: &mut Fields<'_>) -> Option<Self> {
        fields.take(2)?;
        Some(Self {
            file_generation: fields.u64()?,
            sequence: fields.u64()?,
            position: fields.u64()?,
            synced: fields.u64()?,
            payload_bytes: fields.u32()?,
            frames: fields.u32()?,
        })
    }
}
