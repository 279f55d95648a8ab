//! Salvage finds what is intact behind damage and in quarantine.

use super::support::{
    BLOCK, append, append_synced, batch, disk_with_quarantine, files, meta, open,
};
use crate::{Durability, file_name::Role, salvage};
use runtime::disk::SimulatedDisk;

fn salvaged_offsets(disk: &SimulatedDisk) -> Vec<u64> {
    let frames = salvage(disk).unwrap();
    frames.map(|frame| frame.unwrap().meta.base_offset.get()).collect()
}

fn first_live_file(disk: &SimulatedDisk) -> String {
    files(disk, Role::Live)[0].clone()
}

#[test]
fn intact_frames_around_damage_are_salvaged() {
    let disk = SimulatedDisk::new();
    let (wal, _) = open(&disk);
    append_synced(&wal, 0..4);
    drop(wal);
    disk.flip_bit(&first_live_file(&disk), 2 * BLOCK + 200, 3);
    assert_eq!(salvaged_offsets(&disk), [0, 2, 3]);
    let first = salvage(&disk).unwrap().next().unwrap().unwrap();
    assert_eq!((first.meta, first.payload), (meta(0), batch(0, 100)));
}

#[test]
fn frames_behind_damage_in_their_own_group_are_salvaged() {
    for byte in [4, 70, 140] {
        let disk = SimulatedDisk::new();
        let (wal, _) = open(&disk);
        for offset in 0..3 {
            append(&wal, offset, Durability::Synced);
        }
        drop(wal);
        disk.flip_bit(&first_live_file(&disk), BLOCK + byte, 0);
        let found = salvaged_offsets(&disk);
        assert!(found.ends_with(&[1, 2]), "byte {byte}: {found:?}");
    }
}

#[test]
fn frames_in_quarantine_are_salvaged() {
    let disk = disk_with_quarantine();
    assert_eq!(salvaged_offsets(&disk), [0, 1, 7]);
    let quarantined = salvage(&disk).unwrap().map(|frame| frame.unwrap().quarantined);
    assert_eq!(quarantined.collect::<Vec<_>>(), [true, true, false]);
}
