//! `__consumer_offsets` and `__transaction_state` as tools read them that decode Kafka's own records.

use crate::harness::{
    Deployment, Kind, eventually,
    group_tool::groups,
    programs::{Client, attempt, create_topic, kafka_tool, run, text},
};
use std::process::Command;

/// What Kafka's formatter makes of the records of its topic, a line of JSON for each.
fn formatted(address: &str, formatter: &str) -> String {
    let topic = match formatter {
        "TransactionLogMessageFormatter" => "__transaction_state",
        _ => "__consumer_offsets",
    };
    let mut consumer = kafka_tool("org.apache.kafka.tools.consumer.ConsoleConsumer");
    consumer
        .args(["--bootstrap-server", address, "--topic", topic])
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

#[test]
fn kafkas_formatter_decodes_where_transactional_ids_stand_before_and_after_a_kill() {
    let deployment = Deployment::start(Kind::Embedded);
    let mut broker = deployment.broker(&[]);
    let address = broker.address();
    create_topic(&address, "paid", 2, &[]);
    let write = |id: &str| {
        let mut command = Client::Java.transactions();
        command.args(["write", "--bootstrap", &address, "--topic", "paid", "--id", id]);
        run(command.args(["--count", "2", "--partitions", "2"]), b"");
    };
    let until_told = |words: &[&str]| until_told(&address, "TransactionLogMessageFormatter", words);
    write("first");
    // The second of two is aborted, wherever it wrote.
    let aborted = r#""transactionStatus":5"#;
    until_told(&[r#""transactionalId":"first""#, aborted]);
    broker.kill();
    broker.restart();
    write("second");
    until_told(&[r#""transactionalId":"first""#, aborted]);
    until_told(&[r#""transactionalId":"second""#, aborted, r#""transactionTimeoutMs":60000"#]);
}
