//! etcd: one member, its data in a directory that survives a restart.

use crate::{Error, Program, Purpose, Server, Tool, free_port, process::http_ok};
use std::{path::Path, process::Command};

/// A single-member etcd on loopback.
pub type Etcd = Server<EtcdProgram>;

/// etcd's program.
#[derive(Debug)]
pub struct EtcdProgram;

impl Program for EtcdProgram {
    const NAME: &'static str = "etcd";

    fn command(purpose: Purpose, directory: &Path, port: u16) -> Result<Command, Error> {
        let client = format!("http://127.0.0.1:{port}");
        let peer = format!("http://127.0.0.1:{}", free_port()?);
        let mut command = Command::new(Tool::Etcd.path_for(purpose)?);
        command
            .args(["--name", "default", "--data-dir"])
            .arg(directory.join("data"))
            .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
            .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
            .arg(format!("--initial-cluster=default={peer}"))
            .args(["--log-level", "warn"]);
        Ok(command)
    }

    fn is_ready(port: u16) -> bool {
        http_ok(port, "/health")
    }
}
