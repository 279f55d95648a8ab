//! Round trips, refusals, and arbitrary bytes.

use super::*;
use model::{ClusterId, LeaderEpoch, Offset, PartitionId, PartitionIndex, TopicId, WalId};
use proptest::prelude::*;

fn frame(
    payload_bytes: u32,
    base_offset: u64,
    leader_epoch: u32,
    group_sequence: u64,
) -> FrameHeader {
    FrameHeader {
        payload_bytes,
        partition: PartitionId {
            topic: TopicId::from_bytes([7; 16]),
            partition: PartitionIndex::new(3).unwrap(),
        },
        base_offset: Offset::new(base_offset).unwrap(),
        leader_epoch: LeaderEpoch::new(leader_epoch).unwrap(),
        file_generation: 12,
        group_sequence,
    }
}

fn group() -> GroupHeader {
    GroupHeader {
        file_generation: 12,
        sequence: 5,
        position: 8192,
        synced: 4096,
        payload_bytes: 4033,
        frames: 2,
    }
}

#[test]
fn a_group_is_padded_to_whole_blocks() {
    assert_eq!(group().total_bytes(), 8192);
    assert_eq!(GroupHeader { payload_bytes: 4032, ..group() }.total_bytes(), 4096);
}

#[test]
fn any_flipped_bit_of_a_group_header_is_noticed() {
    for bit in 0..GroupHeader::BYTES * 8 {
        let mut bytes = group().encode();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(GroupHeader::decode(&bytes).is_err(), "bit {bit}");
    }
}

#[test]
fn zeroes_are_not_a_header() {
    assert_eq!(GroupHeader::decode(&[0; 4096]), Err(WalFrameError::Magic));
    assert_eq!(FileHeader::decode(&[0; 4096]), Err(WalFrameError::Magic));
    assert_eq!(FrameHeader::decode(&[0; 4096]), Err(WalFrameError::Checksum));
}

#[test]
fn a_group_cannot_know_its_own_bytes_synced() {
    let group = GroupHeader { synced: 8193, ..group() };
    assert_eq!(GroupHeader::decode(&group.encode()), Err(WalFrameError::Field("synced position")));
}

proptest! {
    #[test]
    fn a_file_header_reads_back(cluster in "[A-Za-z0-9_-]{1,64}", wal: [u8; 16], file_generation: u64, first_position: u64) {
        let header = FileHeader {
            cluster: ClusterId::new(cluster).unwrap(),
            wal: WalId::from_bytes(wal),
            file_generation,
            first_position,
        };
        prop_assert_eq!(FileHeader::decode(&header.encode()), Ok(header));
    }

    #[test]
    fn a_frame_header_reads_back(payload_bytes: u32, base in 0..=i64::MAX as u64, epoch in 0..=i32::MAX as u32, sequence: u64) {
        let header = frame(payload_bytes, base, epoch, sequence);
        prop_assert_eq!(FrameHeader::decode(&header.encode()), Ok(header));
    }

    #[test]
    fn a_group_header_reads_back(file_generation: u64, sequence: u64, position: u64, payload_bytes: u32, frames: u32) {
        let header = GroupHeader { file_generation, sequence, position, synced: position / 2, payload_bytes, frames };
        prop_assert_eq!(GroupHeader::decode(&header.encode()), Ok(header));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = FileHeader::decode(&bytes);
        let _ = GroupHeader::decode(&bytes);
        let _ = FrameHeader::decode(&bytes);
        let _ = Identity::decode(&bytes);
    }
}
