//! MinIO: one server over one directory; buckets are folders of it.

use crate::{Error, Program, Purpose, Server, Tool, free_port, process::http_ok, server};
use std::{path::Path, process::Command};

/// A MinIO server on loopback, with the bucket `alluvium`.
pub type Minio = Server<MinioProgram>;

/// MinIO's program.
#[derive(Debug)]
pub struct MinioProgram;

pub(crate) const CREDENTIAL: &str = "minioadmin";

impl Program for MinioProgram {
    const NAME: &'static str = "minio";

    fn command(purpose: Purpose, directory: &Path, port: u16) -> Result<Command, Error> {
        let data = directory.join("data");
        server::create_directory(&data.join("alluvium"))?;
        let mut command = Command::new(Tool::Minio.path_for(purpose)?);
        command
            .arg("server")
            .arg(data)
            .args(["--quiet", "--address", &format!("127.0.0.1:{port}")])
            .args(["--console-address", &format!("127.0.0.1:{}", free_port()?)])
            .env("MINIO_ROOT_USER", CREDENTIAL)
            .env("MINIO_ROOT_PASSWORD", CREDENTIAL)
            .env("MINIO_BROWSER", "off")
            .env("MINIO_UPDATE", "off")
            .env("MINIO_CI_CD", "1")
            .env("MINIO_PROMETHEUS_AUTH_TYPE", "public");
        Ok(command)
    }

    fn is_ready(port: u16) -> bool {
        http_ok(port, "/minio/health/ready")
    }
}

impl Minio {
    /// Its access key.
    pub fn access_key(&self) -> &'static str {
        CREDENTIAL
    }

    /// Its secret key.
    pub fn secret_key(&self) -> &'static str {
        CREDENTIAL
    }
}
