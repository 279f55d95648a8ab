//! `__consumer_offsets` as tools read it that decode Kafka's own records.

use crate::harness::{
    Deployment, Kind, eventually,
    group_tool::groups,
    programs::{attempt, create_topic, kafka_tool, run, text},
};
use std::process::Command;

/// What Kafka's formatter makes of the topic's records, a line of JSON for each.
fn formatted(address: &str, formatter: &str) -> String {
    let mut consumer = kafka_tool("org.apache.kafka.tools.consumer.ConsoleConsumer");
    consumer
        .args(["--bootstrap-server", address, "--topic", "__consumer_offsets"])
        .args(["--from-beginning", "--timeout-ms", "5000"])
        .args(["--formatter", &format!("org.apache.kafka.tools.consumer.{formatter}")]);
    text(&attempt(&mut consumer, b"").stdout)
}

/// Waits until some line has all these words.
fn until_told(address: &str, formatter: &str, words: &[&str]) {
    eventually(|| {
        let told = formatted(address, formatter);
        let found = told.lines().any(|line| words.iter().all(|word| line.contains(word)));
        if found { Ok(()) } else { Err(format!("no line has {words:?}:\n{told}")) }
    });
}

/// Commits the end of every partition for a group.
fn commit_ends(address: &str, group: &str) {
    groups(
        address,
        &["--group", group, "--topic", "orders", "--reset-offsets", "--to-latest", "--execute"],
    );
}

fn produce(address: &str, lines: &str) {
    run(
        Command::new("kcat").args(["-P", "-b", address, "-t", "orders", "-p", "0"]),
        lines.as_bytes(),
    );
}

#[test]
fn kafkas_formatters_decode_what_groups_do_before_and_after_a_kill() {
    let deployment = Deployment::start(Kind::Embedded);
    let mut broker = deployment.broker(&["group.initial.rebalance.delay.ms=0"]);
    let address = broker.address();
    create_topic(&address, "orders", 1, &[]);
    produce(&address, "a\nb\nc\n");
    commit_ends(&address, "billing");
    let key = r#""group":"billing","topic":"orders","partition":0"#;
    until_told(&address, "OffsetsMessageFormatter", &[key, r#""offset":3"#]);
    let mut member = kafka_tool("org.apache.kafka.tools.consumer.ConsoleConsumer");
    member.args(["--bootstrap-server", &address, "--topic", "orders", "--from-beginning"]).args([
        "--group",
        "readers",
        "--max-messages",
        "3",
    ]);
    run(&mut member, b"");
    let group = r#""group":"readers""#;
    let kind = r#""protocolType":"consumer""#;
    until_told(&address, "GroupMetadataMessageFormatter", &[group, kind, r#""members":[]"#]);
    produce(&address, "d\n");
    commit_ends(&address, "billing");
    broker.kill();
    broker.restart();
    until_told(&address, "OffsetsMessageFormatter", &[key, r#""offset":4"#]);
    groups(&address, &["--group", "billing", "--delete"]);
    until_told(&address, "OffsetsMessageFormatter", &[key, r#""value":null"#]);
}
