//! Groups under the consumer protocol (KIP-848), of real clients, and Kafka's tools for them.

use crate::harness::{
    Brokers, Deployment, Kind, Member, eventually,
    group_tool::{described, groups, until_no_lag},
    programs::{Client, create_topic, kafka_tool, run, text},
    records::{numbers, produce, until_read},
};

/// Members learn of each other soon.
const OFTEN: &str = "group.consumer.heartbeat.interval.ms=500";
/// Members that are killed are out soon.
const SHORT_SESSIONS: &str = "group.consumer.session.timeout.ms=6000";
const NO_DELAY: &str = "group.initial.rebalance.delay.ms=0";

const CONSUMER: [&str; 2] = ["--protocol", "consumer"];

fn member(
    deployment: &Deployment,
    broker: &Brokers,
    (client, name): (Client, &str),
    (topic, group): (&str, &str),
    arguments: &[&str],
) -> Member {
    let address = broker.address();
    let place = (address.as_str(), topic, group);
    Member::start_with(client, deployment.directory(), name, place, arguments)
}

/// How many partitions each member has, as kafka-consumer-groups shows it.
fn shares(address: &str, group: &str) -> Result<Vec<usize>, String> {
    let output = groups(address, &["--describe", "--group", group, "--members"]);
    let members = output.lines().filter(|line| line.starts_with(group));
    let mut shares: Vec<usize> =
        members.filter_map(|line| line.split_whitespace().nth(4)?.parse().ok()).collect();
    shares.sort_unstable();
    if shares.is_empty() { Err(output) } else { Ok(shares) }
}

fn until_shared(address: &str, group: &str, expected: &[usize]) {
    eventually(|| {
        let shares = shares(address, group)?;
        if shares == expected { Ok(()) } else { Err(format!("{shares:?}")) }
    });
}

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
    let broker = deployment.serve(&[OFTEN, SHORT_SESSIONS]);
    let address = broker.address();
    create_topic(&address, "shared", 6, &[]);
    let start = |client: (Client, &str)| {
        member(&deployment, &broker, client, ("shared", "modern"), &CONSUMER)
    };
    let python = start((Client::Librdkafka, "python"));
    let go = start((Client::FranzGo, "go"));
    let java = start((Client::Java, "java"));
    until_shared(&address, "modern", &[2, 2, 2]);
    let state = groups(&address, &["--describe", "--group", "modern", "--state"]);
    // The one for which a member asks: franz-go does, for its own balancer's namesake.
    assert!(state.contains("range") && state.contains("Stable"), "{state}");
    produce(&address, "shared", 0..600);
    until_read(&[&python, &go, &java], &[], 0..600);
    until_no_lag(&address, "modern", 6);
    let read = numbers(&[&python, &go, &java]);
    assert_eq!(read, (0..600).collect::<Vec<_>>(), "each record once while nobody comes or goes");
    let read_by_java = java.kill();
    produce(&address, "shared", 600..1200);
    until_read(&[&python, &go], &read_by_java, 0..1200);
    until_shared(&address, "modern", &[3, 3]);
    python.stop();
    until_shared(&address, "modern", &[6]);
    go.stop();
    until_no_lag(&address, "modern", 6);
    let kinds = list_by_type(&address);
    assert!(kinds.contains("modern") && kinds.contains("Consumer"), "{kinds}");
}

fn list_by_type(address: &str) -> String {
    let mut tool = kafka_tool("org.apache.kafka.tools.GroupsCommand");
    tool.args(["--bootstrap-server", address, "--list"]);
    text(&run(&mut tool, b"").stdout)
}

#[test]
fn members_that_come_and_go_read_every_record_once() {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.serve(&[OFTEN]);
    let address = broker.address();
    create_topic(&address, "moving", 8, &[]);
    let start = |client: (Client, &str)| {
        member(&deployment, &broker, client, ("moving", "movers"), &CONSUMER)
    };
    let first = start((Client::FranzGo, "go"));
    until_shared(&address, "movers", &[8]);
    produce(&address, "moving", 0..400);
    let second = start((Client::Librdkafka, "python"));
    produce(&address, "moving", 400..800);
    until_shared(&address, "movers", &[4, 4]);
    produce(&address, "moving", 800..1200);
    until_read(&[&first, &second], &[], 0..1200);
    until_no_lag(&address, "movers", 8);
    let read = numbers(&[&first, &second]);
    assert_eq!(read, (0..1200).collect::<Vec<_>>());
    first.stop();
    second.stop();
}

