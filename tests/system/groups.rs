//! Consumer groups of real clients, and Kafka's tools for them.

use crate::harness::{
    Broker, Deployment, Kind, Member, eventually,
    group_tool::{described, group_tool, groups, until_no_lag},
    programs::{Client, attempt, create_topic, kafka_tool, run, text},
    records::{numbers, produce, until_read},
};
use std::process::Command;

/// Groups start without waiting for further members.
const NO_DELAY: &str = "group.initial.rebalance.delay.ms=0";

#[test]
fn members_of_three_clients_share_a_topic_and_take_over_from_one_that_is_killed() {
    share_and_take_over(Kind::Embedded);
}

#[test]
#[ignore = "long: three brokers on etcd and MinIO"]
fn members_share_a_topic_on_three_brokers_and_take_over_from_one_that_is_killed() {
    share_and_take_over(Kind::Three);
}

fn share_and_take_over(kind: Kind) {
    let deployment = Deployment::start(kind);
    let broker = deployment.serve(&[NO_DELAY]);
    let address = broker.address();
    create_topic(&address, "shared", 6, &[]);
    let member = |client: Client, name: &str| {
        Member::start(client, deployment.directory(), name, &address, "shared", "mixed")
    };
    let python = member(Client::Librdkafka, "python");
    let go = member(Client::FranzGo, "go");
    let java = member(Client::Java, "java");
    eventually(|| {
        let output = groups(&address, &["--describe", "--group", "mixed", "--members"]);
        let members = output.lines().filter(|line| line.starts_with("mixed"));
        let shares: Vec<&str> = members.filter_map(|line| line.split_whitespace().last()).collect();
        if shares == ["2", "2", "2"] { Ok(()) } else { Err(output) }
    });
    produce(&address, "shared", 0..600);
    until_read(&[&python, &go, &java], &[], 0..600);
    until_no_lag(&address, "mixed", 6);
    let read = numbers(&[&python, &go, &java]);
    assert_eq!(read, (0..600).collect::<Vec<_>>(), "each record once while nobody comes or goes");
    let read_by_java = java.kill();
    assert!(!read_by_java.is_empty());
    produce(&address, "shared", 600..1200);
    until_read(&[&python, &go], &read_by_java, 0..1200);
    assert!(!python.stop().is_empty() && !go.stop().is_empty());
    until_no_lag(&address, "mixed", 6);
}

/// Members go on after a kill -9 of their broker; nothing committed is lost, nothing unread is skipped.
fn a_group_outlives_its_broker(kind: Kind) {
    let deployment = Deployment::start(kind);
    let mut broker = deployment.serve(&[NO_DELAY, "session.lease.ttl=3s"]);
    let address = broker.address();
    create_topic(&address, "steady", 4, &[]);
    let directory = deployment.directory();
    let clients = [(Client::Librdkafka, "python"), (Client::FranzGo, "go"), (Client::Java, "java")];
    let members: Vec<Member> = clients
        .iter()
        .map(|(client, name)| Member::start(*client, directory, name, &address, "steady", name))
        .collect();
    let mut written = 0;
    for _round in 0..3 {
        produce(&address, "steady", written..written + 200);
        written += 200;
        for member in &members {
            until_read(&[member], &[], 0..written);
        }
        let before: Vec<_> = clients.iter().map(|(_, group)| described(&address, group)).collect();
        broker.kill();
        broker.restart();
        for ((_, group), before) in clients.iter().zip(before) {
            let after = described(&address, group);
            for (partition, (offset, _)) in &before {
                let number = |text: &str| text.parse::<u64>().unwrap_or(0);
                let now = after.get(partition).map_or(0, |(offset, _)| number(offset));
                assert!(now >= number(offset), "{group}: {before:?}, then {after:?}");
            }
        }
    }
    produce(&address, "steady", written..written + 200);
    for (member, (_, group)) in members.into_iter().zip(clients) {
        until_read(&[&member], &[], 0..written + 200);
        until_no_lag(&address, group, 4);
        member.stop();
    }
}

#[test]
fn a_group_outlives_a_kill_of_its_broker_when_embedded() {
    a_group_outlives_its_broker(Kind::Embedded);
}

#[test]
fn a_group_outlives_a_kill_of_its_broker_in_a_cluster() {
    a_group_outlives_its_broker(Kind::Cluster);
}

#[test]
#[ignore = "long: three brokers on etcd and MinIO"]
fn a_group_outlives_kills_of_three_brokers_one_after_the_other() {
    a_group_outlives_its_broker(Kind::Three);
}

#[test]
fn kcat_reads_as_a_group() {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.broker(&[NO_DELAY]);
    let address = broker.address();
    create_topic(&address, "kcat", 2, &[]);
    produce(&address, "kcat", 0..100);
    let read = |more: &[&str]| {
        let mut kcat = Command::new("kcat");
        kcat.args([
            "-G",
            "readers",
            "-b",
            &address,
            "-e",
            "-q",
            "-X",
            "auto.offset.reset=earliest",
        ]);
        text(&run(kcat.args(more).arg("kcat"), b"").stdout).lines().count()
    };
    assert_eq!(read(&[]), 100);
    produce(&address, "kcat", 100..130);
    assert_eq!(read(&[]), 30, "it goes on where it was");
}

