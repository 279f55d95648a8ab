//! Whatever an operator must learn of is made to happen, and the alert about it fires in a real Prometheus.

use crate::harness::{
    Broker, Deployment, Kind, Load, Prometheus, eventually,
    http::http_request,
    programs::{alluvium, create_topic, run},
    records::produce,
    until,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use metadata::families::Keys;
use model::BrokerId;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

/// Sessions end within seconds, and what died with a WAL may be given up at once, where a topic allows it.
const HURRIED: [&str; 4] = [
    "session.lease.ttl=3s",
    "session.lease.margin=1s",
    "unclean.takeover.delay=0s",
    "auto.leader.rebalance.enable=false",
];

const CRITICAL: &str = "ALERTS{alertstate=\"firing\",severity=\"critical\"}";

fn until_firing(prometheus: &Prometheus, alert: &str, brokers: &[&Broker]) {
    eventually(|| {
        let firing = prometheus.firing();
        let logs = || brokers.iter().map(|it| it.log()).collect::<Vec<_>>().join("\n---\n");
        let missing = || format!("{alert} does not fire, but {firing:?}\n{}", logs());
        if firing.contains(alert) { Ok(()) } else { Err(missing()) }
    });
}

/// What a single series comes to.
fn value(prometheus: &Prometheus, expression: &str) -> Option<f64> {
    prometheus.query(expression).ok()?.first().map(|(_, value)| *value)
}

/// Takes a broker's session away, as an operator's hand or a lost lease would.
fn delete_session(deployment: &Deployment, broker: u32) {
    let endpoint = deployment.etcd.as_ref().unwrap().endpoint();
    let port = endpoint.rsplit(':').next().unwrap().parse().unwrap();
    let key = Keys::new("alluvium/").session(BrokerId::new(broker).unwrap());
    let body = format!("{{\"key\":\"{}\"}}", STANDARD.encode(key));
    http_request(port, "POST", "/v3/kv/deleterange", &body).unwrap();
}

#[test]
fn lost_owners_stores_that_fail_and_fenced_commits_are_alerts() {
    let mut deployment = Deployment::start(Kind::Three);
    let mut brokers = deployment.brokers(3, &HURRIED);
    let all: Vec<String> = brokers.iter().map(Broker::address).collect();
    let address = all.join(",");
    let prometheus = {
        let brokers: Vec<&Broker> = brokers.iter().collect();
        Prometheus::start(&deployment.directory().join("prometheus"), &brokers)
    };
    create_topic(&address, "stored", 6, &[]);
    create_topic(&address, "by-wal", 6, &["durability.mode=wal"]);
    until("no scrape of all brokers", || {
        value(&prometheus, "count(up{endpoint=\"\"} == 1)") == Some(3.0)
    });
    until("critical alerts", || prometheus.query(CRITICAL).is_ok_and(|it| it.is_empty()));

    // A store that is away.
    let mut load = Load::new("stored", 6);
    let patience = ["--patience-ms", "300000", "--rate", "300"];
    load.start(&address, deployment.directory(), "all", &patience);
    until("nothing was stored", || load.acknowledged() > 0);
    deployment.minio.as_mut().unwrap().kill();
    let shown: Vec<&Broker> = brokers.iter().collect();
    until_firing(&prometheus, "AlluviumObjectRequestsFail", &shown);
    // With records that only the WALs have, one broker dies.
    produce(&address, "by-wal", 0..60);
    brokers[1].kill();
    deployment.minio.as_mut().unwrap().restart().unwrap();
    let shown: Vec<&Broker> = brokers.iter().collect();
    until_firing(&prometheus, "AlluviumBrokerDown", &shown);
    until_firing(&prometheus, "AlluviumPartitionsOffline", &shown);
    assert!(!prometheus.firing().contains("AlluviumUncleanTakeover"));
    let living = format!("{},{}", all[0], all[2]);
    let allow = ["config", "-b", &living, "set", "topic", "by-wal"];
    run(alluvium().args(allow).arg("unclean.leader.election.enable=true"), b"");
    until_firing(&prometheus, "AlluviumUncleanTakeover", &shown);
    until("still offline", || value(&prometheus, "max(cluster_offline_partitions)") == Some(0.0));
    brokers[1].restart();
    let shown: Vec<&Broker> = brokers.iter().collect();
    until_firing(&prometheus, "AlluviumWalQuarantined", &shown);

    // One that hangs for longer than its lease, and finds others in its place.
    brokers[2].process().pause();
    let moved = |broker: &Broker| broker.counter("cluster_takeovers_total");
    let before: u64 = [&brokers[0], &brokers[1]].map(moved).iter().sum();
    until("nothing was taken over", || {
        [&brokers[0], &brokers[1]].map(moved).iter().sum::<u64>() > before
    });
    brokers[2].process().resume();
    let shown: Vec<&Broker> = brokers.iter().collect();
    until_firing(&prometheus, "AlluviumOwnershipLost", &shown);

    // A commit that comes after its session's end.
    // Where the broker looks after its lease first, there was none, and another takes over: its turn is next.
    let mut turn = 0;
    until("no commit was fenced", || {
        delete_session(&deployment, turn % 3 + 1);
        turn += 1;
        thread::sleep(Duration::from_secs(2));
        brokers.iter().any(|it| it.counter("alluvium_commits_fenced_total") > 0)
    });
    let shown: Vec<&Broker> = brokers.iter().collect();
    until_firing(&prometheus, "AlluviumCommitsFenced", &shown);

    // Metadata that is away.
    deployment.etcd.as_mut().unwrap().kill();
    until_firing(&prometheus, "AlluviumCommitsFail", &shown);
    deployment.etcd.as_mut().unwrap().restart().unwrap();
    until("still no progress", || {
        let before = load.acknowledged();
        thread::sleep(Duration::from_millis(500));
        load.acknowledged() > before
    });
    load.stop();
    assert!(load.verify(&address).acknowledged > 0);
}

#[test]
#[ignore = "an upload is tried for half a minute before it counts as failed"]
fn a_store_that_stays_away_is_an_alert() {
    let mut deployment = Deployment::start(Kind::Cluster);
    let broker = deployment.broker(&HURRIED);
    let prometheus = Prometheus::start(&deployment.directory().join("prometheus"), &[&broker]);
    create_topic(&broker.address(), "stored", 1, &["durability.mode=wal"]);
    deployment.minio.as_mut().unwrap().kill();
    produce(&broker.address(), "stored", 0..10);
    until_firing(&prometheus, "AlluviumSegmentsNotStored", &[&broker]);
}

/// Everything below `directory` that is no directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn a_damaged_object_is_an_alert() {
    let deployment = Deployment::start(Kind::Embedded);
    let mut broker = deployment.broker(&["flush.max.interval.idle=100ms"]);
    let prometheus = Prometheus::start(&deployment.directory().join("prometheus"), &[&broker]);
    let address = broker.address();
    create_topic(&address, "damaged", 1, &[]);
    produce(&address, "damaged", 0..200);
    until("nothing was committed", || broker.counter("alluvium_commits_total") > 0);
    assert!(broker.stop().is_some_and(|status| status.success()));
    let mark = b"k199";
    let mut damaged = 0;
    for path in files(&deployment.local().join("objects")) {
        let mut bytes = fs::read(&path).unwrap();
        if let Some(at) = bytes.windows(mark.len()).position(|it| it == mark) {
            bytes[at] ^= 1;
            fs::write(&path, bytes).unwrap();
            damaged += 1;
        }
    }
    assert!(damaged > 0, "no object has the record");
    broker.restart();
    // What is before it stays readable, and it itself is told of.
    eventually(|| {
        // It asks again and again for what it can't get.
        let mut kcat = Command::new("timeout");
        kcat.args(["2", "kcat", "-C", "-b", &address, "-t", "damaged", "-o", "beginning", "-e"]);
        kcat.output().unwrap();
        let firing = prometheus.firing();
        let fires = firing.contains("AlluviumDamagedObjects");
        if fires { Ok(()) } else { Err(format!("{firing:?}\n{}", broker.log())) }
    });
    assert!(broker.log().contains("stored records are damaged"), "{}", broker.log());
    assert_eq!(broker.log().matches("stored records are damaged").count(), 1, "told once");
}
