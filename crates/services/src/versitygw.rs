//! versitygw: a second S3 implementation, over a POSIX directory.

use crate::{Error, Program, Purpose, Server, Tool, process::accepts, server};
use std::{path::Path, process::Command};

/// A versitygw server on loopback, with the bucket `alluvium`. It honours conditional requests.
pub type Versitygw = Server<VersitygwProgram<true>>;

/// The same without a place for metadata, which makes it ignore the conditions of requests.
pub type UnconditionalVersitygw = Server<VersitygwProgram<false>>;

/// versitygw's program, with or without metadata.
#[derive(Debug)]
pub struct VersitygwProgram<const METADATA: bool>;

const CREDENTIAL: &str = "versityadmin";

impl<const METADATA: bool> Program for VersitygwProgram<METADATA> {
    const NAME: &'static str = "versitygw";

    fn command(purpose: Purpose, directory: &Path, port: u16) -> Result<Command, Error> {
        let (data, sidecar) = (directory.join("data"), directory.join("sidecar"));
        server::create_directory(&data.join("alluvium"))?;
        server::create_directory(&sidecar)?;
        let mut command = Command::new(Tool::Versitygw.path_for(purpose)?);
        command.args(["--access", CREDENTIAL, "--secret", CREDENTIAL]).args([
            "--port",
            &format!("127.0.0.1:{port}"),
            "posix",
        ]);
        match METADATA {
            true => command.arg("--sidecar").arg(sidecar),
            false => command.arg("--nometa"),
        };
        command.arg(data);
        Ok(command)
    }

    fn is_ready(port: u16) -> bool {
        accepts(port)
    }
}

impl<const METADATA: bool> Server<VersitygwProgram<METADATA>> {
    /// Its access key.
    pub fn access_key(&self) -> &'static str {
        CREDENTIAL
    }

    /// Its secret key.
    pub fn secret_key(&self) -> &'static str {
        CREDENTIAL
    }
}
