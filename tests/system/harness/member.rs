//! A member of a consumer group: a client program that runs beside the test.

use super::{Running, programs::Client};
use std::path::Path;

/// A running member.
pub struct Member {
    running: Running,
}

impl Member {
    /// Starts one that reads `topic`; what it prints goes to a file in `directory`.
    pub fn start(
        client: Client,
        directory: &Path,
        name: &str,
        address: &str,
        topic: &str,
        group: &str,
    ) -> Self {
        Self::start_with(client, directory, name, (address, topic, group), &[])
    }

    /// The same with further arguments.
    pub fn start_with(
        client: Client,
        directory: &Path,
        name: &str,
        (address, topic, group): (&str, &str, &str),
        arguments: &[&str],
    ) -> Self {
        let mut command = client.member();
        command.args(["--bootstrap", address, "--topic", topic, "--group", group]);
        Self { running: Running::start(command.args(arguments), directory, name) }
    }

    /// Partition, offset and value of what it read so far.
    pub fn records(&self) -> Vec<(i32, u64, String)> {
        records(&self.running.output())
    }

    /// What it complained of so far.
    pub fn errors(&self) -> String {
        self.running.errors()
    }

    /// Lets it leave.
    pub fn stop(self) -> Vec<(i32, u64, String)> {
        records(&self.running.stop())
    }

    /// kill -9: it can't leave.
    pub fn kill(self) -> Vec<(i32, u64, String)> {
        records(&self.running.kill())
    }
}

/// What a member printed; the last line may be half written.
fn records(output: &str) -> Vec<(i32, u64, String)> {
    output.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}
