//! Prometheus over a directory that holds its configuration, `prometheus.yml`.

use crate::{Error, Program, Purpose, Server, Tool, process::accepts};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// A Prometheus server on loopback.
pub type Prometheus = Server<PrometheusProgram>;

/// Prometheus' program.
#[derive(Debug)]
pub struct PrometheusProgram;

impl Program for PrometheusProgram {
    const NAME: &'static str = "prometheus";

    fn command(purpose: Purpose, directory: &Path, port: u16) -> Result<Command, Error> {
        let mut command = Command::new(Tool::Prometheus.path_for(purpose)?);
        command
            .arg(format!("--config.file={}", directory.join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", directory.join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--log.level=warn");
        Ok(command)
    }

    fn is_ready(port: u16) -> bool {
        accepts(port)
    }
}

/// Checks rules and runs their tests.
///
/// # Errors
/// As [`Tool::path`].
pub fn promtool() -> Result<PathBuf, Error> {
    Tool::Prometheus.path().map(|path| path.with_file_name("promtool"))
}
