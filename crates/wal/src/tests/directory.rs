//! Whose directory it is: locks, clusters, ids, quarantine.

use super::support::{append_synced, offsets, open, open_afresh, options, try_open};
use crate::{Drive, Durability, LocalWalOptions, Wal, WalError, tests::support::append};
use model::ClusterId;
use runtime::{
    Tasks,
    disk::{Disk, LocalDisk, SimulatedDisk},
};
use std::sync::Arc;

#[test]
fn a_directory_is_opened_by_one_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let disk = LocalDisk::open(directory.path()).unwrap();
    let (wal, _) = open(&disk);
    let refused = try_open(&disk, options()).unwrap_err();
    assert!(matches!(&refused, WalError::Locked(path) if *path == disk.describe()), "{refused}");
    wal.close().unwrap();
    open(&disk);
}

#[test]
fn another_clusters_directory_is_refused_and_both_are_named() {
    let disk = SimulatedDisk::new();
    drop(open(&disk));
    let before = disk.contents();
    let other = LocalWalOptions { cluster: ClusterId::new("other").unwrap(), ..options() };
    let refused = try_open(&disk, other).unwrap_err();
    assert!(matches!(&refused, WalError::OtherCluster { found, expected, .. }
        if found.as_str() == "test" && expected.as_str() == "other"));
    assert_eq!(disk.contents(), before);
}

#[test]
fn the_id_and_the_raised_generation_outlive_a_restart() {
    let disk = SimulatedDisk::new();
    let (wal, _) = open(&disk);
    let raised = wal.raise_generation().unwrap();
    assert_eq!(raised.generation, 1);
    let (wal, _) = open(&disk.restart());
    assert_eq!(wal.identity(), raised);
}

#[test]
fn files_without_an_identity_are_refused() {
    let disk = SimulatedDisk::new();
    let (wal, _) = open(&disk);
    append_synced(&wal, 0..1);
    drop(wal);
    disk.remove("identity").unwrap();
    let refused = try_open(&disk, options()).unwrap_err();
    assert!(matches!(refused, WalError::Damaged { .. }), "{refused}");
}

#[test]
fn a_damaged_identity_is_refused() {
    let disk = SimulatedDisk::new();
    drop(open(&disk));
    disk.flip_bit("identity", 20, 1);
    let refused = try_open(&disk, options()).unwrap_err();
    assert!(matches!(refused, WalError::Damaged { .. }), "{refused}");
}

#[test]
fn a_wal_started_afresh_has_a_new_id_and_replays_nothing_of_the_old_one() {
    let disk = SimulatedDisk::new();
    let (wal, _) = open(&disk);
    append_synced(&wal, 0..3);
    let old = wal.identity();
    drop(wal);
    let (wal, recovery) = open_afresh(&disk);
    assert_ne!(wal.identity().id, old.id);
    assert_eq!(recovery.frames, []);
    assert_eq!(wal.quarantined_files(), 1);
    append_synced(&wal, 10..12);
    drop(wal);
    let (wal, recovery) = open(&disk);
    assert_eq!(offsets(&recovery.frames), [10, 11]);
    assert_eq!(wal.quarantined_files(), 1);
}

#[test]
fn a_start_afresh_that_is_cut_short_replays_nothing_either() {
    let disk = SimulatedDisk::new();
    let (wal, _) = open(&disk);
    append_synced(&wal, 0..3);
    drop(wal);
    drop(open_afresh(&disk));
    // As if the power had gone between the new identity and the renaming.
    let name = |extension| format!("{:016x}.{extension}", 1);
    disk.rename(&name("quarantine"), &name("wal")).unwrap();
    let (wal, recovery) = open(&disk);
    assert_eq!(recovery.frames, []);
    assert_eq!(wal.quarantined_files(), 1);
}

#[tokio::test]
async fn a_task_writes_in_a_simulation() {
    let (wal, _) = open(&SimulatedDisk::new());
    let wal = Arc::new(wal);
    let tasks = Tasks::new();
    wal.spawn_writer(&tasks);
    for offset in 0..3 {
        let appended = append(wal.as_ref(), offset, Durability::Synced);
        while wal.synced() < appended.end {
            tokio::task::yield_now().await;
        }
    }
    tasks.shut_down().await;
}

#[test]
fn threads_write_what_nobody_waits_for_too_and_a_restart_finds_it() {
    let directory = tempfile::tempdir().unwrap();
    let disk = LocalDisk::open(directory.path()).unwrap();
    let options = LocalWalOptions { drive: Drive::Threads, ..options() };
    let (wal, _) = try_open(&disk, options.clone()).unwrap();
    for offset in 0..200 {
        let durability = if offset % 7 == 0 { Durability::Synced } else { Durability::Written };
        append(&wal, offset, durability);
    }
    wal.close().unwrap();
    assert_eq!(wal.synced(), wal.end());
    let (_wal, recovery) = try_open(&disk, options).unwrap();
    assert_eq!(offsets(&recovery.frames), (0..200).collect::<Vec<_>>());
}
