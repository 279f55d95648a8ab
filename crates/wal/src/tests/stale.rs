//! Bytes of an earlier use of a file, or of another group, never pass for the next group.

use super::support::{BLOCK, batch, cluster, meta, offsets};
use crate::{
    FrameMeta,
    group::{Group, GroupFrame, HEADER_BYTES, Placement},
    log_buffer::{BufferPool, Tail},
    scan::{FileScan, scan},
};

use formats::wal_frame::{FileHeader, GroupHeader};
use model::WalId;
use runtime::disk::{Disk, SimulatedDisk};

const GENERATION: u64 = 5;

fn placement(sequence: u64) -> Placement {
    Placement { file_generation: GENERATION, sequence, synced: 0 }
}

/// A group as it lies on disk, with one frame that says `meta` and holds `payload`.
fn group(position: u64, placement: Placement, meta: FrameMeta, payload: &[u8]) -> Vec<u8> {
    let mut tail = Tail::with_capacity(BLOCK as usize, &BufferPool::default());
    tail.reserve(HEADER_BYTES);
    tail.reserve(HEADER_BYTES);
    tail.append(&[payload]);
    let group = Group {
        position,
        frames_end: position + tail.section_bytes() as u64,
        frames: vec![GroupFrame { meta, payload_bytes: payload.len() as u32 }],
        section: tail.end_section(),
    };
    group.encode(placement).to_vec()
}

fn good_group(index: u64) -> Vec<u8> {
    group(index * BLOCK, placement(index), meta(index), &batch(index, 10))
}

/// Scans a file whose blocks after the header are `groups`.
fn scanned(groups: &[Vec<u8>]) -> FileScan {
    let disk = SimulatedDisk::new();
    let file = disk.create("file", 8 * BLOCK).unwrap();
    let wal = WalId::from_bytes([1; 16]);
    let (cluster, first_position) = (cluster(), 0);
    let header = FileHeader { cluster, wal, file_generation: GENERATION, first_position };
    file.write_at(0, &header.encode()).unwrap();
    for (group, offset) in groups.iter().zip((BLOCK..).step_by(BLOCK as usize)) {
        file.write_at(offset, group).unwrap();
    }
    scan(file.as_ref(), GENERATION, None).unwrap()
}

/// The second group is not read; the first and third are good.
fn assert_stops_at(second: Vec<u8>) {
    let scan = scanned(&[good_group(0), second, good_group(2)]);
    assert_eq!(offsets(&scan.frames), [0]);
    assert_eq!(scan.stop.offset, 2 * BLOCK);
    assert_eq!(scan.behind.reach, Some(3 * BLOCK), "the third is seen, not used");
}

#[test]
fn groups_in_order_are_read() {
    let scan = scanned(&[good_group(0), good_group(1), good_group(2)]);
    assert_eq!(offsets(&scan.frames), [0, 1, 2]);
    assert_eq!(scan.end.position, 3 * BLOCK);
    assert_eq!(scan.behind.reach, None);
}

#[test]
fn a_group_of_another_use_of_the_file_is_not_read() {
    let stale = Placement { file_generation: GENERATION - 1, ..placement(1) };
    assert_stops_at(group(BLOCK, stale, meta(1), &batch(1, 10)));
}

#[test]
fn a_group_of_another_position_is_not_read() {
    let second = group(2 * BLOCK, placement(1), meta(1), &batch(1, 10));
    let scan = scanned(&[good_group(0), second]);
    assert_eq!(offsets(&scan.frames), [0]);
}

#[test]
fn a_group_of_another_sequence_number_is_not_read() {
    assert_stops_at(group(BLOCK, placement(7), meta(1), &batch(1, 10)));
}

#[test]
fn a_frame_of_another_group_is_not_read() {
    // A torn write: the header's sector arrived, the frame's is still that of an earlier group.
    let mut torn = group(BLOCK, placement(9), meta(1), &batch(1, 10));
    torn[..GroupHeader::BYTES].copy_from_slice(&good_group(1)[..GroupHeader::BYTES]);
    assert_stops_at(torn);
}

#[test]
fn a_batch_that_its_frame_does_not_name_is_not_read() {
    assert_stops_at(group(BLOCK, placement(1), meta(1), &batch(3, 10)));
    let longer = [&batch(1, 10)[..], b"more"].concat();
    assert_stops_at(group(BLOCK, placement(1), meta(1), &longer));
}
