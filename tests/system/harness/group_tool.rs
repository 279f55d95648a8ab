//! kafka-consumer-groups.

use super::{
    eventually,
    programs::{kafka_tool, run, text},
};
use std::{collections::BTreeMap, process::Command};

/// The tool, ready for its arguments.
pub fn group_tool(address: &str) -> Command {
    let mut tool = kafka_tool("org.apache.kafka.tools.consumer.group.ConsumerGroupCommand");
    tool.args(["--bootstrap-server", address]);
    tool
}

/// What it prints.
pub fn groups(address: &str, arguments: &[&str]) -> String {
    text(&run(group_tool(address).args(arguments), b"").stdout)
}

/// Committed offset and lag by partition of a group that reads one topic.
pub fn described(address: &str, group: &str) -> BTreeMap<u32, (String, String)> {
    let output = groups(address, &["--describe", "--group", group]);
    let rows = output.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let rows = rows.filter(|row| row.first() == Some(&group) && row.len() > 5);
    rows.map(|row| (row[2].parse().unwrap(), (row[3].to_owned(), row[5].to_owned()))).collect()
}

/// Waits until everything that was read is committed.
pub fn until_no_lag(address: &str, group: &str, partitions: usize) {
    eventually(|| {
        let offsets = described(address, group);
        let behind = offsets.values().filter(|(_, lag)| lag != "0").count();
        if offsets.len() == partitions && behind == 0 {
            Ok(())
        } else {
            Err(format!("{offsets:?}"))
        }
    });
}
