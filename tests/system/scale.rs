//! What an hour of load leaves behind, measured in flushes: etcd stays small, a flush is one transaction, a restart reads little.
//!
//! For `just verify-long`. `SYSTEM_TEST_FLUSHES` sets how many flushes; the default is an hour's worth at four a second. etcd's history is
//! compacted once it is five minutes old, so a run that is to show it takes longer than that.

use crate::harness::{Deployment, Kind, Load, http::http_get, programs::create_topic};
use std::{thread, time::Duration};

const PARTITIONS: u32 = 1_000;
const ETCD_LIMIT_BYTES: f64 = 64.0 * 1024.0 * 1024.0;

fn sum(text: &str, name: &str) -> f64 {
    let lines = text.lines().filter(|line| line.starts_with(name));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

#[test]
#[ignore = "takes minutes: just verify-long"]
fn an_hour_of_flushes_leaves_etcd_small_and_restarts_cheap() {
    let flushes: f64 =
        std::env::var("SYSTEM_TEST_FLUSHES").map_or(14_400.0, |text| text.parse().unwrap());
    let deployment = Deployment::start(Kind::Cluster);
    let etcd_port =
        deployment.etcd.as_ref().unwrap().endpoint().rsplit(':').next().unwrap().parse().unwrap();
    let mut broker = deployment.broker(&["flush.max.interval=10ms", "flush.requests.per.second=0"]);
    create_topic(&broker.address(), "wide", PARTITIONS, &[]);
    let mut load = Load::new("wide", PARTITIONS);
    load.start(&broker.address(), deployment.directory(), "all", &["--rate", "2000"]);
    let etcd = || http_get(etcd_port, "/metrics").unwrap();
    let commits = |text: &str| sum(text, "alluvium_commits_total");
    thread::sleep(Duration::from_secs(5));
    let before = (broker.metrics(), etcd());
    let (mut after, mut peak) = (broker.metrics(), 0.0_f64);
    while commits(&after) - commits(&before.0) < flushes {
        thread::sleep(Duration::from_secs(2));
        after = broker.metrics();
        peak = peak.max(sum(&etcd(), "etcd_mvcc_db_total_size_in_use_in_bytes"));
    }
    let revisions = |text: &str| sum(text, "etcd_debugging_mvcc_current_revision");
    let written = revisions(&etcd()) - revisions(&before.1);
    let committed = commits(&broker.metrics()) - commits(&before.0);
    load.stop();
    assert!(broker.stop().is_some_and(|status| status.success()), "{}", broker.log());
    broker.restart();
    let reads = sum(&broker.metrics(), "alluvium_object_requests_total{operation=\"get\"");
    println!(
        "{committed} flushes, {written} etcd revisions, etcd at most {peak} bytes in use, {reads} GETs at restart"
    );
    assert!(peak < ETCD_LIMIT_BYTES, "etcd grew to {peak} bytes");
    // One transaction a flush; folds, watches of time and the controller's own keys are the few percent on top.
    assert!(written < committed * 1.1 + 50.0, "{written} etcd revisions for {committed} flushes");
    assert!(reads <= f64::from(2 * PARTITIONS), "{reads} GETs to open {PARTITIONS} partitions");
    load.verify(&broker.address());
}
