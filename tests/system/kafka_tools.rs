//! Kafka's tools for brokers, records and load, as they are.

use crate::harness::{
    Brokers, Deployment, Kind,
    group_tool::described,
    programs::{attempt, create_topic, kafka_tool, run, text},
    records::read_values,
};
use serde_json::Value;
use std::{fs, process::Command};

fn broker(deployment: &Deployment) -> Brokers {
    deployment.serve(&["group.initial.rebalance.delay.ms=0"])
}

/// A tool of Kafka's package `org.apache.kafka.tools`, ready for its arguments.
fn tool(name: &str, address: &str) -> Command {
    let mut tool = kafka_tool(&format!("org.apache.kafka.tools.{name}"));
    tool.args(["--bootstrap-server", address]);
    tool
}

/// What it prints.
fn shown(name: &str, address: &str, arguments: &[&str]) -> String {
    text(&run(tool(name, address).args(arguments), b"").stdout)
}

fn write_numbers(address: &str, topic: &str, count: u32) {
    let numbers: Vec<String> = (0..count).map(|number| number.to_string()).collect();
    let mut kcat = Command::new("kcat");
    kcat.args(["-P", "-b", address, "-t", topic, "-p", "0"]);
    run(&mut kcat, (numbers.join("\n") + "\n").as_bytes());
}

/// The events of that name which a verifiable program tells.
fn events(output: &str, name: &str) -> Vec<Value> {
    let events = output.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.filter(|event| event["name"] == name).collect()
}

