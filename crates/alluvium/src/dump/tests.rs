//! What dumps say of objects that are whole, and that they say something of any that are not.

use super::*;
use crate::{Arguments, Command};
use bytes::Bytes;
use clap::Parser;
use formats::{
    compression::Codec,
    index_object::IndexWriter,
    record_batch::{BatchBuilder, BatchHeader},
    segment::{AbortedTransaction, Footer, SegmentAuthor, SegmentWriter, SliceContents},
};
use model::{Offset, PartitionId, PartitionIndex, ProducerId, SessionId, TopicId, WalId};
use serde_json::Value;
use std::{fs, path::Path};

const SESSION: SessionId = SessionId::from_bytes([5; 16]);
const SEGMENT: &str =
    "data/00/05050505050505050505050505050505/00000000000000000001-0123456789abcdef";

/// Runs a command as it is typed; what it printed, and its failure or whether it found damage.
async fn typed(words: &[&str]) -> (String, Result<bool, String>) {
    let words = ["alluvium"].iter().chain(words);
    let mut out = Vec::new();
    let code = match Arguments::try_parse_from(words).unwrap().command {
        Command::Segment { command } => command.run(&mut out).await,
        Command::Manifest { command } => command.run(&mut out).await,
        Command::Wal { command } => command.run(&mut out),
        other => panic!("{other:?}"),
    };
    let damaged = code.map(|code| code != ExitCode::SUCCESS).map_err(|Failure(line)| line);
    (String::from_utf8(out).unwrap(), damaged)
}

fn json(told: &str) -> Value {
    serde_json::from_str(told).unwrap()
}

fn batch(base_offset: i64, records: u32) -> Bytes {
    let mut batch = BatchBuilder::new(Codec::None).base_offset(base_offset).leader_epoch(3);
    for record in 0..records {
        batch.push(1_000 + i64::from(record), None, Some(b"value"), &[]);
    }
    batch.build()
}

fn slice(base_offset: i64) -> SliceContents {
    let mut contents = SliceContents::new();
    for bytes in [batch(base_offset, 2), batch(base_offset + 2, 1)] {
        contents.push(&BatchHeader::parse(&bytes).unwrap(), [bytes], None).unwrap();
    }
    contents
}

fn partition(index: u32) -> PartitionId {
    let topic = TopicId::from_bytes([7; 16]);
    PartitionId { topic, partition: PartitionIndex::new(index).unwrap() }
}

fn offset(offset: u64) -> Offset {
    Offset::new(offset).unwrap()
}

/// Two partitions, each with two batches of three records in all.
fn segment() -> (Vec<u8>, Footer) {
    let mut writer = SegmentWriter::new();
    writer.push(partition(0), slice(0), offset(3), Vec::new()).unwrap();
    let aborted = AbortedTransaction {
        producer_id: ProducerId::new(9).unwrap(),
        first_offset: offset(10),
        last_offset: offset(12),
    };
    writer.push(partition(1), slice(10), offset(11), vec![aborted]).unwrap();
    writer.sign(SegmentAuthor {
        wal: WalId::from_bytes([2; 16]),
        session_revision: 41,
        committed_through: 7,
    });
    let segment = writer.finish();
    (segment.parts.concat(), segment.footer)
}

/// Two commits, of which each has partitions 0 and 1.
fn index() -> Vec<u8> {
    let (_, footer) = segment();
    let mut writer = IndexWriter::new(SESSION, 1);
    writer.push_commit(SEGMENT, 1, &footer.slices).unwrap();
    let mut later = footer;
    for slice in &mut later.slices {
        slice.base_offset = slice.end_offset;
        slice.end_offset = slice.end_offset.plus(1);
        slice.epochs = vec![(slice.epochs[0].0, slice.base_offset)];
        slice.batches.clear();
    }
    writer.push_commit("data/00/later", 2, &later.slices).unwrap();
    writer.finish().unwrap().parts.concat()
}

