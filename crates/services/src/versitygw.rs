//! versitygw: a second S3 implementation, over a POSIX directory.

use crate::{Error, Process, Tool, free_port, process::accepts};
use std::{fs, process::Command};
use tempfile::TempDir;

/// A versitygw server on loopback.
#[derive(Debug)]
pub struct Versitygw {
    process: Process,
    port: u16,
    _temporary: TempDir,
}

impl Versitygw {
    /// Starts one in a temporary directory, with one empty bucket.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub fn start(bucket: &str) -> Result<Self, Error> {
        let temporary =
            tempfile::tempdir().map_err(Error::io("could not make a directory for versitygw"))?;
        let data = temporary.path().join("data");
        fs::create_dir_all(data.join(bucket)).map_err(Error::io("could not make a bucket"))?;
        let port = free_port()?;
        let mut command = Command::new(Tool::Versitygw.path()?);
        command
            .args(["--access", "versityadmin", "--secret", "versityadmin"])
            .args(["--port", &format!("127.0.0.1:{port}"), "posix", "--nometa"])
            .arg(&data);
        let mut process =
            Process::start("versitygw", &mut command, &temporary.path().join("versitygw.log"))?;
        process.wait_until_ready(|| accepts(port))?;
        Ok(Self { process, port, _temporary: temporary })
    }

    /// Where clients connect.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its access key.
    pub fn access_key(&self) -> &'static str {
        "versityadmin"
    }

    /// Its secret key.
    pub fn secret_key(&self) -> &'static str {
        "versityadmin"
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}
