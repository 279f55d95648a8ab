//! What `alluvium wal salvage` says of a directory, and that it leaves it as it was.

use super::*;
use formats::{compression::Codec, record_batch::BatchBuilder};
use model::{ClusterId, PartitionIndex, TopicId};
use runtime::Randomness;
use std::sync::Arc;
use wal::{Durability, FrameMeta, LocalWal, LocalWalOptions, Start, Wal};

fn open(directory: &Path, start: Start) -> LocalWal {
    let mut options = LocalWalOptions::new(ClusterId::new("test").unwrap());
    options.file_bytes = 1 << 20;
    options.start = start;
    let disk = Arc::new(LocalDisk::open(directory).unwrap());
    LocalWal::open(disk, options, &Randomness::seeded(1)).unwrap().0
}

/// Appends a batch of one record; answers it as it was taken in.
fn append(wal: &LocalWal, partition: u32, base_offset: u64, epoch: u32) -> Vec<u8> {
    let mut batch = BatchBuilder::new(Codec::None)
        .base_offset(i64::try_from(base_offset).unwrap())
        .leader_epoch(i32::try_from(epoch).unwrap());
    batch.push(0, None, Some(b"value"), &[]);
    let meta = FrameMeta {
        partition: PartitionId {
            topic: TopicId::from_bytes([7; 16]),
            partition: PartitionIndex::new(partition).unwrap(),
        },
        base_offset: Offset::new(base_offset).unwrap(),
        leader_epoch: LeaderEpoch::new(epoch).unwrap(),
    };
    wal.append(meta, &[&batch.build()], Durability::Synced).unwrap().payload.to_vec()
}

fn salvage(directory: &Path, output: Option<&Path>) -> Result<String, String> {
    let command =
        WalCommand::Salvage { wal_dir: directory.to_owned(), output: output.map(Path::to_owned) };
    let mut said = Vec::new();
    command.run(&mut said).map_err(|Failure(line)| line)?;
    Ok(String::from_utf8(said).unwrap())
}

fn content(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

#[test]
fn partitions_are_told_apart_and_written_one_after_the_other() {
    let directory = tempfile::tempdir().unwrap();
    let wal_dir = directory.path().join("wal");
    let wal = open(&wal_dir, Start::Continue);
    let earlier = [append(&wal, 0, 0, 1), append(&wal, 1, 5, 1)];
    wal.close().unwrap();
    let wal = open(&wal_dir, Start::Afresh);
    let later = append(&wal, 0, 1, 2);
    wal.close().unwrap();
    drop(wal);
    let before = content(&wal_dir);
    let output = directory.path().join("batches");
    let said = salvage(&wal_dir, Some(&output)).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].contains("partition 0: 2 batches"), "{said}");
    assert!(lines[0].contains("base offsets 0 to 1, epochs 1 to 2, 1 in quarantine"), "{said}");
    assert!(lines[1].contains("partition 1: 1 batches"), "{said}");
    let [first, second] = earlier;
    assert!(lines[1].ends_with(&format!("from byte {}", first.len() + later.len())), "{said}");
    assert_eq!(std::fs::read(&output).unwrap(), [first, later, second].concat());
    assert_eq!(content(&wal_dir), before);
}

#[test]
fn a_running_brokers_directory_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let wal = open(directory.path(), Start::Continue);
    append(&wal, 0, 0, 1);
    let refused = salvage(directory.path(), None).unwrap_err();
    assert!(refused.contains("--wal-dir") && refused.contains("running"), "{refused}");
}

#[test]
fn a_missing_directory_is_not_made_and_an_existing_output_not_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing");
    assert!(salvage(&missing, None).unwrap_err().contains("--wal-dir"));
    assert!(!missing.exists());
    let output = directory.path().join("mine");
    std::fs::write(&output, "kept").unwrap();
    assert!(salvage(directory.path(), Some(&output)).unwrap_err().contains("--output"));
    assert_eq!(std::fs::read(&output).unwrap(), b"kept");
}