fn file(directory: &Path, bytes: &[u8]) -> String {
    let path = directory.join("object");
    fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

#[tokio::test]
async fn a_segment_tells_its_slices_and_each_batch() {
    let directory = tempfile::tempdir().unwrap();
    let (bytes, _) = segment();
    let path = file(directory.path(), &bytes);
    let (told, damaged) = typed(&["segment", "dump", &path, "--output", "json"]).await;
    assert_eq!(damaged, Ok(false), "{told}");
    let told = json(&told);
    assert_eq!(told["kind"], "segment");
    assert_eq!((&told["bytes"], &told["format_version"]), (&bytes.len().into(), &1.into()));
    assert_eq!((&told["session_revision"], &told["committed_through"]), (&41.into(), &7.into()));
    let slice = &told["slices"][1];
    assert_eq!((&slice["base_offset"], &slice["end_offset"]), (&10.into(), &13.into()));
    assert_eq!((&slice["epochs"], &slice["batches"]), (&"3".into(), &2.into()));
    assert_eq!((&slice["records"], &slice["last_stable_offset"]), (&3.into(), &11.into()));
    assert_eq!(
        (&slice["aborted_transactions"], &slice["max_timestamp"]),
        (&1.into(), &1001.into())
    );
    assert_eq!(told["batches"], Value::Null);

    let (told, damaged) = typed(&["segment", "dump", &path, "--batches", "--output", "json"]).await;
    assert_eq!(damaged, Ok(false), "{told}");
    let told = json(&told);
    let batches = told["batches"].as_array().unwrap();
    assert_eq!(batches.len(), 4);
    assert!(batches.iter().all(|batch| batch["state"] == "intact"), "{told}");
    assert_eq!((&batches[2]["base_offset"], &batches[2]["records"]), (&10.into(), &2.into()));
}

#[tokio::test]
async fn people_read_the_same_in_columns() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(directory.path(), &segment().0);
    let (told, _) = typed(&["segment", "dump", &path, "--batches"]).await;
    for wanted in ["kind: segment\n", "\nslices:\ntopic ", "\nbatches:\ntopic ", "  intact\n"] {
        assert!(told.contains(wanted), "{wanted:?} is not in\n{told}");
    }
}

#[tokio::test]
async fn an_index_object_tells_its_runs_and_the_slices_that_they_list() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(directory.path(), &index());
    for flag in ["--slices", "--batches"] {
        let (told, damaged) = typed(&["segment", "dump", &path, flag, "--output", "json"]).await;
        assert_eq!(damaged, Ok(false), "{told}");
        let told = json(&told);
        assert_eq!((&told["kind"], &told["level"]), (&"index object".into(), &1.into()));
        assert_eq!((&told["from_seq"], &told["through_seq"]), (&1.into(), &2.into()));
        assert_eq!(told["session"], SESSION.to_string());
        assert_eq!(told["runs"].as_array().unwrap().len(), 2);
        assert_eq!(told["runs"][0]["slices"], 2);
        let slices = told["slices"].as_array().unwrap();
        assert_eq!(slices.len(), 4);
        assert_eq!((&slices[0]["segment"], &slices[0]["seq"]), (&SEGMENT.into(), &1.into()));
    }
    let (told, _) = typed(&["segment", "dump", &path]).await;
    assert!(told.contains("\nruns:\n") && !told.contains("\nslices:\n"), "{told}");
}

#[tokio::test]
async fn a_damaged_batch_is_named_among_those_that_are_whole() {
    let directory = tempfile::tempdir().unwrap();
    let (mut bytes, footer) = segment();
    let second = &footer.slices[1];
    let at = second.bytes.start + u64::from(second.batches[1].position) + 70;
    bytes[at as usize] ^= 1;
    let path = file(directory.path(), &bytes);
    // Nobody reads data for a list of slices.
    assert_eq!(typed(&["segment", "dump", &path]).await.1, Ok(false));
    let (told, damaged) = typed(&["segment", "dump", &path, "--batches", "--output", "json"]).await;
    assert_eq!(damaged, Ok(true));
    let batches = &json(&told)["batches"];
    let states: Vec<_> = (0..4).map(|batch| batches[batch]["state"].as_str().unwrap()).collect();
    assert_eq!(states[..3], ["intact"; 3]);
    assert!(states[3].starts_with("damaged: ") && states[3].contains("CRC"), "{states:?}");
}

