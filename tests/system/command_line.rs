//! Our own commands for groups, configs and clusters, on Alluvium and on Apache Kafka; seeking agrees with Kafka's tool.

use crate::harness::{
    Deployment, Kafka, Kind, Member, eventually,
    group_tool::{described, groups},
    programs::{Client, alluvium, attempt, create_topic_when_ready, run, text},
    records::produce,
};
use serde_json::Value;
use std::{path::Path, process::Command, thread, time::Duration};

/// A command of ours that must succeed; what it printed.
fn told(address: &str, arguments: &[&str]) -> String {
    text(&run(&mut command(address, arguments), b"").stdout)
}

/// The same, which must fail; what it said.
fn refused(address: &str, arguments: &[&str]) -> String {
    let output = attempt(&mut command(address, arguments), b"");
    assert!(!output.status.success(), "{arguments:?}: {}", text(&output.stdout));
    text(&output.stderr)
}

fn json(address: &str, arguments: &[&str]) -> Vec<Value> {
    let printed = told(address, &[arguments, &["--output", "json"]].concat());
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
}

fn command(address: &str, arguments: &[&str]) -> Command {
    let mut command = alluvium();
    command.args(arguments).args(["--bootstrap-server", address]);
    command
}

/// The time now as both tools read it.
fn now() -> String {
    let output = run(Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%S.%3NZ"]), b"");
    text(&output.stdout).trim().to_owned()
}

/// Whatever place is asked for, our tool and Kafka's take a group there.
fn seeking_agrees_with_kafkas_tool(address: &str) {
    create_topic_when_ready(address, "places", 3);
    produce(address, "places", 0..300);
    thread::sleep(Duration::from_millis(50));
    let between = now();
    thread::sleep(Duration::from_millis(50));
    produce(address, "places", 300..500);
    let cases: [(&str, &[&str]); 7] = [
        ("start", &["--to-earliest"]),
        ("end", &["--to-latest"]),
        ("40", &["--to-offset", "40"]),
        ("-5", &["--shift-by", "-5"]),
        (&between, &["--to-datetime", &between]),
        ("ago:1h", &["--by-duration", "PT1H"]),
        ("1000000", &["--to-offset", "1000000"]),
    ];
    for (to, theirs) in cases {
        let reset = ["--reset-offsets", "--group", "theirs", "--topic", "places", "--execute"];
        groups(address, &[&reset[..], theirs].concat());
        told(address, &["group", "seek", "ours", "places", "--to", to]);
        let (ours, theirs) = (described(address, "ours"), described(address, "theirs"));
        assert_eq!(ours.len(), 3, "{to}");
        assert_eq!(ours, theirs, "{to}");
    }
    told(address, &["group", "seek", "ours", "places", "--to", &between]);
    let sum: u64 =
        described(address, "ours").values().map(|(_, lag)| lag.parse::<u64>().unwrap()).sum();
    assert_eq!(sum, 200, "what was written after that time");
    let lag = json(address, &["group", "lag", "ours"]);
    assert_eq!(lag[0]["lag"], 200, "{lag:?}");
    let before = described(address, "ours");
    told(address, &["group", "seek", "ours", "--to", "end", "--dry-run"]);
    assert_eq!(described(address, "ours"), before, "a dry run changes nothing");
    told(address, &["group", "seek", "ours", "places:1", "--to", "end"]);
    let after = described(address, "ours");
    assert_eq!((&after[&0], &after[&2]), (&before[&0], &before[&2]));
    assert_eq!(after[&1].1, "0");
    assert!(
        refused(address, &["group", "seek", "ours", "places:9", "--to", "end"])
            .contains("no partition 9")
    );
    assert!(
        refused(address, &["group", "seek", "nobody", "--to", "end"]).contains("name the topics")
    );
}

/// A group with a member in it is shown whole, and left alone.
fn a_group_is_shown_and_left_alone_while_it_reads(address: &str, directory: &Path, client: Client) {
    create_topic_when_ready(address, "read", 2);
    produce(address, "read", 0..100);
    let member = Member::start(client, directory, "reader", address, "read", "readers");
    eventually(|| {
        let shown = json(address, &["group", "describe", "readers"]);
        let done = shown.len() == 2 && shown.iter().all(|line| line["lag"] == 0);
        if done { Ok(()) } else { Err(format!("{shown:?} {}", member.errors())) }
    });
    let shown = json(address, &["group", "describe", "readers"]);
    assert!(
        shown.iter().all(|line| line["topic"] == "read" && line["client"].is_string()),
        "{shown:?}"
    );
    let members = json(address, &["group", "members", "readers"]);
    assert_eq!(members.len(), 1);
    assert_eq!(members[0]["partitions"], "read-0,read-1");
    let listed = json(address, &["group", "list"]);
    let listed = listed.iter().find(|group| group["group"] == "readers").unwrap();
    assert_eq!(listed["state"], "Stable");
    let said = refused(address, &["group", "seek", "readers", "--to", "start"]);
    assert!(said.contains("stop them first"), "{said}");
    assert!(refused(address, &["group", "delete", "readers"]).contains("NonEmptyGroup"));
    member.stop();
    eventually(|| {
        let output = attempt(&mut command(address, &["group", "delete", "readers"]), b"");
        if output.status.success() { Ok(()) } else { Err(text(&output.stderr)) }
    });
    assert!(!told(address, &["group", "list"]).contains("readers"));
}

fn configs_and_brokers_are_shown_and_changed(address: &str) {
    create_topic_when_ready(address, "configured", 1);
    told(
        address,
        &["config", "set", "topic", "configured", "retention.ms=1234567", "segment.ms=60000"],
    );
    let set = json(address, &["config", "get", "topic", "configured"]);
    let retention = set.iter().find(|line| line["key"] == "retention.ms").unwrap();
    assert_eq!((&retention["value"], &retention["source"]), (&"1234567".into(), &"topic".into()));
    told(address, &["config", "unset", "topic", "configured", "retention.ms"]);
    let set = json(address, &["config", "get", "topic", "configured"]);
    assert!(set.iter().all(|line| line["key"] != "retention.ms"), "{set:?}");
    assert!(set.iter().any(|line| line["key"] == "segment.ms"), "{set:?}");
    let all = json(address, &["config", "get", "topic", "configured", "--all"]);
    assert!(all.len() > 20 && all.iter().any(|line| line["source"] == "default"));
    told(address, &["config", "set", "topic", "configured", "retention.ms=5", "--dry-run"]);
    let one = json(address, &["config", "get", "topic", "configured", "retention.ms"]);
    assert_ne!(one[0]["value"], "5", "a dry run changes nothing");
    let said = refused(address, &["config", "set", "topic", "configured", "retention.ms=soon"]);
    assert!(said.contains("InvalidConfig"), "{said}");
    let brokers = json(address, &["cluster", "describe"]);
    assert_eq!(brokers[0]["role"], "controller");
    let id = brokers[0]["broker"].to_string();
    assert!(!json(address, &["config", "get", "broker", &id, "--all"]).is_empty());
    told(address, &["topic", "grow", "configured", "--partitions", "4"]);
    assert!(told(address, &["topic", "describe", "configured"]).contains("4 partitions"));
    let said = refused(address, &["topic", "grow", "configured", "--partitions", "2"]);
    assert!(said.contains("InvalidPartitions"), "{said}");
}

fn everything(address: &str, directory: &Path) {
    seeking_agrees_with_kafkas_tool(address);
    a_group_is_shown_and_left_alone_while_it_reads(address, directory, Client::Java);
    configs_and_brokers_are_shown_and_changed(address);
}

#[test]
fn groups_configs_and_brokers_are_handled_by_our_own_commands() {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.broker(&["group.initial.rebalance.delay.ms=0"]);
    everything(&broker.address(), deployment.directory());
}

#[test]
fn our_own_commands_handle_apache_kafka_too() {
    let directory = tempfile::tempdir().unwrap();
    let kafka = Kafka::start().unwrap();
    everything(&kafka.endpoint().replace("http://", ""), directory.path());
}
