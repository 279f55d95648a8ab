//! etcd: one member, its data in a directory that survives a restart.

use crate::{Error, Process, Purpose, Tool, free_port, process::http_ok};
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use tempfile::TempDir;

/// A single-member etcd on loopback.
#[derive(Debug)]
pub struct Etcd {
    process: Process,
    purpose: Purpose,
    client_port: u16,
    peer_port: u16,
    directory: PathBuf,
    #[expect(dead_code, reason = "the directory goes when this is dropped")]
    temporary: Option<TempDir>,
}

impl Etcd {
    /// Starts an empty one in a temporary directory.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub fn start() -> Result<Self, Error> {
        let temporary =
            tempfile::tempdir().map_err(Error::io("could not make a directory for etcd"))?;
        let etcd = Self::start_in(temporary.path(), free_port()?)?;
        Ok(Self { temporary: Some(temporary), ..etcd })
    }

    /// Starts one over `directory` (made if absent), answering clients on `client_port`.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub fn start_in(directory: &Path, client_port: u16) -> Result<Self, Error> {
        Self::start_for(Purpose::Test, directory, client_port)
    }

    /// The same, with program and life as `purpose` says.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub fn start_for(purpose: Purpose, directory: &Path, client_port: u16) -> Result<Self, Error> {
        std::fs::create_dir_all(directory)
            .map_err(Error::io(format!("could not create {}", directory.display())))?;
        let peer_port = free_port()?;
        let process = launch(purpose, directory, client_port, peer_port)?;
        let mut etcd = Self {
            process,
            purpose,
            client_port,
            peer_port,
            directory: directory.to_owned(),
            temporary: None,
        };
        etcd.wait()?;
        Ok(etcd)
    }

    fn wait(&mut self) -> Result<(), Error> {
        let port = self.client_port;
        self.process.wait_until_ready(|| http_ok(port, "/health"))
    }

    /// Where clients connect: `http://127.0.0.1:port`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.client_port)
    }

    /// Its data directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Hangs it, as a stalled disk or a paused VM would.
    pub fn pause(&self) {
        self.process.pause();
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.process.resume();
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again over the same data and port, killing it first when it runs.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub fn restart(&mut self) -> Result<(), Error> {
        self.process.kill();
        self.process = launch(self.purpose, &self.directory, self.client_port, self.peer_port)?;
        self.wait()
    }

    /// Stops it with SIGTERM.
    pub fn stop(&mut self) {
        self.process.stop(Duration::from_secs(5));
    }
}

fn launch(
    purpose: Purpose,
    directory: &Path,
    client_port: u16,
    peer_port: u16,
) -> Result<Process, Error> {
    let client = format!("http://127.0.0.1:{client_port}");
    let peer = format!("http://127.0.0.1:{peer_port}");
    let mut command = Command::new(Tool::Etcd.path_for(purpose)?);
    command
        .args(["--name", "default", "--data-dir"])
        .arg(directory.join("data"))
        .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
        .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
        .arg(format!("--initial-cluster=default={peer}"))
        .args(["--log-level", "warn"]);
    Process::start_for(purpose, "etcd", &mut command, &directory.join("etcd.log"))
}
