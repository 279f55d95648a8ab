//! Log compaction beside Apache Kafka's: the same history leaves the same records at the same offsets.

use crate::harness::{
    Deployment, Kafka, Kind, eventually,
    programs::{python, run, text},
};
use std::{thread, time::Duration};

/// Longer than the topics' `segment.ms`: what was written before is not active any more.
const SEGMENT_MS: Duration = Duration::from_millis(1_500);

/// A topic that is compacted soon, however little of it is new.
const SOON: [&str; 3] =
    ["cleanup.policy=compact", "segment.ms=1000", "min.cleanable.dirty.ratio=0"];

/// What is flushed together is cleaned together: a flush ends before the next record that rolls.
const SOON_AND_OFTEN: [&str; 2] = ["log.cleaner.backoff.ms=200", "flush.max.interval.idle=200ms"];

/// A topic of some broker.
struct Topic<'a> {
    address: &'a str,
    name: &'a str,
}

impl Topic<'_> {
    fn program(&self, action: &str, more: &[&str]) -> String {
        let mut program = python("compaction.py");
        program.args([action, "--bootstrap", self.address, "--topic", self.name]).args(more);
        text(&run(&mut program, b"").stdout)
    }

    fn create(&self, more: &[&str]) {
        let configs: Vec<_> = SOON.iter().chain(more).flat_map(|it| ["--config", it]).collect();
        self.program("create", &configs);
    }

    fn put(&self, key: &str, value: &str) -> String {
        self.program("put", &["--key", key, "--value", value]).trim().to_owned()
    }

    /// Begins another segment: what came before can be cleaned then.
    fn roll(&self, value: &str) {
        thread::sleep(SEGMENT_MS);
        assert_eq!(self.put("roll", value), "stored");
    }

    fn records(&self, isolation: &str) -> Vec<String> {
        let printed = self.program("read", &["--isolation", isolation]);
        printed.lines().map(ToOwned::to_owned).collect()
    }

    /// The records once none of them has this in it.
    fn records_without(&self, gone: &str) -> Vec<String> {
        eventually(|| {
            let records = self.records("read_uncommitted");
            let left = records.iter().filter(|record| record.contains(gone)).count();
            if left == 0 { Ok(records) } else { Err(format!("{left} records have {gone}")) }
        })
    }
}

/// What is left of a history after a round of cleaning.
fn left_of_history(address: &str) -> [Vec<String>; 2] {
    let topic = Topic { address, name: "history" };
    topic.create(&[]);
    topic.program("history", &[]);
    topic.roll("1");
    // Of the last transaction, which was aborted: cleaning may come so far in several rounds.
    let left = topic.records_without(r#""transaction-7""#);
    [left, topic.records("read_committed")]
}

/// What is left of tombstones once they are older than `delete.retention.ms`.
fn left_of_tombstones(address: &str) -> Vec<String> {
    let topic = Topic { address, name: "tombstones" };
    topic.create(&["delete.retention.ms=1000"]);
    topic.program("history", &[]);
    topic.roll("1");
    topic.records_without(r#""transaction-7""#);
    topic.roll("2");
    topic.roll("3");
    topic.records_without("null,");
    // Then the last round is over, in which the second was the last of its key that could be cleaned.
    topic.records_without(r#""roll", "1""#)
}

fn assert_like_kafka(kind: Kind) {
    let kafka = Kafka::start().unwrap();
    let kafka = kafka.endpoint().replace("http://", "");
    let deployment = Deployment::start(kind);
    let mut broker = deployment.broker(&SOON_AND_OFTEN);
    let address = broker.address();
    let ours = left_of_history(&address);
    assert_eq!(ours, left_of_history(&kafka));
    assert!(ours[0].len() > 20 && ours[1].len() == ours[0].len(), "{ours:?}");
    let tombstones = left_of_tombstones(&address);
    assert_eq!(tombstones, left_of_tombstones(&kafka));

    assert!(broker.stop().is_some_and(|status| status.success()));
    broker.restart();
    let address = broker.address();
    let again = Topic { address: &address, name: "history" }.records("read_uncommitted");
    assert_eq!(again, ours[0], "after a restart");
}

#[test]
#[ignore = "long: waits for Kafka's cleaner, which looks every 15 seconds"]
fn an_embedded_broker_compacts_as_kafka_does() {
    assert_like_kafka(Kind::Embedded);
}

#[test]
#[ignore = "long: waits for Kafka's cleaner, which looks every 15 seconds"]
fn a_broker_on_etcd_and_minio_compacts_as_kafka_does() {
    assert_like_kafka(Kind::Cluster);
}

#[test]
fn a_record_without_a_key_is_refused_by_a_compacted_topic() {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.broker(&[]);
    let topic = Topic { address: &broker.address(), name: "keyed" };
    topic.create(&[]);
    assert_eq!(topic.program("put", &["--value", "v"]).trim(), "INVALID_RECORD");
    assert_eq!(topic.put("k", "v"), "stored");
}
