//! [`FrameHeader`]: whose batch a frame holds, and how long it is.

use super::WalFrameError;
use crate::layout::{Fields, Layout, is_sealed};
use model::{LeaderEpoch, Offset, PartitionId, PartitionIndex, TopicId};

/// Precedes a frame's payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameHeader {
    /// Bytes of the payload.
    pub payload_bytes: u32,
    /// Whose log.
    pub partition: PartitionId,
    /// The batch's base offset.
    pub base_offset: Offset,
    /// The epoch it was appended in.
    pub leader_epoch: LeaderEpoch,
    /// The generation of the file, as in the group's header.
    pub file_generation: u64,
    /// The group's sequence number.
    pub group_sequence: u64,
}

impl FrameHeader {
    /// Length of the layout.
    pub const BYTES: usize = 64;

    /// Lays the header out.
    pub fn encode(&self) -> [u8; Self::BYTES] {
        let mut layout = Layout::new();
        layout
            .put(&self.payload_bytes.to_le_bytes())
            .put(&self.leader_epoch.get().to_le_bytes())
            .put(&self.file_generation.to_le_bytes())
            .put(&self.group_sequence.to_le_bytes())
            .put(self.partition.topic.as_bytes())
            .put(&self.partition.partition.get().to_le_bytes())
            .skip(4)
            .put(&self.base_offset.get().to_le_bytes());
        layout.seal()
    }

    /// Reads the header at the start of `bytes`. Whether generation and sequence are the group's is the reader's to
    /// judge.
    ///
    /// # Errors
    /// [`WalFrameError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, WalFrameError> {
        let bytes = bytes.get(..Self::BYTES).ok_or(WalFrameError::Truncated)?;
        if !is_sealed(bytes) {
            return Err(WalFrameError::Checksum);
        }
        Self::decode_fields(&mut Fields::new(bytes)).ok_or(WalFrameError::Field("frame field"))
    }

    fn decode_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let payload_bytes = fields.u32()?;
        let leader_epoch = LeaderEpoch::new(fields.u32()?)?;
        let file_generation = fields.u64()?;
        let group_sequence = fields.u64()?;
        let topic = TopicId::from_bytes(fields.array()?);
        let partition = PartitionIndex::new(fields.u32()?)?;
        fields.take(4)?;
        let base_offset = Offset::new(fields.u64()?)?;
        Some(Self {
            payload_bytes,
            partition: PartitionId { topic, partition },
            base_offset,
            leader_epoch,
            file_generation,
            group_sequence,
        })
    }
}
