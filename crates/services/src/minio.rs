//! MinIO: one server over one directory; buckets are folders of it.

use crate::{Error, Process, Purpose, Tool, free_port, process::http_ok};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use tempfile::TempDir;

/// A MinIO server on loopback.
#[derive(Debug)]
pub struct Minio {
    process: Process,
    purpose: Purpose,
    port: u16,
    directory: PathBuf,
    #[expect(dead_code, reason = "the directory goes when this is dropped")]
    temporary: Option<TempDir>,
}

impl Minio {
    /// Starts an empty one in a temporary directory, with the bucket `alluvium`.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub fn start() -> Result<Self, Error> {
        let temporary =
            tempfile::tempdir().map_err(Error::io("could not make a directory for MinIO"))?;
        let minio = Self::start_in(temporary.path(), free_port()?)?;
        Ok(Self { temporary: Some(temporary), ..minio })
    }

    /// Starts one over `directory` (made if absent) on `port`, with the bucket `alluvium`.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub fn start_in(directory: &Path, port: u16) -> Result<Self, Error> {
        Self::start_for(Purpose::Test, directory, port)
    }

    /// The same, with program and life as `purpose` says.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub fn start_for(purpose: Purpose, directory: &Path, port: u16) -> Result<Self, Error> {
        let bucket = directory.join("data/alluvium");
        fs::create_dir_all(&bucket)
            .map_err(Error::io(format!("could not create {}", bucket.display())))?;
        let process = launch(purpose, directory, port)?;
        let mut minio =
            Self { process, purpose, port, directory: directory.to_owned(), temporary: None };
        minio.wait()?;
        Ok(minio)
    }

    fn wait(&mut self) -> Result<(), Error> {
        let port = self.port;
        self.process.wait_until_ready(|| http_ok(port, "/minio/health/ready"))
    }

    /// Where clients connect: `http://127.0.0.1:port`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its access key.
    pub fn access_key(&self) -> &'static str {
        "minioadmin"
    }

    /// Its secret key.
    pub fn secret_key(&self) -> &'static str {
        "minioadmin"
    }

    /// Makes a bucket, by making its folder.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn create_bucket(&self, name: &str) -> Result<(), Error> {
        let bucket = self.directory.join("data").join(name);
        fs::create_dir_all(&bucket)
            .map_err(Error::io(format!("could not create {}", bucket.display())))
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Hangs it: connections open, nothing answers.
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
        self.process = launch(self.purpose, &self.directory, self.port)?;
        self.wait()
    }

    /// Stops it with SIGTERM.
    pub fn stop(&mut self) {
        self.process.stop(Duration::from_secs(5));
    }
}

fn launch(purpose: Purpose, directory: &Path, port: u16) -> Result<Process, Error> {
    let mut command = Command::new(Tool::Minio.path_for(purpose)?);
    command
        .arg("server")
        .arg(directory.join("data"))
        .args(["--quiet", "--address", &format!("127.0.0.1:{port}")])
        .args(["--console-address", &format!("127.0.0.1:{}", free_port()?)])
        .env("MINIO_ROOT_USER", "minioadmin")
        .env("MINIO_ROOT_PASSWORD", "minioadmin")
        .env("MINIO_BROWSER", "off")
        .env("MINIO_UPDATE", "off")
        .env("MINIO_CI_CD", "1")
        .env("MINIO_PROMETHEUS_AUTH_TYPE", "public");
    Process::start_for(purpose, "minio", &mut command, &directory.join("minio.log"))
}
