//! What a simulated crash keeps and loses.

use super::*;
use crate::disk::BLOCK_BYTES;

fn written_disk() -> (SimulatedDisk, Arc<dyn DiskFile>) {
    let disk = SimulatedDisk::new();
    let file = disk.create("a", 2 * BLOCK_BYTES as u64).unwrap();
    file.write_at(0, &[1; BLOCK_BYTES]).unwrap();
    file.sync().unwrap();
    file.write_at(BLOCK_BYTES as u64, &[2; BLOCK_BYTES]).unwrap();
    (disk, file)
}

#[test]
fn synced_writes_survive_and_unsynced_ones_are_kept_lost_or_torn() {
    let (mut kept, mut lost, mut torn) = (0, 0, 0);
    for seed in 0..50 {
        let (disk, _file) = written_disk();
        let content = disk.crash(&Randomness::seeded(seed)).contents()["a"].clone();
        assert!(content[..BLOCK_BYTES].iter().all(|byte| *byte == 1));
        let written = |byte: &u8| *byte == 2;
        let mut last_write = content[BLOCK_BYTES..].iter();
        match (last_write.clone().all(written), last_write.any(written)) {
            (true, _) => kept += 1,
            (false, true) => torn += 1,
            (false, false) => lost += 1,
        }
    }
    assert!(kept > 0 && lost > 0 && torn > 0, "{kept} {lost} {torn}");
}

#[test]
fn nothing_works_after_the_power_is_cut() {
    let (disk, file) = written_disk();
    let survivor = disk.crash(&Randomness::seeded(1));
    assert!(file.write_at(0, &[3; BLOCK_BYTES]).is_err());
    assert!(file.sync().is_err());
    assert!(disk.list().is_err());
    assert_eq!(survivor.list().unwrap(), [("a".to_owned(), 2 * BLOCK_BYTES as u64)]);
}

#[test]
fn injected_errors_happen_once() {
    let (disk, file) = written_disk();
    disk.fail_next_write();
    assert!(file.write_at(0, &[3; BLOCK_BYTES]).is_err());
    file.write_at(0, &[3; BLOCK_BYTES]).unwrap();
    disk.fail_next_sync();
    assert!(file.sync().is_err());
    file.sync().unwrap();
}

#[test]
fn a_full_disk_makes_no_file() {
    let disk = SimulatedDisk::new();
    disk.set_capacity(10_000);
    disk.create("a", 8192).unwrap();
    assert_eq!(disk.create("b", 4096).unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!(disk.free_bytes().unwrap(), 10_000 - 8192);
}

#[test]
fn a_second_lock_is_refused_until_the_first_is_dropped() {
    let disk = SimulatedDisk::new();
    let first = disk.lock().unwrap();
    assert_eq!(disk.lock().err().unwrap().kind(), io::ErrorKind::WouldBlock);
    drop(first);
    disk.lock().unwrap();
}
