//! A server over a directory: started on loopback, paused, killed, started again over what it kept.

use crate::{Error, Process, Purpose, free_port};
use std::{
    fs,
    marker::PhantomData,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use tempfile::TempDir;

/// What the launcher has to know of a program.
pub trait Program {
    /// Its name, in messages and of its log file.
    const NAME: &'static str;

    /// Makes what it needs in `directory`, and answers the command that serves clients on `port`.
    ///
    /// # Errors
    /// As [`Error`] says.
    fn command(purpose: Purpose, directory: &Path, port: u16) -> Result<Command, Error>;

    /// Whether it answers clients.
    fn is_ready(port: u16) -> bool;
}

/// A running program. It is killed when this is dropped.
#[derive(Debug)]
pub struct Server<P> {
    process: Process,
    purpose: Purpose,
    port: u16,
    directory: PathBuf,
    #[expect(dead_code, reason = "the directory goes when this is dropped")]
    temporary: Option<TempDir>,
    program: PhantomData<P>,
}

impl<P: Program> Server<P> {
    /// Starts an empty one in a temporary directory, on a free port.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub fn start() -> Result<Self, Error> {
        let temporary = tempfile::tempdir()
            .map_err(Error::io(format!("could not make a directory for {}", P::NAME)))?;
        let server = Self::start_in(Purpose::Test, temporary.path(), free_port()?)?;
        Ok(Self { temporary: Some(temporary), ..server })
    }

    /// Starts one over `directory` (made if absent), answering clients on `port`; program and life are as `purpose` says.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub fn start_in(purpose: Purpose, directory: &Path, port: u16) -> Result<Self, Error> {
        create_directory(directory)?;
        let process = launch::<P>(purpose, directory, port)?;
        let directory = directory.to_owned();
        Ok(Self { process, purpose, port, directory, temporary: None, program: PhantomData })
    }

    /// Where clients connect: `http://127.0.0.1:port`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its directory; what it keeps lies in `data` below it.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Hangs it, as a stalled disk or a paused VM would: connections stay open, nothing answers.
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

    /// Starts it again over the same directory and port, killing it first when it runs.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub fn restart(&mut self) -> Result<(), Error> {
        self.process.kill();
        self.process = launch::<P>(self.purpose, &self.directory, self.port)?;
        Ok(())
    }

    /// Whether it runs (or hangs).
    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    /// Stops it with SIGTERM.
    pub fn stop(&mut self) {
        self.process.stop(Duration::from_secs(5));
    }
}

fn launch<P: Program>(purpose: Purpose, directory: &Path, port: u16) -> Result<Process, Error> {
    let mut command = P::command(purpose, directory, port)?;
    let log = directory.join(P::NAME).with_extension("log");
    let mut process = Process::start_for(purpose, P::NAME, &mut command, &log)?;
    process.wait_until_ready(|| P::is_ready(port))?;
    Ok(process)
}

/// Makes a directory, with those above it.
pub(crate) fn create_directory(directory: &Path) -> Result<(), Error> {
    fs::create_dir_all(directory)
        .map_err(Error::io(format!("could not create {}", directory.display())))
}
