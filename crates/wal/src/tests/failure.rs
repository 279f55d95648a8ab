//! A disk that fails or fills up: nothing is acknowledged that is not durable.

use super::support::{Told, append, append_synced, meta, offsets, open, options, try_open};
use crate::{
    Drive, Durability, LocalWalOptions, Wal, WalError, WalObserver, WalPosition,
    tests::support::batch,
};
use runtime::disk::SimulatedDisk;
use std::sync::Arc;

fn refusal(wal: &dyn Wal) -> WalError {
    wal.append(meta(9), &[&batch(9, 1)], Durability::Synced).unwrap_err()
}

#[test]
fn nothing_is_durable_before_it_is_synced() {
    let disk = SimulatedDisk::new();
    let (wal, _) = open(&disk);
    let told = Arc::new(Told::default());
    wal.observe(told.clone());
    let appended = append(&wal, 0, Durability::Written);
    wal.step();
    assert!(wal.synced() < appended.end, "written is not synced");
    assert_eq!(*told.synced.lock(), []);
    wal.request_sync();
    assert!(wal.synced() < appended.end, "asked for is not synced");
    wal.step();
    assert_eq!(*told.synced.lock(), [appended.end]);
}

#[test]
fn a_writer_that_panics_poisons() {
    #[derive(Debug)]
    struct Panics;
    impl WalObserver for Panics {
        fn synced(&self, _through: WalPosition) {
            panic!("an observer's bug");
        }
        fn failed(&self, _error: &WalError) {}
    }
    let options = LocalWalOptions { drive: Drive::Threads, ..options() };
    let (wal, _) = try_open(&SimulatedDisk::new(), options).unwrap();
    wal.observe(Arc::new(Panics));
    append(&wal, 0, Durability::Synced);
    while wal.append(meta(1), &[&batch(1, 1)], Durability::Written).is_ok() {
        std::thread::yield_now();
    }
    assert!(matches!(refusal(&wal), WalError::Failed(_)));
}

#[test]
fn a_failed_write_poisons_and_is_told_once() {
    let disk = SimulatedDisk::new();
    let (wal, _) = open(&disk);
    let told = Arc::new(Told::default());
    wal.observe(told.clone());
    append_synced(&wal, 0..2);
    let synced = wal.synced();
    disk.fail_next_write();
    append(&wal, 2, Durability::Synced);
    wal.step();
    assert!(matches!(refusal(&wal), WalError::Failed(_)));
    wal.request_sync();
    wal.step();
    assert_eq!(wal.synced(), synced);
    assert_eq!(told.failed.lock().len(), 1);
    assert!(matches!(wal.close(), Err(WalError::Failed(_))));
}

#[test]
fn a_failed_sync_is_never_retried_and_never_acknowledged() {
    let disk = SimulatedDisk::new();
    let (wal, _) = open(&disk);
    let told = Arc::new(Told::default());
    wal.observe(told.clone());
    append_synced(&wal, 0..1);
    let synced = told.synced.lock().clone();
    append(&wal, 1, Durability::Written);
    wal.step();
    disk.fail_next_sync();
    wal.request_sync();
    for _ in 0..3 {
        wal.step();
        wal.request_sync();
    }
    assert_eq!(*told.synced.lock(), synced);
    assert_eq!(told.failed.lock().len(), 1);
    assert!(!refusal(&wal).retryable());
}

#[test]
fn a_failed_sync_before_the_next_file_is_not_taken_for_a_full_disk() {
    let disk = SimulatedDisk::new();
    let (wal, _) = open(&disk);
    append_synced(&wal, 0..14);
    append(&wal, 14, Durability::Written);
    wal.step();
    disk.fail_next_sync();
    append(&wal, 15, Durability::Written);
    wal.step();
    wal.step();
    assert!(matches!(refusal(&wal), WalError::Failed(_)));
}

#[test]
fn a_failed_sync_of_a_new_files_header_is_not_taken_for_a_full_disk() {
    let disk = SimulatedDisk::new();
    let (wal, _) = open(&disk);
    disk.fail_next_sync();
    append(&wal, 0, Durability::Written);
    wal.step();
    assert!(matches!(refusal(&wal), WalError::Failed(_)));
    drop(wal);
    let (wal, _) = open(&disk.restart());
    append_synced(&wal, 0..40);
}

#[test]
fn a_disk_without_room_for_a_file_refuses_until_there_is_room_and_loses_nothing() {
    let disk = SimulatedDisk::new();
    disk.set_capacity(20 * 4096);
    let (wal, _) = open(&disk);
    append_synced(&wal, 0..15);
    let end = append(&wal, 15, Durability::Synced).end;
    wal.step();
    assert!(wal.synced() < end, "what is not written is not acknowledged");
    let refused = refusal(&wal);
    assert!(matches!(refused, WalError::DiskFull { .. }) && refused.retryable(), "{refused}");
    disk.set_capacity(u64::MAX);
    wal.step();
    assert_eq!(wal.synced(), end);
    append_synced(&wal, 16..18);
    drop(wal);
    let (_wal, recovery) = open(&disk);
    assert_eq!(offsets(&recovery.frames), (0..18).collect::<Vec<_>>());
}

#[test]
fn closing_while_the_disk_is_full_says_that_frames_are_not_durable() {
    let disk = SimulatedDisk::new();
    let (wal, _) = open(&disk);
    disk.set_capacity(0);
    append(&wal, 0, Durability::Written);
    assert!(matches!(wal.close(), Err(WalError::DiskFull { .. })));
}

#[test]
fn unwritten_frames_are_bounded() {
    let disk = SimulatedDisk::new();
    let options = LocalWalOptions { max_unwritten_bytes: 1_000, ..options() };
    let (wal, _) = try_open(&disk, options).unwrap();
    let refused = (0..10)
        .find_map(|offset| {
            wal.append(meta(offset), &[&batch(offset, 200)], Durability::Written).err()
        })
        .unwrap();
    assert!(matches!(refused, WalError::Full { limit: 1_000, .. }), "{refused}");
    wal.step();
    append(&wal, 9, Durability::Written);
}
