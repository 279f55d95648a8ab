//! A flipped bit is damage where the bytes were known to be synced, and a torn tail behind that.

use super::support::{
    BLOCK, append, append_sized, append_synced, disk_with_a_tail, files, offsets, open, options,
    try_open,
};
use crate::{Drive, Durability, LocalWalOptions, Wal, WalError, file_name::Role};
use proptest::prelude::*;
use runtime::disk::{Disk, SimulatedDisk};

/// A disk on which `groups` groups of one frame were synced, and the WAL was not closed.
fn synced_groups(groups: u64) -> SimulatedDisk {
    let disk = SimulatedDisk::new();
    let (wal, _) = open(&disk);
    append_synced(&wal, 0..groups);
    disk.restart()
}

fn live_files(disk: &SimulatedDisk) -> Vec<String> {
    files(disk, Role::Live)
}

/// Opens a damaged disk: what it says, after checking that it changed nothing.
fn refused(disk: &SimulatedDisk) -> (String, u64) {
    let before = disk.contents();
    let error = try_open(disk, options()).unwrap_err();
    assert_eq!(disk.contents(), before, "nothing is changed");
    match error {
        WalError::Damaged { file, offset, .. } => (file, offset),
        other => panic!("{other}"),
    }
}

#[test]
fn a_flipped_bit_below_the_synced_position_is_damage_and_named() {
    let disk = synced_groups(3);
    let file = &live_files(&disk)[0];
    // In the second group's batch.
    disk.flip_bit(file, 2 * BLOCK + 200, 3);
    assert_eq!(refused(&disk), (format!("simulated/{file}"), 2 * BLOCK));
}

#[test]
fn a_flipped_bit_in_any_header_below_the_synced_position_is_damage() {
    for byte in [0, 8, 63, 64, 72, 127, 128, 149] {
        let disk = synced_groups(3);
        disk.flip_bit(&live_files(&disk)[0], BLOCK + byte, 0);
        assert_eq!(refused(&disk).1, BLOCK, "byte {byte}");
    }
}

#[test]
fn a_flipped_bit_in_the_file_header_is_damage() {
    for byte in [0, 10, 40, 127] {
        let disk = synced_groups(3);
        disk.flip_bit(&live_files(&disk)[0], byte, 0);
        assert_eq!(refused(&disk).1, 0, "byte {byte}");
    }
}

#[test]
fn a_flipped_bit_behind_the_synced_position_is_a_torn_tail() {
    let disk = disk_with_a_tail();
    disk.flip_bit(&live_files(&disk)[0], 3 * BLOCK + 200, 3);
    let (_wal, recovery) = open(&disk);
    assert_eq!(offsets(&recovery.frames), [0, 1]);
    assert_eq!(recovery.torn_bytes, 2 * BLOCK);
}

#[test]
fn after_a_clean_stop_even_the_last_frame_is_known_synced() {
    for drive in [Drive::Manual, Drive::Threads] {
        let disk = SimulatedDisk::new();
        let (wal, _) = try_open(&disk, LocalWalOptions { drive, ..options() }).unwrap();
        append(&wal, 0, Durability::Synced);
        wal.close().unwrap();
        disk.flip_bit(&live_files(&disk)[0], BLOCK + 200, 3);
        assert_eq!(refused(&disk).1, BLOCK, "{drive:?}");
    }
}

#[test]
fn damage_at_the_end_of_a_file_shows_by_the_start_of_the_next() {
    let disk = SimulatedDisk::new();
    let (wal, _) = open(&disk);
    append_synced(&wal, 0..15);
    // The sixteenth group needs another file, and nobody waits for it.
    append(&wal, 15, Durability::Written);
    wal.step();
    std::mem::forget(wal);
    let disk = disk.restart();
    let files = live_files(&disk);
    assert_eq!(files.len(), 2);
    disk.flip_bit(&files[0], 15 * BLOCK + 200, 3);
    assert_eq!(refused(&disk), (format!("simulated/{}", files[0]), 15 * BLOCK));
}

#[test]
fn a_missing_file_in_the_middle_is_damage() {
    let disk = SimulatedDisk::new();
    let (wal, _) = open(&disk);
    for offset in 0..8 {
        append_sized(&wal, offset, 20_000, Durability::Synced);
        wal.step();
    }
    std::mem::forget(wal);
    let disk = disk.restart();
    let files = live_files(&disk);
    assert!(files.len() >= 3);
    disk.remove(&files[1]).unwrap();
    assert_eq!(refused(&disk).0, format!("simulated/{}", files[0]));
}

#[test]
fn a_frame_whose_batch_is_another_than_it_names_is_not_intact() {
    let disk = synced_groups(2);
    // The base offset of the batch lies outside its checksum.
    disk.flip_bit(&live_files(&disk)[0], BLOCK + 128 + 7, 0);
    assert_eq!(refused(&disk).1, BLOCK);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Never a panic, never a made-up frame, never a changed one.
    #[test]
    fn any_flipped_bit_leaves_a_prefix_or_is_damage(byte in 0..6 * BLOCK, bit in 0..8_u8) {
        let disk = synced_groups(4);
        disk.flip_bit(&live_files(&disk)[0], byte, bit);
        match try_open(&disk, options()) {
            Ok((_wal, recovery)) => {
                let found = offsets(&recovery.frames);
                prop_assert!(found.len() >= 3, "only the last group may count as torn");
                prop_assert!(found.iter().copied().eq(0..found.len() as u64));
            }
            Err(error) => prop_assert!(matches!(error, WalError::Damaged { .. }), "{error}"),
        }
    }
}