/// Members go on after a kill -9 of their broker, as the members that they were.
fn a_group_outlives_its_broker(kind: Kind) {
    let deployment = Deployment::start(kind);
    let mut broker = deployment.serve(&[OFTEN, "session.lease.ttl=3s"]);
    let address = broker.address();
    create_topic(&address, "steady", 4, &[]);
    let clients = [(Client::Librdkafka, "python"), (Client::FranzGo, "go"), (Client::Java, "java")];
    let members: Vec<Member> = clients
        .iter()
        .map(|(client, name)| {
            member(&deployment, &broker, (*client, name), ("steady", "survivors"), &CONSUMER)
        })
        .collect();
    let all: Vec<&Member> = members.iter().collect();
    until_shared(&address, "survivors", &[1, 1, 2]);
    let mut written = 0;
    for _round in 0..2 {
        produce(&address, "steady", written..written + 200);
        written += 200;
        until_read(&all, &[], 0..written);
        until_no_lag(&address, "survivors", 4);
        let before = groups(&address, &["--describe", "--group", "survivors", "--members"]);
        broker.kill();
        broker.restart();
        until_shared(&address, "survivors", &[1, 1, 2]);
        let after = groups(&address, &["--describe", "--group", "survivors", "--members"]);
        assert_eq!(member_ids(&before), member_ids(&after), "{before}, then {after}");
    }
    produce(&address, "steady", written..written + 200);
    until_read(&all, &[], 0..written + 200);
    until_no_lag(&address, "survivors", 4);
    for member in members {
        member.stop();
    }
}

fn member_ids(described: &str) -> Vec<&str> {
    let members = described.lines().filter(|line| line.starts_with("survivors"));
    let mut ids: Vec<&str> = members.filter_map(|line| line.split_whitespace().nth(1)).collect();
    ids.sort_unstable();
    ids
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
fn a_group_changes_its_protocol_member_by_member_and_back() {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.serve(&[NO_DELAY, OFTEN]);
    let address = broker.address();
    create_topic(&address, "live", 4, &[]);
    let start = |client: (Client, &str), arguments: &[&str]| {
        member(&deployment, &broker, client, ("live", "movers"), arguments)
    };
    let old = start((Client::Java, "old"), &[]);
    let older = start((Client::Librdkafka, "older"), &[]);
    until_shared(&address, "movers", &[2, 2]);
    produce(&address, "live", 0..200);
    until_read(&[&old, &older], &[], 0..200);
    let new = start((Client::Java, "new"), &CONSUMER);
    until_shared(&address, "movers", &[1, 1, 2]);
    produce(&address, "live", 200..400);
    until_read(&[&old, &older, &new], &[], 0..400);
    let read_by_older = older.stop();
    until_shared(&address, "movers", &[2, 2]);
    produce(&address, "live", 400..600);
    until_read(&[&old, &new], &read_by_older, 0..600);
    let read_by_new = new.stop();
    until_shared(&address, "movers", &[4]);
    let kinds = list_by_type(&address);
    assert!(kinds.contains("Classic"), "{kinds}");
    produce(&address, "live", 600..800);
    until_read(&[&old], &[read_by_older, read_by_new].concat(), 0..800);
    old.stop();
    until_no_lag(&address, "movers", 4);
}

#[test]
fn kafkas_tools_look_after_groups_of_the_consumer_protocol() {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.serve(&[OFTEN]);
    let address = broker.address();
    create_topic(&address, "tools", 2, &[]);
    produce(&address, "tools", 0..100);
    let mut consumer = kafka_tool("org.apache.kafka.tools.consumer.ConsoleConsumer");
    consumer
        .args(["--bootstrap-server", &address, "--topic", "tools", "--group", "console"])
        .args(["--consumer-property", "group.protocol=consumer"])
        .args(["--from-beginning", "--max-messages", "100"]);
    let output = text(&run(&mut consumer, b"").stdout);
    assert_eq!(output.lines().filter(|line| line.parse::<u32>().is_ok()).count(), 100);
    let state = groups(&address, &["--describe", "--group", "console", "--state"]);
    assert!(state.contains("Empty"), "{state}");
    until_no_lag(&address, "console", 2);
    let reset = ["--reset-offsets", "--group", "console", "--execute", "--to-earliest"];
    groups(&address, &[&reset[..], &["--topic", "tools"]].concat());
    assert!(described(&address, "console").values().all(|(offset, _)| offset == "0"));
    let gone = groups(&address, &["--delete", "--group", "console"]);
    assert!(gone.contains("successful"), "{gone}");
    assert!(!groups(&address, &["--list"]).contains("console"));
}
