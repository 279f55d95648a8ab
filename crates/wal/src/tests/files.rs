//! Files: made, filled, given back, used again.

use super::support::{
    append, append_sized, append_synced, batch, files, offsets, open, options, try_open,
};
use crate::{Durability, LocalWal, LocalWalOptions, Wal, file_name::Role};
use runtime::{
    Randomness,
    disk::{Disk, SimulatedDisk},
};

/// Appends frames that fill files, releasing each at once.
fn turn_over(wal: &LocalWal, offsets: std::ops::Range<u64>) {
    for offset in offsets {
        let end = append_sized(wal, offset, 15_000, Durability::Synced).end;
        wal.step();
        wal.release(end);
        wal.step();
    }
}

#[test]
fn released_files_are_used_again_and_the_directory_stops_growing() {
    let disk = SimulatedDisk::new();
    let (wal, _) = open(&disk);
    turn_over(&wal, 0..100);
    assert!(disk.list().unwrap().len() <= 5, "{:?}", disk.list());
    assert_eq!(files(&disk, Role::Live).len(), 1);
}

#[test]
fn blocks_of_an_earlier_use_of_a_file_are_not_frames() {
    let disk = SimulatedDisk::new();
    let (wal, _) = open(&disk);
    turn_over(&wal, 0..50);
    append_synced(&wal, 50..52);
    std::mem::forget(wal);
    let (_wal, recovery) = open(&disk.restart());
    let found = offsets(&recovery.frames);
    assert!(found.ends_with(&[50, 51]));
    let first = found[0];
    assert!(first > 30 && found.iter().copied().eq(first..52), "{found:?}");
    assert_eq!(recovery.torn_bytes, 0);
}

#[test]
fn positions_never_go_back_though_everything_is_released() {
    let mut disk = SimulatedDisk::new();
    let mut end = crate::WalPosition(0);
    for life in 0..5 {
        let (wal, _) = open(&disk);
        assert!(wal.end() >= end);
        append_synced(&wal, life * 2..life * 2 + 2);
        end = wal.end();
        wal.release(end);
        wal.step();
        std::mem::forget(wal);
        disk = disk.restart();
    }
}

#[test]
fn a_file_without_a_frame_keeps_the_position_though_everything_is_released() {
    for seed in 0..10 {
        let randomness = Randomness::seeded(seed);
        let disk = SimulatedDisk::new();
        let (wal, _) = open(&disk);
        let synced = append_synced(&wal, 0..15).pop().unwrap().end;
        // Begins the second file; committed to object storage before it is synced here.
        let last = append(&wal, 15, Durability::Written);
        wal.step();
        wal.release(last.end);
        wal.step();
        assert_eq!(files(&disk, Role::Live).len(), 1);
        let disk = disk.crash(&randomness);
        let (wal, _) = open(&disk);
        assert!(wal.end() >= synced, "seed {seed}");
        wal.step();
        let (wal, _) = open(&disk.crash(&randomness));
        assert!(wal.end() >= synced, "seed {seed}: the position went back");
    }
}

#[test]
fn recovered_frames_are_held_until_they_are_released() {
    let disk = SimulatedDisk::new();
    let (wal, _) = open(&disk);
    append_synced(&wal, 0..2);
    drop(wal);
    let (wal, recovery) = open(&disk);
    let last = recovery.frames[1].clone();
    assert_eq!(wal.read(last.end, last.payload_bytes).unwrap(), batch(1, 100));
    assert!(wal.unreleased_bytes() > 0);
    append_synced(&wal, 2..3);
    assert_eq!(files(&disk, Role::Live).len(), 2);
    wal.release(wal.end());
    wal.step();
    assert_eq!(files(&disk, Role::Live).len(), 1);
    assert_eq!(wal.unreleased_bytes(), 0);
}

#[test]
fn a_batch_larger_than_a_file_gets_a_file_that_holds_it() {
    let disk = SimulatedDisk::new();
    let (wal, _) = open(&disk);
    append_sized(&wal, 0, 5_000_000, Durability::Synced);
    wal.step();
    append_synced(&wal, 1..2);
    drop(wal);
    let (_wal, recovery) = open(&disk);
    assert_eq!(offsets(&recovery.frames), [0, 1]);
}

#[test]
fn an_idle_wal_makes_one_small_file_and_holds_little_memory() {
    let disk = SimulatedDisk::new();
    let large = LocalWalOptions { file_bytes: 1 << 30, ..options() };
    let (wal, _) = try_open(&disk, large).unwrap();
    wal.step();
    let bytes: u64 = disk.list().unwrap().into_iter().map(|(_, length)| length).sum();
    assert!(bytes <= (16 << 20) + 4096, "{bytes}");
    assert!(wal.buffer_bytes() <= 2 << 20);
}

#[test]
fn a_file_that_was_named_but_not_begun_is_no_damage() {
    let disk = SimulatedDisk::new();
    let (wal, _) = open(&disk);
    append_synced(&wal, 0..2);
    drop(wal);
    disk.create(&format!("{:016x}.wal", 77), 16 * 4096).unwrap();
    let (wal, recovery) = open(&disk);
    assert_eq!(offsets(&recovery.frames), [0, 1]);
    append(&wal, 2, Durability::Synced);
    wal.step();
    drop(wal);
    let (_wal, recovery) = open(&disk);
    assert_eq!(offsets(&recovery.frames), [0, 1, 2]);
}
