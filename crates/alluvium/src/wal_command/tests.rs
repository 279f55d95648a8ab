//! What `alluvium wal salvage` and `alluvium wal dump` say of a directory, and that they leave it as it was.

use super::*;
use formats::{compression::Codec, record_batch::BatchBuilder};
use model::{ClusterId, PartitionIndex, TopicId};
use runtime::Randomness;
use std::{sync::Arc, time::Duration};
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

fn dump(directory: &Path) -> Result<(serde_json::Value, ExitCode), String> {
    let output = cli::OutputFormat::Json;
    let mut said = Vec::new();
    let command = WalCommand::Dump { wal_dir: directory.to_owned(), output };
    let code = command.run(&mut said).map_err(|Failure(line)| line)?;
    Ok((serde_json::from_slice(&said).unwrap(), code))
}

/// A directory in which three frames lie in groups of their own.
fn three_groups() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let wal = open(directory.path(), Start::Continue);
    for offset in 0..3 {
        append(&wal, 1, offset, 4);
        while wal.synced() < wal.end() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    wal.close().unwrap();
    directory
}

#[test]
fn every_frame_is_told_with_its_place() {
    let directory = three_groups();
    let before = content(directory.path());
    let (told, code) = dump(directory.path()).unwrap();
    assert_eq!(code, ExitCode::SUCCESS, "{told}");
    assert_eq!(told["cluster"], "test");
    let frames = told["frames"].as_array().unwrap();
    assert_eq!(frames.len(), 3, "{told}");
    for (offset, frame) in frames.iter().enumerate() {
        assert_eq!(frame["base_offset"], offset);
        assert_eq!((&frame["epoch"], &frame["records"]), (&4.into(), &1.into()));
        assert_eq!((&frame["kind"], &frame["state"]), (&"records".into(), &"intact".into()));
    }
    let file = &told["files"][0];
    assert_eq!((&file["kind"], &file["frames"]), (&"live".into(), &3.into()));
    assert_eq!((&file["file"], &file["wal"]), (&frames[0]["file"], &told["wal"]));
    assert_eq!(content(directory.path()), before);
}

#[test]
fn damage_is_a_line_with_its_place_and_what_lies_beyond_is_told_too() {
    let directory = three_groups();
    let (whole, _) = dump(directory.path()).unwrap();
    let second = &whole["frames"][1];
    let path = directory.path().join(second["file"].as_str().unwrap());
    let mut bytes = std::fs::read(&path).unwrap();
    // In the frame's batch, behind its header.
    bytes[second["at_byte"].as_u64().unwrap() as usize + 64 + 30] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let (told, code) = dump(directory.path()).unwrap();
    assert_eq!(code, ExitCode::FAILURE, "{told}");
    let frames = told["frames"].as_array().unwrap();
    let kinds: Vec<_> = frames.iter().map(|frame| frame["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["records", "damage", "records"]);
    // A group is read as a whole, and begins with its header.
    assert_eq!(frames[1]["at_byte"], second["at_byte"].as_u64().unwrap() - 64);
    let reason = frames[1]["state"].as_str().unwrap();
    assert!(reason.starts_with("damaged: ") && reason.contains("CRC"), "{reason}");
    assert_eq!(frames[2]["state"], "intact, beyond the end");
    assert_eq!(
        (&told["files"][0]["frames"], &told["files"][0]["frames_beyond"]),
        (&1.into(), &1.into())
    );
}

#[test]
fn a_damaged_identity_is_told_and_a_running_broker_keeps_its_directory() {
    let directory = three_groups();
    std::fs::write(directory.path().join("identity"), b"mine").unwrap();
    let (told, code) = dump(directory.path()).unwrap();
    assert_eq!(code, ExitCode::FAILURE);
    assert!(told["identity"].as_str().unwrap().starts_with("damaged: "), "{told}");
    assert_eq!(told["frames"].as_array().unwrap().len(), 3);
    let directory = tempfile::tempdir().unwrap();
    let _wal = open(directory.path(), Start::Continue);
    assert!(dump(directory.path()).unwrap_err().contains("running"));
}
