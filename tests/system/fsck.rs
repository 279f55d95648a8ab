//! Nothing leaks and nothing is lost, however the broker ends: `alluvium fsck` is clean after transactions, compaction, retention,
//! deletions and kill -9, and the bucket then holds what is referred to and nothing else.

use crate::harness::{
    Broker, Deployment, Kind, Load,
    programs::{alluvium, attempt, create_topic, python, run, text},
    records::produce,
};
use std::{path::Path, process::Output, thread, time::Duration};

const PARTITIONS: u32 = 3;

/// Upkeep that needs a minute or an hour elsewhere needs a second here.
const HURRIED: [&str; 10] = [
    "fold.commits=4",
    "log.retention.check.interval.ms=500",
    "log.segment.delete.delay.ms=1000",
    "log.cleaner.backoff.ms=200",
    "flush.max.interval.idle=200ms",
    "producer.id.expiration.ms=1000",
    "session.lease.ttl=3s",
    "session.lease.margin=1s",
    "transaction.state.log.num.partitions=3",
    "metadata.snapshot.interval.ms=1000",
];

/// Longer than it takes to note what was dropped, and what a killed broker never committed, and to delete it.
const QUIET: Duration = Duration::from_secs(10);

/// Shorter than that: what is left then is not on its way out.
const GRACE: &str = "4s";

/// `alluvium fsck` of the deployment.
fn fsck(deployment: &Deployment, more: &[&str]) -> Output {
    let mut command = alluvium();
    command.arg("fsck").args(deployment.arguments(&[])).args(more);
    command.envs(deployment.environment());
    attempt(&mut command, b"")
}

fn assert_clean(deployment: &Deployment, more: &[&str], broker: &Broker) {
    let output = fsck(deployment, more);
    let told = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{told}\n{}", broker.log());
    assert!(told.contains("clean"), "{told}");
}

/// A life of topics of every kind: compacted with transactions, with records that expire soon, and deleted ones.
fn live(address: &str, directory: &Path, round: u32) -> Load {
    let history = format!("history-{round}");
    for action in ["create", "history"] {
        let mut program = python("compaction.py");
        program.args([action, "--bootstrap", address, "--topic", &history]);
        if action == "create" {
            for config in
                ["cleanup.policy=compact", "segment.ms=1000", "min.cleanable.dirty.ratio=0"]
            {
                program.args(["--config", config]);
            }
        }
        run(&mut program, b"");
    }
    let (expiring, deleted) = (format!("expiring-{round}"), format!("deleted-{round}"));
    create_topic(address, &expiring, PARTITIONS, &["retention.ms=1000"]);
    create_topic(address, &deleted, PARTITIONS, &[]);
    for topic in [&expiring, &deleted] {
        let mut load = Load::new(topic, PARTITIONS);
        load.start(address, directory, "all", &["--size", "500"]);
        thread::sleep(Duration::from_millis(700));
        load.stop();
    }
    run(alluvium().args(["topic", "-b", address, "delete", &deleted]), b"");
    let mut kept = Load::new(&format!("kept-{round}"), PARTITIONS);
    create_topic(address, &format!("kept-{round}"), PARTITIONS, &[]);
    kept.start(address, directory, "all", &["--size", "500"]);
    kept
}

fn assert_nothing_leaks(kind: Kind, rounds: u32) {
    let deployment = Deployment::start(kind);
    let mut broker = deployment.broker(&HURRIED);
    let address = broker.address();
    let mut kept = Vec::new();
    for round in 0..rounds {
        let mut load = live(&address, deployment.directory(), round);
        thread::sleep(Duration::from_millis(500));
        broker.kill();
        broker.restart();
        load.stop();
        kept.push(load);
    }
    if kind == Kind::Cluster {
        assert_clean(&deployment, &[], &broker);
    }
    thread::sleep(QUIET);
    for load in &kept {
        load.verify(&address);
    }
    assert!(broker.stop().is_some_and(|status| status.success()));
    assert_clean(&deployment, &["--deep", "--grace", GRACE], &broker);
}

#[test]
fn an_embedded_deployment_leaks_nothing() {
    assert_nothing_leaks(Kind::Embedded, 2);
}

#[test]
fn a_deployment_on_etcd_and_minio_leaks_nothing() {
    assert_nothing_leaks(Kind::Cluster, 2);
}

#[test]
#[ignore = "long: minutes of topics that come and go"]
fn an_embedded_deployment_leaks_nothing_for_long() {
    assert_nothing_leaks(Kind::Embedded, 20);
}

#[test]
#[ignore = "long: minutes of topics that come and go"]
fn a_deployment_on_etcd_and_minio_leaks_nothing_for_long() {
    assert_nothing_leaks(Kind::Cluster, 20);
}

#[test]
fn damage_is_named_and_a_store_that_is_away_is_no_clean_bill() {
    let deployment = Deployment::start(Kind::Embedded);
    let empty = fsck(&deployment, &[]);
    assert_eq!(empty.status.code(), Some(2), "{}", text(&empty.stderr));
    let mut broker = deployment.broker(&[]);
    create_topic(&broker.address(), "orders", 1, &[]);
    // Few enough for metadata to hold the segment's footer: without, nobody can say which offsets it had.
    produce(&broker.address(), "orders", 0..10);
    let in_use = fsck(&deployment, &[]);
    assert_eq!(in_use.status.code(), Some(2));
    assert!(text(&in_use.stderr).contains("another broker uses"), "{}", text(&in_use.stderr));
    assert!(broker.stop().is_some_and(|status| status.success()));
    assert_clean(&deployment, &["--deep"], &broker);
    let data = deployment.local().join("objects/data");
    let stray = "00/ffffffffffffffffffffffffffffffff/00000000000000000001-0123456789abcdef";
    std::fs::create_dir_all(data.join(stray).parent().unwrap()).unwrap();
    std::fs::write(data.join(stray), b"of a session that nobody knows").unwrap();
    let output = fsck(&deployment, &["--grace", "0s"]);
    assert_eq!(output.status.code(), Some(1));
    let orphan = format!("orphan: object data/{stray}: ");
    assert!(text(&output.stdout).starts_with(&orphan), "{}", text(&output.stdout));
    std::fs::remove_dir_all(data).unwrap();
    let output = fsck(&deployment, &[]);
    assert_eq!(output.status.code(), Some(1));
    let found = text(&output.stdout);
    assert!(found.contains("missing: topic orders partition 0 offsets 0.."), "{found}");
}
