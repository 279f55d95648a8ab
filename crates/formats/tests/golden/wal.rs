//! WAL headers, version 1.

use crate::{assert_golden, golden};
use formats::wal_frame::{FileHeader, FrameHeader, GroupHeader, Identity};
use model::{ClusterId, LeaderEpoch, Offset, PartitionId, PartitionIndex, TopicId, WalId};

#[test]
fn a_file_header_has_its_bytes() {
    let header = FileHeader {
        cluster: ClusterId::new("lkc-golden_1").unwrap(),
        wal: WalId::from_bytes(*b"0123456789abcdef"),
        file_generation: 0x1122_3344_5566_7788,
        first_position: 0x0102_0304_0506,
    };
    assert_golden("wal-file-header-v1", &header.encode());
    assert_eq!(FileHeader::decode(&golden("wal-file-header-v1")), Ok(header));
}

#[test]
fn an_identity_file_has_its_bytes() {
    let identity = Identity {
        cluster: ClusterId::new("lkc-golden_1").unwrap(),
        wal: WalId::from_bytes(*b"0123456789abcdef"),
        generation: 4,
        first_file_generation: 0x1122_3344_5566_0000,
    };
    assert_golden("wal-identity-v1", &identity.encode());
    assert_eq!(Identity::decode(&golden("wal-identity-v1")), Ok(identity));
}

#[test]
fn a_group_header_has_its_bytes() {
    let header = GroupHeader {
        file_generation: 7,
        sequence: 0x99,
        position: 0x10_0000,
        synced: 0x0f_f000,
        payload_bytes: 0x1234,
        frames: 3,
    };
    assert_golden("wal-group-header-v1", &header.encode());
    assert_eq!(GroupHeader::decode(&golden("wal-group-header-v1")), Ok(header));
}

#[test]
fn a_frame_header_has_its_bytes() {
    let header = FrameHeader {
        payload_bytes: 0x0abc,
        partition: PartitionId {
            topic: TopicId::from_bytes(*b"fedcba9876543210"),
            partition: PartitionIndex::new(42).unwrap(),
        },
        base_offset: Offset::new(0x0011_2233_4455).unwrap(),
        leader_epoch: LeaderEpoch::new(6).unwrap(),
        file_generation: 7,
        group_sequence: 0x99,
    };
    assert_golden("wal-frame-header-v1", &header.encode());
    assert_eq!(FrameHeader::decode(&golden("wal-frame-header-v1")), Ok(header));
}
