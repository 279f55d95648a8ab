//! The read cache on disk: what was read once is read again without a request, after a stop, after a kill, and right even where the disk is not.

use crate::harness::{
    Broker, Deployment, Kind,
    programs::{create_topic, kafka_tool, run, text},
    records::{count_records, produce},
    until,
};
use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    path::Path,
    process::Command,
};

const RECORDS: usize = 65_536;
const MIB: u64 = 1 << 20;

/// GETs so far.
fn gets(broker: &Broker) -> u64 {
    let metrics = broker.metrics();
    let of_gets = "alluvium_object_requests_total{operation=\"get\"";
    let series = metrics.lines().filter(|line| line.starts_with(of_gets));
    series.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

/// All records of the topic with their places, in order, and how many GETs reading them took.
fn consume(broker: &Broker) -> (Vec<String>, u64) {
    let before = gets(broker);
    let mut kcat = Command::new("kcat");
    kcat.args(["-C", "-q", "-e", "-b", &broker.address(), "-t", "history", "-o", "beginning"]);
    kcat.args(["-f", "%p %o %T %s\n"]);
    let mut records: Vec<String> =
        text(&run(&mut kcat, b"").stdout).lines().map(str::to_owned).collect();
    records.sort_unstable();
    assert_eq!(records.len(), RECORDS);
    (records, gets(broker) - before)
}

/// Changes one byte of each MiB of the cache.
fn damage(cache: &Path) {
    let regions = fs::read_dir(cache).unwrap().map(|entry| entry.unwrap().path());
    for region in regions.filter(|path| path.metadata().unwrap().len() >= 16 * MIB) {
        let file = File::options().read(true).write(true).open(&region).unwrap();
        for at in (0..file.metadata().unwrap().len()).step_by(MIB as usize) {
            let (mut byte, at) = ([0], at + MIB / 2);
            file.read_exact_at(&mut byte, at).unwrap();
            file.write_all_at(&[byte[0] ^ 0x10], at).unwrap();
        }
    }
}

#[test]
fn what_was_read_once_is_read_again_from_the_local_disk() {
    let deployment = Deployment::start(Kind::Cluster);
    // As little memory as there can be, so that reads are not answered from there.
    let mut broker = deployment.broker(&[
        "cache.max.bytes=268435456",
        "cache.io.max.bytes.per.second=0",
        "log.buffer.max.bytes=16777216",
    ]);
    create_topic(&broker.address(), "history", 4, &[]);
    let mut producer = kafka_tool("org.apache.kafka.tools.ProducerPerformance");
    let bootstrap = format!("bootstrap.servers={}", broker.address());
    producer.args(["--topic", "history", "--num-records", &RECORDS.to_string()]).args([
        "--record-size",
        "1024",
        "--throughput",
        "-1",
        "--producer-props",
        &bootstrap,
    ]);
    run(&mut producer, b"");
    let stop = |broker: &mut Broker| {
        assert!(broker.stop().is_some_and(|status| status.success()), "{}", broker.log());
    };
    stop(&mut broker);
    broker.restart();
    let (records, first) = consume(&broker);
    until("blocks do not reach the disk", || {
        broker.counter("alluvium_disk_cache_inserted_bytes_total") > 60 * MIB
    });

    stop(&mut broker);
    broker.restart();
    let (after_stop, second) = consume(&broker);
    broker.kill();
    broker.restart();
    let (after_kill, third) = consume(&broker);
    let hits = broker.counter("alluvium_disk_cached_blocks_total");
    println!("GETs to read 64 MiB: {first}, after a stop {second}, after a kill {third}");
    assert!(first >= 8 && second * 10 <= first && third * 10 <= first);
    assert!(hits >= 60, "{hits} blocks from disk");
    assert!(after_stop == records && after_kill == records);

    stop(&mut broker);
    damage(&deployment.local().join("cache"));
    broker.restart();
    let (after_damage, fourth) = consume(&broker);
    assert!(after_damage == records, "damage was answered");
    assert!(fourth > 0 && broker.counter("alluvium_disk_cache_damaged_blocks_total") > 0);
    stop(&mut broker);
}

#[test]
fn a_read_cache_that_can_not_be_opened_is_told_of_and_done_without() {
    let deployment = Deployment::start(Kind::Embedded);
    let file = deployment.directory().join("file");
    fs::write(&file, "x").unwrap();
    let directory = format!("cache.dir={}", file.display());
    let mut broker = deployment.broker(&["cache.max.bytes=67108864", &directory]);
    let log = broker.log();
    assert!(log.contains("there is no read cache on disk") && log.contains("cache.dir"), "{log}");
    create_topic(&broker.address(), "served", 1, &[]);
    produce(&broker.address(), "served", 0..10);
    assert_eq!(count_records(&broker.address(), "served"), 10);
    assert!(broker.stop().is_some_and(|status| status.success()), "{}", broker.log());
}
