//! What every implementation of the port does alike.

use super::support::{Told, append, append_sized, batch, cluster, meta, options};
use crate::{
    Drive, Durability, LocalWal, LocalWalOptions, MemoryWal, Wal, WalError, WalIdentity,
    WalPosition,
};
use model::WalId;
use runtime::{
    Randomness,
    disk::{LocalDisk, SimulatedDisk},
};
use std::sync::Arc;

/// A WAL with `wal.max.bytes`, and what makes it do its work.
struct Subject {
    wal: Arc<dyn Wal>,
    work: Box<dyn Fn()>,
}

fn memory(max_bytes: u64) -> Subject {
    let id = WalId::from_bytes([1; 16]);
    let wal = MemoryWal::new(WalIdentity { cluster: cluster(), id, generation: 0 }, max_bytes);
    Subject { wal: Arc::new(wal.clone()), work: Box::new(move || wal.sync_now()) }
}

fn local(max_bytes: u64) -> Subject {
    let disk = Arc::new(SimulatedDisk::new());
    let options = LocalWalOptions { max_bytes, ..options() };
    let (wal, _) = LocalWal::open(disk, options, &Randomness::seeded(1)).unwrap();
    let wal = Arc::new(wal);
    Subject { wal: wal.clone(), work: Box::new(move || wal.step()) }
}

/// On a real directory, written by threads.
fn threaded(max_bytes: u64) -> Subject {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(LocalDisk::open(directory.path()).unwrap());
    let options = LocalWalOptions { max_bytes, drive: Drive::Threads, ..options() };
    let (wal, _) = LocalWal::open(disk, options, &Randomness::seeded(1)).unwrap();
    let wal = Arc::new(wal);
    let waited = wal.clone();
    let work = move || {
        assert!(directory.path().exists());
        waited.request_sync();
        while waited.synced() < waited.end() {
            std::thread::yield_now();
        }
    };
    Subject { wal, work: Box::new(work) }
}

macro_rules! conformance {
    ($module:ident, $subject:path; $($test:ident),* $(,)?) => {
        mod $module { $(#[test] fn $test() { super::$test($subject) })* }
    };
    ($($test:ident),* $(,)?) => {
        conformance! { on_memory, super::memory; $($test),* }
        conformance! { on_a_simulated_disk, super::local; $($test),* }
        conformance! { on_a_directory, super::threaded; $($test),* }
    };
}

conformance! {
    a_payload_is_the_parts_in_order,
    a_sync_is_told_with_the_position_it_reached,
    a_request_for_a_sync_covers_frames_that_nobody_waited_for,
    a_full_wal_refuses_until_it_is_released,
    what_was_appended_reads_back,
    released_frames_need_not_read_back_and_never_read_wrong,
    the_generation_rises_by_one,
    a_closed_wal_takes_nothing_more,
    releasing_beyond_the_end_releases_what_there_is,
}

const ROOM: u64 = 1 << 30;

fn a_payload_is_the_parts_in_order(make: fn(u64) -> Subject) {
    let subject = make(ROOM);
    let appended = append(subject.wal.as_ref(), 5, Durability::Synced);
    assert_eq!(appended.payload, batch(5, 100));
    (subject.work)();
    let next = append(subject.wal.as_ref(), 6, Durability::Written);
    assert!(next.end > appended.end);
    assert_eq!((&appended.payload, &next.payload), (&batch(5, 100), &batch(6, 100)));
}

fn a_sync_is_told_with_the_position_it_reached(make: fn(u64) -> Subject) {
    let subject = make(ROOM);
    let told = Arc::new(Told::default());
    subject.wal.observe(told.clone());
    assert_eq!(*told.synced.lock(), []);
    let appended = append(subject.wal.as_ref(), 0, Durability::Synced);
    (subject.work)();
    assert_eq!(subject.wal.synced(), appended.end);
    assert_eq!(subject.wal.end(), appended.end);
    subject.wal.close().unwrap();
    assert_eq!(told.synced.lock().first(), Some(&appended.end));
}

fn a_request_for_a_sync_covers_frames_that_nobody_waited_for(make: fn(u64) -> Subject) {
    let subject = make(ROOM);
    let appended = append(subject.wal.as_ref(), 0, Durability::Written);
    subject.wal.request_sync();
    (subject.work)();
    assert_eq!(subject.wal.synced(), appended.end);
}

fn a_full_wal_refuses_until_it_is_released(make: fn(u64) -> Subject) {
    let subject = make(10_000);
    let wal = subject.wal.as_ref();
    let first = append_sized(wal, 0, 6_000, Durability::Synced);
    let refused = wal.append(meta(1), &[&batch(1, 6_000)], Durability::Synced).unwrap_err();
    assert!(matches!(refused, WalError::Full { limit: 10_000, .. }), "{refused}");
    assert!(refused.retryable());
    (subject.work)();
    wal.release(first.end);
    assert_eq!(wal.unreleased_bytes(), 0);
    append_sized(wal, 1, 6_000, Durability::Synced);
}

fn what_was_appended_reads_back(make: fn(u64) -> Subject) {
    let subject = make(ROOM);
    let wal = subject.wal.as_ref();
    let small = append(wal, 0, Durability::Written);
    let large = append_sized(wal, 1, 100_000, Durability::Synced);
    (subject.work)();
    for appended in [small, large] {
        let read = wal.read(appended.end, appended.payload.len()).unwrap();
        assert_eq!(read, appended.payload);
    }
    assert!(matches!(wal.read(WalPosition(7), 100), Err(WalError::NotHeld(WalPosition(7)))));
}

fn released_frames_need_not_read_back_and_never_read_wrong(make: fn(u64) -> Subject) {
    let subject = make(ROOM);
    let wal = subject.wal.as_ref();
    let appended = append(wal, 0, Durability::Synced);
    (subject.work)();
    wal.release(appended.end);
    (subject.work)();
    match wal.read(appended.end, appended.payload.len()) {
        Ok(payload) => assert_eq!(payload, appended.payload),
        Err(error) => assert!(matches!(error, WalError::NotHeld(_)), "{error}"),
    }
}

fn the_generation_rises_by_one(make: fn(u64) -> Subject) {
    let subject = make(ROOM);
    let wal = subject.wal.as_ref();
    let before = wal.identity();
    let after = wal.raise_generation().unwrap();
    assert_eq!(after, WalIdentity { generation: before.generation + 1, ..before });
    assert_eq!(wal.identity(), after);
}

fn a_closed_wal_takes_nothing_more(make: fn(u64) -> Subject) {
    let subject = make(ROOM);
    let wal = subject.wal.as_ref();
    let appended = append(wal, 0, Durability::Written);
    wal.close().unwrap();
    assert_eq!(wal.synced(), appended.end);
    let refused = wal.append(meta(1), &[&batch(1, 1)], Durability::Written).unwrap_err();
    assert!(matches!(refused, WalError::Failed(_)), "{refused}");
}

fn releasing_beyond_the_end_releases_what_there_is(make: fn(u64) -> Subject) {
    let subject = make(ROOM);
    let wal = subject.wal.as_ref();
    wal.release(WalPosition(1 << 40));
    assert_eq!(wal.unreleased_bytes(), 0);
    append(wal, 0, Durability::Written);
    assert!(wal.unreleased_bytes() > 0);
}
