//! A member of a consumer group: a client program that runs beside the test.

use super::programs::Client;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Stdio},
};

/// A running member.
pub struct Member {
    child: Child,
    output: PathBuf,
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
        let output = directory.join(format!("{name}.records"));
        let mut command = client.member();
        command.args(["--bootstrap", address, "--topic", topic, "--group", group]);
        command.args(arguments);
        let child = command
            .stdin(Stdio::piped())
            .stdout(fs::File::create(&output).unwrap())
            .stderr(fs::File::create(directory.join(format!("{name}.errors"))).unwrap())
            .spawn()
            .unwrap();
        Self { child, output }
    }

    /// Partition, offset and value of what it read so far.
    pub fn records(&self) -> Vec<(i32, u64, String)> {
        let text = fs::read_to_string(&self.output).unwrap();
        // The last line may be half written.
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Lets it leave.
    pub fn stop(mut self) -> Vec<(i32, u64, String)> {
        drop(self.child.stdin.take());
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{}: {status}", self.output.display());
        self.records()
    }

    /// kill -9: it can't leave.
    pub fn kill(mut self) -> Vec<(i32, u64, String)> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.records()
    }
}
