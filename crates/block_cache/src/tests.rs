use crate::{BlockCache, BlockCacheOptions, BlockKey, CAPACITY_MIN_BYTES, OpenError};
use bytes::Bytes;
use runtime::Tasks;
use std::{
    fs::{self, File},
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;

const MIB: usize = 1 << 20;
const PAGE: usize = 4096;

fn options(directory: &Path) -> BlockCacheOptions {
    BlockCacheOptions {
        directory: directory.to_owned(),
        capacity_bytes: CAPACITY_MIN_BYTES,
        bytes_per_second: None,
        left_free_bytes: 0,
    }
}

async fn open(directory: &Path) -> BlockCache {
    BlockCache::open(options(directory), &Tasks::new()).await.unwrap()
}

async fn refusal(options: BlockCacheOptions) -> OpenError {
    BlockCache::open(options, &Tasks::new()).await.expect_err("it is refused")
}

fn key(number: usize, length: usize) -> BlockKey {
    BlockKey::new(
        "data/0a1b/segment",
        (number as u64) << 32..((number as u64) << 32) + length as u64,
    )
}

/// Bytes that no other block has.
fn block(number: usize, length: usize) -> Bytes {
    let word =
        |at: usize| (at as u64 ^ ((number as u64) << 40)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (0..length.div_ceil(8)).flat_map(|at| word(at).to_le_bytes()).take(length).collect()
}

/// Inserts a block and waits until it is on disk.
async fn write(cache: &BlockCache, number: usize, length: usize) {
    cache.insert(key(number, length), block(number, length));
    for _ in 0..2_000 {
        if cache.may_have(&key(number, length)) && cache.get(&key(number, length)).await.is_some() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("block {number} was never written");
}

fn regions(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut regions: Vec<_> =
        entries.filter(|path| path.to_string_lossy().contains("foyer-storage")).collect();
    regions.sort();
    regions
}

/// Bytes that the files of a directory take on disk.
fn bytes_taken(directory: &Path) -> u64 {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().metadata().unwrap().blocks() * 512).sum()
}

/// Directories on the file systems of this machine.
fn directories() -> Vec<TempDir> {
    let shared_memory = tempfile::tempdir_in("/dev/shm");
    std::iter::once(tempfile::tempdir().unwrap()).chain(shared_memory).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_is_there_after_a_restart() {
    for directory in directories() {
        let cache = open(directory.path()).await;
        let lengths = [1, PAGE, 100_000, MIB, 3 * MIB];
        for (number, length) in lengths.into_iter().enumerate() {
            write(&cache, number, length).await;
        }
        assert_eq!(cache.get(&key(9, 10)).await, None);
        cache.close().await;
        drop(cache);
        let cache = open(directory.path()).await;
        for (number, length) in lengths.into_iter().enumerate() {
            assert_eq!(cache.get(&key(number, length)).await, Some(block(number, length)));
        }
        assert!(!cache.may_have(&key(0, 2)), "other bytes of the same object");
        cache.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_is_there_after_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let (killed, copy) = (directory.path().join("killed"), directory.path().join("copy"));
    let cache = open(&killed).await;
    for number in 0..20 {
        write(&cache, number, MIB).await;
    }
    // Its files as they are, without anything that an end might do.
    fs::create_dir(&copy).unwrap();
    for region in regions(&killed) {
        fs::copy(&region, copy.join(region.file_name().unwrap())).unwrap();
    }
    let cache = open(&copy).await;
    for number in 0..20 {
        assert_eq!(cache.get(&key(number, MIB)).await, Some(block(number, MIB)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_changed_on_disk_are_not_answered() {
    let directory = tempfile::tempdir().unwrap();
    let cache = open(directory.path()).await;
    for number in 0..8 {
        write(&cache, number, MIB).await;
    }
    cache.close().await;
    drop(cache);
    // One bit in the middle of each block's bytes, found by what they are.
    let mut damaged = 0;
    for region in regions(directory.path()) {
        let content = fs::read(&region).unwrap();
        let file = File::options().write(true).open(&region).unwrap();
        for number in (0..8).step_by(2) {
            let middle = block(number, MIB).slice(MIB / 2..MIB / 2 + 64);
            if let Some(at) = content.windows(64).position(|window| window == middle) {
                file.write_all_at(&[content[at] ^ 1], at as u64).unwrap();
                damaged += 1;
            }
        }
    }
    assert_eq!(damaged, 4);
    let cache = open(directory.path()).await;
    for number in 0..8 {
        let expected = (number % 2 == 1).then(|| block(number, MIB));
        assert_eq!(cache.get(&key(number, MIB)).await, expected, "block {number}");
    }
    assert!(!cache.may_have(&key(0, MIB)), "it is forgotten");
    write(&cache, 0, MIB).await;
    assert_eq!(cache.get(&key(0, MIB)).await, Some(block(0, MIB)), "and written anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_its_reader_finds_damaged_is_forgotten() {
    let directory = tempfile::tempdir().unwrap();
    let cache = open(directory.path()).await;
    write(&cache, 1, MIB).await;
    cache.found_damaged(&key(1, MIB));
    // What is being written just then is known until it is written.
    while cache.may_have(&key(1, MIB)) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(cache.get(&key(1, MIB)).await, None);
    write(&cache, 1, MIB).await;
    assert_eq!(cache.get(&key(1, MIB)).await, Some(block(1, MIB)));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_rubbish_are_an_empty_cache() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()).await);
    for (number, region) in regions(directory.path()).into_iter().enumerate() {
        File::options()
            .write(true)
            .open(region)
            .unwrap()
            .write_all_at(&block(number, 16 * MIB), 0)
            .unwrap();
    }
    let copy = directory.path().join("copy");
    fs::create_dir(&copy).unwrap();
    for region in regions(directory.path()) {
        fs::rename(&region, copy.join(region.file_name().unwrap())).unwrap();
    }
    let cache = open(&copy).await;
    assert_eq!(cache.get(&key(1, MIB)).await, None);
    write(&cache, 1, MIB).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_disk_holds_no_more_than_the_capacity_and_the_oldest_blocks_go() {
    let directory = tempfile::tempdir().unwrap();
    let cache = open(directory.path()).await;
    let before = bytes_taken(directory.path());
    let count = 3 * CAPACITY_MIN_BYTES as usize / MIB;
    for number in 0..count {
        write(&cache, number, MIB).await;
    }
    let within = CAPACITY_MIN_BYTES + 64 * 1024;
    assert!(before <= within && bytes_taken(directory.path()) <= within);
    assert!(before >= CAPACITY_MIN_BYTES, "it is reserved from the start: {before}");
    let kept = (0..count).filter(|number| cache.may_have(&key(*number, MIB))).count();
    assert!((24..=64).contains(&kept), "{kept} blocks of 1 MiB in 64 MiB");
    assert!(!cache.may_have(&key(0, MIB)) && cache.may_have(&key(count - 1, MIB)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_smaller_capacity_takes_less_of_the_disk() {
    let directory = tempfile::tempdir().unwrap();
    let twice =
        BlockCacheOptions { capacity_bytes: 2 * CAPACITY_MIN_BYTES, ..options(directory.path()) };
    let cache = BlockCache::open(twice, &Tasks::new()).await.unwrap();
    write(&cache, 1, MIB).await;
    cache.close().await;
    drop(cache);
    fs::write(directory.path().join("of-somebody-else"), "kept").unwrap();
    let cache = open(directory.path()).await;
    assert!(bytes_taken(directory.path()) <= CAPACITY_MIN_BYTES + 64 * 1024);
    assert!(directory.path().join("of-somebody-else").exists());
    write(&cache, 2, MIB).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_faster_than_the_disk_takes_it_is_dropped() {
    let directory = tempfile::tempdir().unwrap();
    let cache = open(directory.path()).await;
    let one = block(1, MIB);
    for number in 0..10_000 {
        cache.insert(key(number, MIB), one.clone());
    }
    cache.insert(key(20_000, 5 * MIB), block(20_000, 5 * MIB));
    cache.close().await;
    let there = (0..10_000).filter(|number| cache.may_have(&key(*number, MIB))).count();
    assert!(there > 0 && there < 1_000, "{there}");
    assert!(!cache.may_have(&key(20_000, 5 * MIB)), "too large for it");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_directory_has_one_cache() {
    let directory = tempfile::tempdir().unwrap();
    let cache = open(directory.path()).await;
    let error = refusal(options(directory.path())).await;
    assert!(matches!(error, OpenError::Locked(_)), "{error}");
    assert!(error.to_string().contains("cache.dir"), "{error}");
    cache.close().await;
    open(directory.path()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_is_a_file_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "x").unwrap();
    let error = refusal(options(&file)).await;
    assert!(matches!(error, OpenError::Directory { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_without_room_is_told_and_nothing_is_left_on_it() {
    let directory = tempfile::tempdir().unwrap();
    let crowded = BlockCacheOptions { left_free_bytes: u64::MAX, ..options(directory.path()) };
    let error = refusal(crowded).await;
    assert!(matches!(error, OpenError::NoRoom { .. }), "{error}");
    assert!(error.to_string().contains("cache.max.bytes"), "{error}");
    assert!(regions(directory.path()).is_empty());
    let tiny = BlockCacheOptions { capacity_bytes: 1, ..options(directory.path()) };
    assert!(matches!(refusal(tiny).await, OpenError::TooSmall(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_that_was_killed_between_two_regions_is_written_again() {
    let directory = tempfile::tempdir().unwrap();
    let cache = open(directory.path()).await;
    for number in 0..100 {
        write(&cache, number, MIB).await;
    }
    cache.close().await;
    drop(cache);
    // The last empty region was begun, and the next one not emptied yet.
    let full = regions(directory.path()).into_iter().find_map(|region| {
        let content = fs::read(region).unwrap();
        content[..PAGE].iter().any(|byte| *byte != 0).then_some(content)
    });
    let full = full.unwrap();
    for region in regions(directory.path()) {
        let mut page = [0; PAGE];
        let file = File::options().read(true).write(true).open(&region).unwrap();
        file.read_exact_at(&mut page, 0).unwrap();
        if page.iter().all(|byte| *byte == 0) {
            file.write_all_at(&full, 0).unwrap();
        }
    }
    let cache = open(directory.path()).await;
    for number in 200..300 {
        write(&cache, number, MIB).await;
    }
}