#[test]
fn kafkas_tools_describe_the_cluster() {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = broker(&deployment);
    let address = broker.address();
    create_topic(&address, "t", 1, &[]);
    let versions = shown("BrokerApiVersionsCommand", &address, &[]);
    assert!(versions.contains("Produce(0): 0 to 13 [usable: 13]"), "{versions}");
    let mut cluster = kafka_tool("org.apache.kafka.tools.ClusterTool");
    cluster.args(["cluster-id", "--bootstrap-server", &address]);
    let cluster = text(&run(&mut cluster, b"").stdout);
    assert!(cluster.starts_with("Cluster ID: "), "{cluster}");
    let features = shown("FeatureCommand", &address, &["describe"]);
    assert!(features.contains("transaction.version"), "{features}");
    let log_dirs = shown("LogDirsCommand", &address, &["--describe", "--topic-list", "t"]);
    assert!(log_dirs.contains(r#""partition":"t-0""#), "{log_dirs}");
    let moves = shown("reassign.ReassignPartitionsCommand", &address, &["--list"]);
    assert!(moves.contains("No partition reassignments found"), "{moves}");
}

/// No Raft quorum: nothing is pretended.
#[test]
fn kafkas_tools_say_what_is_not_supported() {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = broker(&deployment);
    let address = broker.address();
    create_topic(&address, "t", 1, &[]);
    let requests: [(&str, &[&str]); 1] = [("MetadataQuorumCommand", &["describe", "--status"])];
    for (name, arguments) in requests {
        let output = attempt(tool(name, &address).args(arguments), b"");
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(!output.status.success(), "{name}: {said}");
        assert!(said.contains("UnsupportedVersionException"), "{name}: {said}");
    }
}

#[test]
fn kafkas_tools_delete_records_and_list_groups() {
    delete_records_and_list_groups(Kind::Embedded);
}

fn delete_records_and_list_groups(kind: Kind) {
    let deployment = Deployment::start(kind);
    let broker = broker(&deployment);
    let address = broker.address();
    create_topic(&address, "t", 1, &[]);
    write_numbers(&address, "t", 100);
    let offsets = deployment.directory().join("offsets.json");
    fs::write(&offsets, r#"{"version":1,"partitions":[{"topic":"t","partition":0,"offset":10}]}"#)
        .unwrap();
    let offsets = offsets.display().to_string();
    let deleted = shown("DeleteRecordsCommand", &address, &["--offset-json-file", &offsets]);
    assert!(deleted.contains("low_watermark: 10"), "{deleted}");
    let earliest = shown("GetOffsetShell", &address, &["--topic", "t", "--time", "-2"]);
    assert_eq!(earliest.trim(), "t:0:10");
    let reset = ["--topic", "t", "--group-id", "readers", "--reset-policy", "earliest"];
    let consumed =
        shown("VerifiableConsumer", &address, &[&reset[..], &["--max-messages", "90"]].concat());
    let consumed = events(&consumed, "records_consumed");
    assert_eq!(consumed[0]["partitions"][0]["minOffset"], 10, "{consumed:?}");
    let groups = shown("GroupsCommand", &address, &["--list"]);
    let group = groups.lines().find(|line| line.starts_with("readers")).unwrap();
    assert!(group.contains("Classic") && group.contains("consumer"), "{groups}");
}

#[test]
fn kafkas_verifiable_producer_and_consumer_agree() {
    produce_and_consume_verifiably(Kind::Embedded);
}

fn produce_and_consume_verifiably(kind: Kind) {
    let deployment = Deployment::start(kind);
    let broker = broker(&deployment);
    let address = broker.address();
    create_topic(&address, "t", 3, &[]);
    let limit = ["--topic", "t", "--max-messages", "1000"];
    let produced = shown("VerifiableProducer", &address, &[&limit[..], &["--acks", "-1"]].concat());
    assert_eq!(events(&produced, "producer_send_success").len(), 1_000);
    let group = ["--group-id", "readers", "--reset-policy", "earliest"];
    let consumed = shown("VerifiableConsumer", &address, &[&limit[..], &group].concat());
    let counts = events(&consumed, "records_consumed").into_iter();
    let counts = counts.flat_map(|event| event["partitions"].as_array().unwrap().clone());
    let count: u64 = counts.map(|partition| partition["count"].as_u64().unwrap()).sum();
    assert_eq!(count, 1_000);
    assert!(described(&address, "readers").values().all(|(_, lag)| lag == "0"));
}

#[test]
fn kafkas_load_tools_finish() {
    load(Kind::Embedded);
}

fn load(kind: Kind) {
    let deployment = Deployment::start(kind);
    let broker = broker(&deployment);
    let address = broker.address();
    create_topic(&address, "t", 2, &[]);
    let load = ["--topic", "t", "--num-records", "2000", "--record-size", "100"];
    let transactions = ["--transactional-id", "load", "--transaction-duration-ms", "50"];
    let produced = shown(
        "ProducerPerformance",
        &address,
        &[&load[..], &transactions, &["--throughput", "-1"]].concat(),
    );
    assert!(produced.contains("2000 records sent"), "{produced}");
    assert_eq!(read_values(&address, "t", 2, "read_committed").len(), 2_000);
    let latency = ["--topic", "latency", "--num-records", "50", "--record-size", "100"];
    let latency =
        shown("EndToEndLatency", &address, &[&latency[..], &["--producer-acks", "all"]].concat());
    assert!(latency.contains("99.9th"), "{latency}");
}

#[test]
fn kafkas_transactional_copier_copies_exactly() {
    copy_in_transactions(Kind::Embedded);
}

/// Half of its transactions, by chance, are aborted and tried again.
fn copy_in_transactions(kind: Kind) {
    const COUNT: u32 = 1_000;
    let deployment = Deployment::start(kind);
    let broker = broker(&deployment);
    let address = broker.address();
    for topic in ["from", "to"] {
        create_topic(&address, topic, 1, &[]);
    }
    write_numbers(&address, "from", COUNT);
    let mut copier = kafka_tool("org.apache.kafka.tools.TransactionalMessageCopier");
    copier
        .args(["--broker-list", &address, "--input-topic", "from", "--input-partition", "0"])
        .args([
            "--output-topic",
            "to",
            "--consumer-group",
            "copier",
            "--transactional-id",
            "copier",
        ])
        .args(["--transaction-size", "50", "--enable-random-aborts", "--use-group-metadata"]);
    run(&mut copier, b"");
    let copied = read_values(&address, "to", 1, "read_committed");
    let expected: Vec<String> = (0..COUNT).map(|number| number.to_string()).collect();
    assert_eq!(copied, expected);
    let offsets = described(&address, "copier");
    assert_eq!(offsets[&0].1, "0", "{offsets:?}");
}

#[test]
fn kafkas_test_of_compatibility_succeeds() {
    test_compatibility(Kind::Embedded);
}

fn test_compatibility(kind: Kind) {
    let deployment = Deployment::start(kind);
    let broker = broker(&deployment);
    let address = broker.address();
    let supported = [
        "--offsets-for-times-supported",
        "--cluster-id-supported",
        "--create-topics-supported",
        "--describe-configs-supported",
        "--describe-acls-supported",
        "--idempotent-producer-supported",
    ];
    let mut test = tool("ClientCompatibilityTest", &address);
    let count = broker.count().to_string();
    test.args(["--topic", "t", "--num-cluster-nodes", &count]);
    test.args(["--expect-record-too-large-exception", "false"]);
    test.args(supported.into_iter().flat_map(|flag| [flag, "true"]));
    let output = text(&run(&mut test, b"").stdout);
    assert!(output.contains("SUCCESS"), "{output}");
}

#[test]
#[ignore = "long: three brokers on etcd and MinIO"]
fn kafkas_tools_work_with_three_brokers() {
    for tools in [
        delete_records_and_list_groups,
        produce_and_consume_verifiably,
        load,
        copy_in_transactions,
        test_compatibility,
    ] {
        tools(Kind::Three);
    }
}
