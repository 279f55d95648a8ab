//! What a directory of a real file system does.

use super::*;
use std::io::ErrorKind;

fn disk() -> (tempfile::TempDir, LocalDisk) {
    let directory = tempfile::tempdir().unwrap();
    let disk = LocalDisk::open(directory.path()).unwrap();
    (directory, disk)
}

/// A block that starts at an aligned address, as writers must give.
#[repr(align(4096))]
struct Block([u8; BLOCK_BYTES]);

#[test]
fn a_second_lock_is_refused_until_the_first_is_dropped() {
    let (_directory, disk) = disk();
    let first = disk.lock().unwrap();
    assert_eq!(disk.lock().err().unwrap().kind(), ErrorKind::WouldBlock);
    drop(first);
    disk.lock().unwrap();
}

#[test]
fn a_created_file_is_full_of_zeroes_and_reads_back_what_is_written() {
    let (_directory, disk) = disk();
    let file = disk.create("a", 3 * BLOCK_BYTES as u64).unwrap();
    let block = Box::new(Block([7; BLOCK_BYTES]));
    file.write_at(BLOCK_BYTES as u64, &block.0).unwrap();
    file.sync().unwrap();
    let mut content = vec![1; 3 * BLOCK_BYTES];
    file.read_at(0, &mut content).unwrap();
    assert!(content[..BLOCK_BYTES].iter().all(|byte| *byte == 0));
    assert!(content[BLOCK_BYTES..2 * BLOCK_BYTES].iter().all(|byte| *byte == 7));
    assert!(content[2 * BLOCK_BYTES..].iter().all(|byte| *byte == 0));
}

#[test]
fn a_write_past_the_end_or_off_the_blocks_is_refused() {
    let (_directory, disk) = disk();
    let file = disk.create("a", BLOCK_BYTES as u64).unwrap();
    let block = Box::new(Block([7; BLOCK_BYTES]));
    for (offset, bytes) in [(4096, &block.0[..]), (1, &block.0[..]), (0, &block.0[..100])] {
        assert_eq!(file.write_at(offset, bytes).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}

#[test]
fn small_files_are_replaced_whole_and_listed_by_name() {
    let (_directory, disk) = disk();
    assert_eq!(disk.read("b").unwrap(), None);
    disk.replace("b", b"one").unwrap();
    disk.replace("b", b"three").unwrap();
    disk.replace("a", b"").unwrap();
    let _lock = disk.lock().unwrap();
    assert_eq!(disk.read("b").unwrap().unwrap(), b"three");
    assert_eq!(disk.list().unwrap(), [("a".to_owned(), 0), ("b".to_owned(), 5)]);
    disk.rename("b", "c").unwrap();
    disk.remove("a").unwrap();
    assert_eq!(disk.list().unwrap(), [("c".to_owned(), 5)]);
    assert!(disk.free_bytes().unwrap() > 0);
}

#[test]
fn a_half_made_file_is_not_listed_and_goes_when_the_lock_is_taken() {
    let (directory, disk) = disk();
    let half = directory.path().join("a.unfinished");
    fs::write(&half, b"half").unwrap();
    assert_eq!(disk.list().unwrap(), []);
    let _lock = disk.lock().unwrap();
    assert!(!half.exists());
}
