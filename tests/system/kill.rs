//! kill -9 under load: nothing acknowledged is lost, duplicated or moved.
//!
//! `ALLUVIUM_KILLS` sets how often each test kills.

use crate::harness::{Deployment, Kind, Load, programs::create_topic};
use std::{thread, time::Duration};

const PARTITIONS: u32 = 4;

fn kills(default: u32) -> u32 {
    std::env::var("ALLUVIUM_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(default)
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
    kill_repeatedly(Kind::Embedded, kills(50), false, &[]);
}

#[test]
fn a_cluster_broker_killed_under_load_loses_nothing() {
    kill_repeatedly(Kind::Cluster, kills(50), false, &[]);
}

#[test]
fn a_cluster_broker_in_wal_mode_killed_under_load_loses_nothing() {
    kill_repeatedly(Kind::Cluster, kills(10), false, &["durability.mode=wal"]);
}

#[test]
fn a_broker_that_loses_its_disk_twice_in_a_row_keeps_what_object_storage_acknowledged() {
    kill_repeatedly(Kind::Cluster, kills(4), true, &[]);
}
