//! A program that runs beside the test and leaves when its standard input closes. What it prints goes to files.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// A running program. It is killed when this is dropped.
pub struct Running {
    child: Child,
    files: PathBuf,
}

impl Running {
    /// Starts it; `name` tells its files in `directory` apart, which a second life continues.
    pub fn start(command: &mut Command, directory: &Path, name: &str) -> Self {
        let files = directory.join(name);
        let file = |kind: &str| {
            let path = files.with_added_extension(kind);
            fs::OpenOptions::new().create(true).append(true).open(path).unwrap()
        };
        let child = command
            .stdin(Stdio::piped())
            .stdout(file("output"))
            .stderr(file("errors"))
            .spawn()
            .unwrap();
        Self { child, files }
    }

    /// What it printed so far.
    pub fn output(&self) -> String {
        fs::read_to_string(self.files.with_added_extension("output")).unwrap()
    }

    /// What it complained of so far.
    pub fn errors(&self) -> String {
        fs::read_to_string(self.files.with_added_extension("errors")).unwrap()
    }

    /// Lets it leave, and answers what it printed.
    pub fn stop(mut self) -> String {
        drop(self.child.stdin.take());
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{}: {status}\n{}", self.files.display(), self.errors());
        self.output()
    }

    /// kill -9: it can't leave. Answers what it printed.
    pub fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.output()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
