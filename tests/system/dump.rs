//! `alluvium segment|wal|manifest dump` tell what a broker stored: its records are where they say, and damage is a line of theirs.

use crate::harness::{
    Broker, Deployment, Kind, eventually,
    programs::{alluvium, attempt, create_topic, text},
    records::produce,
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const PARTITIONS: u32 = 2;
const RECORDS: u64 = 400;

/// Folding that takes hours elsewhere takes a few flushes here.
const HURRIED: [&str; 3] =
    ["fold.commits=4", "flush.max.interval.idle=50ms", "log.retention.check.interval.ms=500"];

/// What a dump told, and its exit status.
fn dump(words: &[&str]) -> (Value, i32) {
    let output = attempt(alluvium().args(words).args(["--output", "json"]), b"");
    let told = serde_json::from_slice(&output.stdout);
    let told = told.unwrap_or_else(|_| text(&output.stderr).into());
    (told, output.status.code().unwrap())
}

/// What a dump told of what is whole.
fn dump_whole(words: &[&str]) -> Value {
    let (told, code) = dump(words);
    assert_eq!(code, 0, "{words:?}: {told}");
    told
}

fn lines<'a>(told: &'a Value, table: &str) -> &'a Vec<Value> {
    told[table].as_array().unwrap_or_else(|| panic!("no {table} in {told}"))
}

/// The names of the objects of one kind.
fn objects(deployment: &Deployment, kind: &str) -> Vec<String> {
    let bucket = deployment.local().join("objects");
    let mut folders = vec![bucket.join(kind)];
    let mut names = Vec::new();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(folder) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                names.push(path.strip_prefix(&bucket).unwrap().display().to_string());
            }
        }
    }
    names
}

/// A stopped broker's deployment, in which commits were folded.
fn folded() -> Deployment {
    let deployment = Deployment::start(Kind::Embedded);
    let mut broker: Broker = deployment.broker(&HURRIED);
    create_topic(&broker.address(), "orders", PARTITIONS, &[]);
    let waves = 20;
    for wave in 0..waves {
        let each = RECORDS as u32 / waves;
        produce(&broker.address(), "orders", wave * each..(wave + 1) * each);
    }
    eventually(|| match broker.counter("alluvium_folds_total") {
        0 => Err("nothing was folded".to_owned()),
        _ => Ok(()),
    });
    assert!(broker.stop().is_some_and(|status| status.success()), "{}", broker.log());
    deployment
}

/// A copy of an object with another byte at `position`.
fn damaged_copy(deployment: &Deployment, object: &str, position: u64) -> PathBuf {
    let mut bytes = fs::read(deployment.local().join("objects").join(object)).unwrap();
    bytes[position as usize] ^= 1;
    let path = deployment.directory().join("copy");
    fs::write(&path, bytes).unwrap();
    path
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn what_a_broker_stored_is_told_by_object_log_and_directory() {
    let deployment = folded();
    let data = shown(&deployment.local());
    let stores = ["--data-dir", data.as_str()];

    let manifest = dump_whole(&[&["manifest", "dump", "orders"], &stores[..]].concat());
    let topic = manifest["id"].as_str().unwrap();
    assert_eq!(manifest["partitions"], PARTITIONS);
    assert_eq!(lines(&manifest, "owners").len(), PARTITIONS as usize);
    let by_id = dump_whole(&[&["manifest", "dump", topic, "1"], &stores[..]].concat());
    assert_eq!(lines(&by_id, "owners")[0], lines(&manifest, "owners")[1]);
    assert_eq!(lines(&by_id, "owners").len(), 1);

    // Every record is in a batch of some segment, intact.
    let (mut found, mut some_batch) = (BTreeSet::new(), None);
    let kinds = ["data", "gathered", "partition"].map(|kind| objects(&deployment, kind));
    for object in kinds.concat().into_iter().filter(|object| !object.ends_with("-rest")) {
        let told = dump_whole(&[&["segment", "dump", &object, "--batches"], &stores[..]].concat());
        let in_bucket = deployment.local().join("objects").join(&object);
        let of_file = dump_whole(&["segment", "dump", &shown(&in_bucket), "--batches"]);
        assert_eq!(lines(&told, "batches"), lines(&of_file, "batches"));
        for batch in lines(&told, "batches").iter().filter(|batch| batch["topic"] == topic) {
            assert_eq!(batch["state"], "intact", "{told}");
            let number = |name: &str| batch[name].as_u64().unwrap();
            let offsets = number("base_offset")..number("end_offset");
            assert_eq!(offsets.end - offsets.start, number("records"));
            found.extend(offsets.map(|offset| (number("partition"), offset)));
            some_batch = Some((object.clone(), batch.clone()));
        }
    }
    assert_eq!(found.len() as u64, RECORDS);

    let indexes = objects(&deployment, "index");
    assert!(!indexes.is_empty(), "nothing was folded");
    let mut indexed = 0;
    for object in &indexes {
        let told = dump_whole(&[&["segment", "dump", object, "--slices"], &stores[..]].concat());
        assert_eq!(told["kind"], "index object");
        indexed += lines(&told, "slices").iter().filter(|slice| slice["topic"] == topic).count();
    }
    assert!(indexed > 0, "no index object lists a slice of the topic");

    let wal = shown(&deployment.local().join("wal"));
    let told = dump_whole(&["wal", "dump", "--wal-dir", &wal]);
    assert!(!lines(&told, "files").is_empty(), "{told}");
    let own = lines(&told, "frames").iter().filter(|frame| frame["topic"] == topic);
    assert!(own.clone().count() > 0, "{told}");
    assert!(own.into_iter().all(|frame| frame["state"] == "intact"), "{told}");

    let (segment, batch) = some_batch.unwrap();
    let at = batch["from_byte"].as_u64().unwrap() + batch["bytes"].as_u64().unwrap() - 1;
    let copy = shown(&damaged_copy(&deployment, &segment, at));
    let (told, code) = dump(&["segment", "dump", &copy, "--batches"]);
    assert_eq!(code, 1, "{told}");
    let damaged = |batch: &&Value| batch["state"].as_str().unwrap().starts_with("damaged: ");
    let damaged: Vec<_> = lines(&told, "batches").iter().filter(damaged).collect();
    assert_eq!(damaged.len(), 1, "{told}");
    assert_eq!(damaged[0]["base_offset"], batch["base_offset"]);
}

#[test]
fn what_is_not_there_or_in_use_is_one_line() {
    let deployment = Deployment::start(Kind::Embedded);
    let mut broker = deployment.broker(&[]);
    create_topic(&broker.address(), "orders", 1, &[]);
    let data = shown(&deployment.local());
    let refused = |words: &[&str], wanted: &str| {
        let (told, code) = dump(words);
        let line = told.as_str().unwrap_or_default();
        assert_eq!(code, 1, "{words:?}: {told}");
        assert!(line.contains(wanted) && line.lines().count() == 1, "{words:?}: {told}");
    };
    refused(&["manifest", "dump", "orders", "--data-dir", &data], "another broker uses");
    let wal = shown(&deployment.local().join("wal"));
    refused(&["wal", "dump", "--wal-dir", &wal], "running");
    refused(&["segment", "dump", "data/00/none", "--data-dir", &data], "no object of this name");
    assert!(broker.stop().is_some_and(|status| status.success()));
    refused(&["manifest", "dump", "invoices", "--data-dir", &data], "has no topic invoices");
    refused(&["manifest", "dump", "orders", "7", "--data-dir", &data], "no partition 7");
    let identity = shown(&deployment.local().join("wal/identity"));
    refused(&["segment", "dump", &identity], "is no segment");
}
