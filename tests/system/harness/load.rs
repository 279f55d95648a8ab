//! Steady load that outlives its broker, and the check of what was acknowledged.

use super::programs::{python, run};
use std::{
    path::{Path, PathBuf},
    process::{Child, Stdio},
};

/// Writers of numbered records; each acknowledgement is logged.
pub struct Load {
    topic: String,
    partitions: u32,
    logs: Vec<PathBuf>,
    running: Vec<Child>,
    next_number: u64,
}

/// What the check found.
#[derive(Debug)]
pub struct Verified {
    pub acknowledged: u64,
    pub read: u64,
}

impl Load {
    pub fn new(topic: &str, partitions: u32) -> Self {
        Self {
            topic: topic.to_owned(),
            partitions,
            logs: Vec::new(),
            running: Vec::new(),
            next_number: 0,
        }
    }

    /// Starts a writer with these acks.
    pub fn start(&mut self, address: &str, directory: &Path, acks: &str, more: &[&str]) {
        let log = directory.join(format!("{}-{}.acknowledged", self.topic, self.logs.len()));
        let mut command = python("load.py");
        command
            .args(["produce", "--bootstrap", address, "--topic", &self.topic, "--acks", acks])
            .args(["--partitions", &self.partitions.to_string()])
            .args(["--first", &self.next_number.to_string(), "--log"])
            .arg(&log)
            .args(more);
        self.next_number += 1_000_000_000;
        self.logs.push(log);
        self.running.push(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap());
    }

    /// Records acknowledged so far, as far as the logs were written.
    pub fn acknowledged(&self) -> u64 {
        let lines =
            |path: &PathBuf| std::fs::read_to_string(path).map_or(0, |text| text.lines().count());
        self.logs.iter().map(lines).sum::<usize>() as u64
    }

    /// Lets the writers finish and answers what each said of itself.
    pub fn stop(&mut self) -> Vec<String> {
        let finish = |mut child: Child| {
            drop(child.stdin.take());
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "the load failed");
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        self.running.drain(..).map(finish).collect()
    }

    /// Reads the topic whole: everything acknowledged is there, at its offset, once, without gaps.
    pub fn verify(&self, address: &str) -> Verified {
        let logs: Vec<String> = self.logs.iter().map(|path| path.display().to_string()).collect();
        let mut command = python("load.py");
        command.args(["verify", "--bootstrap", address, "--topic", &self.topic]).args([
            "--partitions",
            &self.partitions.to_string(),
            "--log",
            &logs.join(","),
        ]);
        let output = run(&mut command, b"");
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let number = |name: &str| report[name].as_u64().unwrap();
        Verified { acknowledged: number("acknowledged"), read: number("read") }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
