//! What flushes bring of many partitions is gathered: history takes few requests, on a store that is far away, too.

use crate::harness::{
    Broker, Deployment, Kind,
    programs::{create_topic, run, text},
    records::{count_records, produce},
};
use std::process::Command;

const PARTITIONS: u32 = 40;

/// Each wave has records for every partition, and is a flush or most of one.
const WAVES: u32 = 66;
const WAVE: u32 = 400;

/// Flushes that are folded together.
const FOLD: u32 = 32;

fn requests(broker: &Broker, operation: &str) -> u64 {
    let wanted = format!("operation=\"{operation}\"");
    let metrics = broker.metrics();
    let series = metrics.lines().filter(|it| it.starts_with("alluvium_object_requests_total{"));
    let of_operation = series.filter(|it| it.contains(&wanted));
    of_operation.filter_map(|it| it.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

/// The offsets of a partition's records, as a consumer gets them.
fn offsets_of(address: &str, partition: u32) -> Vec<u64> {
    let mut kcat = Command::new("kcat");
    kcat.args(["-C", "-q", "-e", "-b", address, "-t", "history", "-o", "beginning", "-f", "%o\n"]);
    kcat.args(["-p", &partition.to_string()]);
    text(&run(&mut kcat, b"").stdout).lines().map(|line| line.parse().unwrap()).collect()
}

/// Writes history, lets the broker die, and reads a partition of it with cold caches; how many GETs that took.
fn gets_of_history(kind: Kind, gathers: bool) -> u64 {
    let deployment = Deployment::start(kind);
    let fold = format!("fold.commits={FOLD}");
    let rate = format!("gather.io.max.bytes.per.second={}", if gathers { 1_u64 << 30 } else { 0 });
    let mut broker = deployment.broker(&[
        &fold,
        &rate,
        "flush.max.interval.idle=50ms",
        "session.lease.ttl=3s",
        "session.lease.margin=1s",
    ]);
    let address = broker.address();
    create_topic(&address, "history", PARTITIONS, &[]);
    let before = requests(&broker, "get");
    // What comes while the store is slow is flushed together: then it takes more waves to have something to fold.
    let mut waves = 0;
    while waves < WAVES || broker.counter("alluvium_folds_total") == 0 {
        assert!(waves < 20 * WAVES, "nothing is folded\n{}", broker.log());
        produce(&address, "history", waves * WAVE..(waves + 1) * WAVE);
        waves += 1;
    }
    let gathered = broker.counter("alluvium_gathered_bytes_total");
    assert_eq!(gathered > 0, gathers, "{gathered} bytes\n{}", broker.log());
    if kind == Kind::Cluster {
        let gets = requests(&broker, "get") - before;
        assert!(gets <= 2, "what is gathered is at hand, yet {gets} GETs");
    }
    broker.kill();
    broker.restart();
    // Whatever a start reads has been read then.
    offsets_of(&address, 0);
    let before = requests(&broker, "get");
    let offsets = offsets_of(&address, PARTITIONS / 2);
    assert!(offsets.len() > WAVES as usize, "{} records", offsets.len());
    assert!(offsets.iter().zip(0..).all(|(found, expected)| *found == expected), "{offsets:?}");
    let gets = requests(&broker, "get") - before;
    assert_eq!(count_records(&address, "history"), (waves * WAVE) as usize);
    assert!(broker.stop().is_some_and(|status| status.success()));
    gets
}

#[test]
fn history_of_many_partitions_takes_few_requests() {
    let [gathered, scattered] =
        [true, false].map(|gathers| gets_of_history(Kind::Cluster, gathers));
    println!("{gathered} GETs of what was gathered, {scattered} of what was not");
    assert!(gathered * 3 < scattered * 2, "{gathered} to {scattered}");
}

#[test]
fn an_embedded_broker_gathers_from_its_own_files() {
    assert!(gets_of_history(Kind::Embedded, true) > 0);
}