#[tokio::test]
async fn any_flipped_bit_is_told_and_none_is_fatal() {
    let directory = tempfile::tempdir().unwrap();
    for whole in [segment().0, index()] {
        for position in 0..whole.len() {
            // The header's zeroes mean nothing.
            if (10..16).contains(&position) {
                continue;
            }
            let mut bytes = whole.clone();
            bytes[position] ^= 1;
            let path = file(directory.path(), &bytes);
            let (told, damaged) = typed(&["segment", "dump", &path, "--batches", "--slices"]).await;
            match damaged {
                Ok(damaged) => assert!(damaged && told.contains("damaged: "), "{position}: {told}"),
                Err(line) => assert!(line.contains(&path) && !line.contains('\n'), "{line}"),
            }
        }
    }
}

#[tokio::test]
async fn an_object_that_is_cut_anywhere_is_one_clear_line() {
    let directory = tempfile::tempdir().unwrap();
    for whole in [segment().0, index()] {
        for length in 0..whole.len() {
            let path = file(directory.path(), &whole[..length]);
            let (told, damaged) = typed(&["segment", "dump", &path, "--batches"]).await;
            assert_eq!(told, "");
            let line = damaged.unwrap_err();
            assert!(line.starts_with(&path) && !line.contains('\n'), "{line}");
            if length >= 16 {
                assert!(line.contains("cut short") && line.contains("alluvium fsck"), "{line}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_no_segment_says_what_would_be() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(directory.path(), b"a page of a book that has nothing to do with any of this");
    let line = typed(&["segment", "dump", &path]).await.1.unwrap_err();
    assert!(line.contains("is no segment") && line.contains("gathered/"), "{line}");
    let folder = directory.path().display().to_string();
    let line = typed(&["segment", "dump", &folder]).await.1.unwrap_err();
    assert!(line.contains("is no file"), "{line}");
}

#[tokio::test]
async fn an_object_is_found_by_its_name_and_a_missing_one_names_the_bucket() {
    let directory = tempfile::tempdir().unwrap();
    let object = directory.path().join(SEGMENT);
    fs::create_dir_all(object.parent().unwrap()).unwrap();
    fs::write(object, segment().0).unwrap();
    let url = format!("file://{}", directory.path().display());
    let dump = async |name: &str| {
        typed(&["segment", "dump", name, "--object-store", &url, "--output", "json"]).await
    };
    let (told, damaged) = dump(SEGMENT).await;
    assert_eq!(damaged, Ok(false), "{told}");
    assert_eq!(json(&told)["kind"], "segment of a flush");
    let missing = dump("data/00/nothing").await.1.unwrap_err();
    assert!(
        missing.contains("has no object of this name") && missing.contains(&url[7..]),
        "{missing}"
    );
    assert!(dump("no name?").await.1.unwrap_err().contains("no object can have this name"));
    let nowhere = directory.path().join("nowhere").display().to_string();
    let line = typed(&["segment", "dump", SEGMENT, "--data-dir", &nowhere]).await.1.unwrap_err();
    assert!(line.contains("there is no file") && line.contains("--data-dir"), "{line}");
    assert!(!Path::new(&nowhere).exists());
}

#[tokio::test]
async fn a_directory_without_a_wal_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().display().to_string();
    let line = typed(&["wal", "dump", "--wal-dir", &path]).await.1.unwrap_err();
    assert!(line.contains("--wal-dir") && line.contains("neither"), "{line}");
}