#[test]
fn kafkas_tools_look_after_groups() {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.broker(&[NO_DELAY]);
    let address = broker.address();
    create_topic(&address, "tools", 2, &[]);
    create_topic(&address, "other", 1, &[]);
    produce(&address, "tools", 0..100);
    let mut consumer = kafka_tool("org.apache.kafka.tools.consumer.ConsoleConsumer");
    consumer
        .args(["--bootstrap-server", &address, "--topic", "tools", "--group", "console"])
        .args(["--from-beginning", "--max-messages", "100"]);
    assert_eq!(text(&run(&mut consumer, b"").stdout).lines().count(), 100);
    assert!(groups(&address, &["--list"]).lines().any(|line| line == "console"));
    let state = groups(&address, &["--describe", "--group", "console", "--state"]);
    assert!(state.contains("Empty"), "{state}");
    until_no_lag(&address, "console", 2);
    resets_offsets_in_every_way(&broker);
    let deleted =
        groups(&address, &["--delete-offsets", "--group", "console", "--topic", "tools:1"]);
    assert!(deleted.contains("Successful"), "{deleted}");
    assert_eq!(described(&address, "console").keys().collect::<Vec<_>>(), [&0]);
    let gone = groups(&address, &["--delete", "--group", "console"]);
    assert!(gone.contains("successful"), "{gone}");
    assert!(!groups(&address, &["--list"]).contains("console"));
    let again = attempt(group_tool(&address).args(["--delete", "--group", "console"]), b"");
    let again = text(&again.stdout) + &text(&again.stderr);
    assert!(again.contains("GroupIdNotFound"), "{again}");
    assert!(groups(&address, &["--list"]).contains("second"));
    let gone = groups(&address, &["--delete", "--all-groups"]);
    assert!(gone.contains("successful"), "{gone}");
    assert_eq!(groups(&address, &["--list"]).trim(), "");
}

fn resets_offsets_in_every_way(broker: &Broker) {
    let address = broker.address();
    let csv = std::env::temp_dir().join(format!("offsets-{}.csv", broker.port()));
    std::fs::write(&csv, "console,tools,0,7\nconsole,tools,1,9\n").unwrap();
    let csv = csv.display().to_string();
    let future = "2100-01-01T00:00:00.000";
    let ways: [(&[&str], [&str; 2]); 8] = [
        (&["--to-earliest", "--topic", "tools"], ["0", "0"]),
        (&["--to-latest", "--topic", "tools"], ["end", "end"]),
        (&["--to-offset", "5", "--topic", "tools"], ["5", "5"]),
        (&["--shift-by", "2", "--topic", "tools:0"], ["7", "5"]),
        (&["--by-duration", "PT1H", "--all-topics"], ["0", "0"]),
        (&["--to-datetime", future, "--topic", "tools"], ["end", "end"]),
        (&["--from-file", &csv], ["7", "9"]),
        (&["--to-current", "--topic", "tools"], ["7", "9"]),
    ];
    for (way, expected) in ways {
        let fixed = ["--reset-offsets", "--group", "console", "--execute"];
        groups(&address, &[&fixed[..], way].concat());
        let offsets = described(&address, "console");
        for (partition, expected) in (0..2).zip(expected) {
            let (offset, lag) = &offsets[&partition];
            let fits = if expected == "end" { lag == "0" } else { offset == expected };
            assert!(fits, "{way:?}: {offsets:?}");
        }
    }
    std::fs::remove_file(csv).unwrap();
    resets_offsets_of_all_groups(&address);
}

/// What was exported or only tried changes nothing; what is executed reaches a second group too.
fn resets_offsets_of_all_groups(address: &str) {
    let reset =
        |more: &[&str]| groups(address, &[&["--reset-offsets", "--topic", "tools"], more].concat());
    reset(&["--group", "second", "--to-offset", "1", "--execute"]);
    let exported = reset(&["--group", "console", "--to-current", "--export", "--dry-run"]);
    assert!(exported.contains("tools,0,7") && exported.contains("tools,1,9"), "{exported}");
    let tried = reset(&["--all-groups", "--to-offset", "4", "--dry-run"]);
    assert!(tried.contains("console") && tried.contains("second"), "{tried}");
    let at = |group: &str| {
        let offsets = described(address, group).into_values();
        offsets.map(|(offset, _)| offset).collect::<Vec<_>>()
    };
    assert_eq!((at("console"), at("second")), (vec!["7".into(), "9".into()], vec!["1".into(); 2]));
    reset(&["--all-groups", "--to-offset", "4", "--execute"]);
    assert_eq!((at("console"), at("second")), (vec!["4".into(); 2], vec!["4".into(); 2]));
}

#[test]
fn kafkas_consumer_performance_finishes() {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.broker(&[NO_DELAY]);
    let address = broker.address();
    create_topic(&address, "performance", 4, &[]);
    produce(&address, "performance", 0..20_000);
    let mut tool = kafka_tool("org.apache.kafka.tools.ConsumerPerformance");
    tool.args(["--bootstrap-server", &address, "--topic", "performance", "--group", "fast"])
        .args(["--messages", "20000", "--timeout", "60000"]);
    let output = text(&run(&mut tool, b"").stdout);
    assert!(output.contains(", 20000, "), "{output}");
}
