//! Kafka Connect: two distributed workers carry lines from a file through a topic into a file, and one of them is killed.

use crate::harness::{
    Deployment, Kind, Worker,
    programs::{create_topic, kafka_tool, run, text},
    records::{CLEANED_SOON, count_records, read_values},
    until,
};
use serde_json::json;
use std::{collections::BTreeSet, fs, io::Write, ops::Range, path::Path};

const PARTITIONS: u32 = 2;

fn line(number: u32) -> String {
    format!("line {number}")
}

fn append_lines(path: &Path, numbers: Range<u32>) {
    let mut file = fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    for number in numbers {
        writeln!(file, "{}", line(number)).unwrap();
    }
}

/// Waits until all lines below `count` stand in the sink's file, whose delivery is at least once.
fn until_delivered(path: &Path, count: u32) {
    let expected: BTreeSet<String> = (0..count).map(line).collect();
    until(&format!("not all of {count} lines came to {}", path.display()), || {
        let delivered = fs::read_to_string(path).unwrap_or_default();
        expected.is_subset(&delivered.lines().map(str::to_owned).collect())
    });
}

fn assert_compacted(address: &str, topic: &str) {
    let mut configs = kafka_tool("kafka.admin.ConfigCommand");
    configs.args(["--bootstrap-server", address, "--describe", "--entity-type", "topics"]);
    let shown = text(&run(configs.args(["--entity-name", topic]), b"").stdout);
    assert!(shown.contains("cleanup.policy=compact"), "{topic}: {shown}");
}

/// The worker of the source is killed, then the other: who comes later knows of the source's offsets by what compaction left of them.
fn delivers_every_line(kind: Kind) {
    let deployment = Deployment::start(kind);
    let settings = [&["group.initial.rebalance.delay.ms=0"][..], &CLEANED_SOON].concat();
    let brokers = deployment.serve(&settings);
    let address = brokers.address();
    let directory = deployment.directory();
    let (from, to) = (directory.join("from.txt"), directory.join("to.txt"));
    create_topic(&address, "lines", PARTITIONS, &[]);
    append_lines(&from, 0..1_000);
    let mut workers =
        Vec::from(["one", "two"].map(|name| Worker::start(directory, name, &address)));
    let source = json!({
        "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector",
        "file": from, "topic": "lines", "batch.size": "100",
    });
    let sink = json!({
        "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
        "file": to, "topics": "lines", "consumer.override.isolation.level": "read_committed",
    });
    workers[0].configure("source", &source);
    workers[0].configure("sink", &sink);
    until_delivered(&to, 1_000);
    for topic in ["connect-configs", "connect-offsets", "connect-status"] {
        assert_compacted(&address, topic);
    }
    let is_source = |worker: &Worker| worker.runs_task_of("source", worker);
    let victim = workers.iter().position(is_source).expect("somebody runs the source");
    append_lines(&from, 1_000..2_000);
    workers.remove(victim).kill();
    append_lines(&from, 2_000..3_000);
    until("the source's task did not move", || is_source(&workers[0]));
    until_delivered(&to, 3_000);

    workers.remove(0).kill();
    until("what the source wrote of its offsets was not compacted", || {
        count_records(&address, "connect-offsets") < 10
    });
    append_lines(&from, 3_000..4_000);
    let _later = Worker::start(directory, "three", &address);
    until_delivered(&to, 4_000);
    let mut written = read_values(&address, "lines", PARTITIONS, "read_committed");
    let mut expected: Vec<String> = (0..4_000).map(line).collect();
    written.sort_unstable();
    expected.sort_unstable();
    assert_eq!(written, expected, "each line once: the source writes in transactions");
}

#[test]
fn connect_delivers_every_line_although_the_worker_of_the_source_is_killed() {
    delivers_every_line(Kind::Embedded);
}

#[test]
#[ignore = "long: the same on etcd and MinIO"]
fn connect_on_etcd_and_minio_delivers_every_line_although_the_worker_of_the_source_is_killed() {
    delivers_every_line(Kind::Cluster);
}

#[test]
#[ignore = "long: the same on three brokers"]
fn connect_on_three_brokers_delivers_every_line_although_the_worker_of_the_source_is_killed() {
    delivers_every_line(Kind::Three);
}
