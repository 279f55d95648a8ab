//! [`Group`]: frames that are written to disk together.
//!
//! Frame headers name the file's generation and the group's sequence number, which are known only when the group is
//! written; until then each header is a hole in the buffer.

use crate::{FrameMeta, log_buffer::Section};
use bytes::Bytes;
use formats::wal_frame::{FrameHeader, GroupHeader};

/// Both headers have one length, so that a group's holes do too.
pub(crate) const HEADER_BYTES: usize = {
    assert!(GroupHeader::BYTES == FrameHeader::BYTES, "holes have one length");
    FrameHeader::BYTES
};

/// A frame of a group that is not written yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GroupFrame {
    pub(crate) meta: FrameMeta,
    pub(crate) payload_bytes: u32,
}

/// A group that takes no more frames.
#[derive(Debug)]
pub(crate) struct Group {
    /// Position of its first byte.
    pub(crate) position: u64,
    /// End of its last frame.
    pub(crate) frames_end: u64,
    pub(crate) frames: Vec<GroupFrame>,
    pub(crate) section: Section,
}

/// What is known of a group only when it is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placement {
    pub(crate) file_generation: u64,
    pub(crate) sequence: u64,
    pub(crate) synced: u64,
}

impl Group {
    /// Bytes it takes on disk.
    pub(crate) fn total_bytes(&self) -> usize {
        self.section.len()
    }

    /// Position right after it.
    pub(crate) fn end(&self) -> u64 {
        self.position + self.total_bytes() as u64
    }

    /// The bytes to write.
    pub(crate) fn encode(self, placement: Placement) -> Bytes {
        let header = GroupHeader {
            file_generation: placement.file_generation,
            sequence: placement.sequence,
            position: self.position,
            synced: placement.synced,
            payload_bytes: (self.frames_end - self.position) as u32 - GroupHeader::BYTES as u32,
            frames: self.frames.len() as u32,
        };
        let frames = self.frames.into_iter().map(|frame| {
            FrameHeader {
                payload_bytes: frame.payload_bytes,
                partition: frame.meta.partition,
                base_offset: frame.meta.base_offset,
                leader_epoch: frame.meta.leader_epoch,
                file_generation: placement.file_generation,
                group_sequence: placement.sequence,
            }
            .encode()
        });
        self.section.fill(std::iter::once(header.encode()).chain(frames))
    }
}
