//! Numbered records: written with kcat, read by members of groups or by a reader of one isolation level.

use super::{
    Member, eventually,
    programs::{python, run, text},
};
use std::{collections::BTreeSet, ops::Range, process::Command};

/// Writes lines of `key:value`, spread over a topic's partitions.
pub fn write_lines(address: &str, topic: &str, lines: &[String]) {
    let mut kcat = Command::new("kcat");
    kcat.args(["-P", "-b", address, "-t", topic, "-K", ":", "-X", "message.timeout.ms=60000"]);
    kcat.args(["-X", "enable.idempotence=true"]);
    if let Ok(contexts) = std::env::var("CLIENT_DEBUG") {
        kcat.args(["-d", &contexts]);
    }
    run(&mut kcat, (lines.join("\n") + "\n").as_bytes());
}

/// Writes numbered records, each with a key of its own.
pub fn produce(address: &str, topic: &str, numbers: Range<u32>) {
    let lines: Vec<String> = numbers.map(|number| format!("k{number}:{number}")).collect();
    write_lines(address, topic, &lines);
}

/// Waits until the members together, with what was read before, have all of these numbers.
pub fn until_read(members: &[&Member], before: &[(i32, u64, String)], numbers: Range<u32>) {
    let wanted: BTreeSet<String> = numbers.map(|number| number.to_string()).collect();
    eventually(|| {
        let read = members.iter().flat_map(|member| member.records()).chain(before.to_vec());
        let read: BTreeSet<String> = read.map(|(_, _, value)| value).collect();
        let missing = wanted.difference(&read).count();
        if missing == 0 { Ok(()) } else { Err(format!("{missing} of {} missing", wanted.len())) }
    });
}

/// The numbers that the members have read, in order; those read twice are there twice.
pub fn numbers(members: &[&Member]) -> Vec<u32> {
    let records = members.iter().flat_map(|member| member.records());
    let mut numbers: Vec<u32> = records.map(|(_, _, value)| value.parse().unwrap()).collect();
    numbers.sort_unstable();
    numbers
}

/// The values of a topic up to its end, by partition, as a reader of that isolation level sees them.
pub fn read_values(address: &str, topic: &str, partitions: u32, isolation: &str) -> Vec<String> {
    let mut command = python("isolation.py");
    command.args(["--bootstrap", address, "--topic", topic, "--isolation", isolation]);
    command.args(["--partitions", &partitions.to_string()]);
    let output = text(&run(&mut command, b"").stdout);
    output.lines().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect()
}

/// Settings with which compacted topics are cleaned a second after they were written, however little of them is new.
pub const CLEANED_SOON: [&str; 4] = [
    "log.cleaner.backoff.ms=200",
    "log.cleaner.min.cleanable.ratio=0",
    "log.roll.ms=1000",
    "flush.max.interval.idle=200ms",
];

/// How many records are left in a topic.
pub fn count_records(address: &str, topic: &str) -> usize {
    let mut kcat = Command::new("kcat");
    kcat.args(["-C", "-q", "-e", "-b", address, "-t", topic, "-o", "beginning", "-f", "%o\n"]);
    text(&run(&mut kcat, b"").stdout).lines().count()
}

/// [`read_values`] where each value is another one.
pub fn read_distinct(
    address: &str,
    topic: &str,
    partitions: u32,
    isolation: &str,
) -> BTreeSet<String> {
    let values = read_values(address, topic, partitions, isolation);
    let count = values.len();
    let distinct: BTreeSet<_> = values.into_iter().collect();
    assert_eq!(distinct.len(), count, "no record twice");
    distinct
}

/// The values that `count` transactions of `id` write, three each: those of the even ones, which commit, or all.
pub fn values_of_transactions(id: &str, count: u32, all: bool) -> BTreeSet<String> {
    let numbers = (0..count).filter(|number| all || number % 2 == 0);
    let records = numbers.flat_map(|number| (0..3).map(move |record| (number, record)));
    records.map(|(number, record)| format!("{id}-{number}-{record}")).collect()
}
