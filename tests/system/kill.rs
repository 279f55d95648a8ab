//! kill -9 under load: nothing acknowledged is lost, duplicated or moved.
//!
//! `SYSTEM_TEST_KILLS` sets how often each test kills.

use crate::harness::{
    Broker, Deployment, Kind, Load,
    programs::{alluvium, attempt, create_topic, run},
};
use std::{process::Command, thread, time::Duration};

const PARTITIONS: u32 = 4;

fn kills(default: u32) -> u32 {
    std::env::var("SYSTEM_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Waits until `more` records were acknowledged since `before`, so that every kill hits a broker at work.
fn wait_for_progress(load: &Load, before: u64, more: u64, what: &str) {
    for _ in 0..3_000 {
        if load.acknowledged() >= before + more {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("no progress within a minute: {what}");
}

fn kill_repeatedly(kind: Kind, times: u32, lose_disk: bool, configs: &[&str]) {
    let deployment = Deployment::start(kind);
    let mut broker = deployment.broker(&["session.lease.ttl=3s", "session.lease.margin=1s"]);
    let address = broker.address();
    create_topic(&address, "all", PARTITIONS, configs);
    create_topic(&address, "leader", PARTITIONS, configs);
    let mut all = Load::new("all", PARTITIONS);
    let mut leader = Load::new("leader", PARTITIONS);
    all.start(&address, deployment.directory(), "all", &["--size", "300"]);
    // Without the disk, acks=1 promises nothing (Kafka's own contract).
    if !lose_disk {
        leader.start(&address, deployment.directory(), "1", &["--size", "300"]);
    }
    for round in 0..times {
        let before = all.acknowledged();
        wait_for_progress(&all, before, 200, &format!("round {round}\n{}", tail(&broker.log())));
        thread::sleep(Duration::from_millis(u64::from(round * 37 % 200)));
        broker.kill();
        if lose_disk {
            deployment.lose_local_disk();
        }
        broker.restart();
    }
    let before = all.acknowledged();
    wait_for_progress(&all, before, 200, &format!("after the last kill\n{}", tail(&broker.log())));
    all.stop();
    leader.stop();
    let verified = all.verify(&address);
    assert!(verified.acknowledged >= u64::from(times) * 200, "{verified:?}");
    assert!(verified.read >= verified.acknowledged, "{verified:?}");
    if !lose_disk {
        leader.verify(&address);
    }
    let log = broker.log();
    assert!(!log.contains("panicked"), "{}", tail(&log));
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().rev().take(30).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}

#[test]
fn an_embedded_broker_killed_under_load_loses_nothing() {
    kill_repeatedly(Kind::Embedded, kills(10), false, &[]);
}

#[test]
fn a_cluster_broker_killed_under_load_loses_nothing() {
    kill_repeatedly(Kind::Cluster, kills(10), false, &[]);
}

#[test]
fn a_cluster_broker_in_wal_mode_killed_under_load_loses_nothing() {
    kill_repeatedly(Kind::Cluster, kills(6), false, &["durability.mode=wal"]);
}

#[test]
fn a_broker_that_loses_its_disk_twice_in_a_row_keeps_what_object_storage_acknowledged() {
    kill_repeatedly(Kind::Cluster, kills(4), true, &[]);
}

fn listed(broker: &Broker, topic: &str) -> String {
    let output = run(Command::new("kcat").args(["-L", "-b", &broker.address(), "-t", topic]), b"");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Writes one line, trying for half a minute.
fn produce_patiently(broker: &Broker, topic: &str) {
    for _ in 0..60 {
        let mut command = alluvium();
        command.args(["produce", "-b", &broker.address(), topic]);
        if attempt(&mut command, b"again\n").status.success() {
            return;
        }
        thread::sleep(Duration::from_millis(500));
    }
    panic!("{topic} takes nothing:\n{}\n{}", listed(broker, topic), broker.log());
}

#[test]
fn wal_topics_of_a_lost_disk_go_offline_and_say_so_unless_an_unclean_takeover_is_allowed() {
    let deployment = Deployment::start(Kind::Cluster);
    let settings = ["session.lease.ttl=3s", "session.lease.margin=1s", "unclean.takeover.delay=1s"];
    let mut broker = deployment.broker(&settings);
    let address = broker.address();
    create_topic(&address, "waits", 1, &["durability.mode=wal"]);
    create_topic(
        &address,
        "allowed",
        1,
        &["durability.mode=wal", "unclean.leader.election.enable=true"],
    );
    create_topic(&address, "stored", 1, &["durability.mode=object"]);
    run(alluvium().args(["produce", "-b", &address, "stored"]), b"kept\n");
    // The store is away: what the WAL acknowledges is nowhere else.
    deployment.minio.as_ref().unwrap().pause();
    for topic in ["waits", "allowed"] {
        run(alluvium().args(["produce", "-b", &address, topic]), b"given up\n");
    }
    broker.kill();
    deployment.lose_local_disk();
    deployment.minio.as_ref().unwrap().resume();
    broker.restart();
    produce_patiently(&broker, "allowed");
    produce_patiently(&broker, "stored");
    let waiting = listed(&broker, "waits");
    assert!(waiting.contains("leader -1") && waiting.contains("Leader not available"), "{waiting}");
    assert!(broker.log().contains("unclean takeover"), "{}", broker.log());
    let given_up = "cluster_unclean_takeovers_total 1\n";
    assert!(broker.metrics().contains(given_up), "{}", broker.metrics());
    let read = run(alluvium().args(["consume", "-b", &address, "stored", "--exit"]), b"");
    assert_eq!(String::from_utf8_lossy(&read.stdout), "kept\nagain\n");
}
