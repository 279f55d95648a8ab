//! One child process: started with its output in a file, paused, killed, always reaped.

use crate::{Error, Purpose};
use rustix::process::{Pid, Signal, getppid, kill_process, set_parent_process_death_signal};
use std::{
    fs, io,
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

/// A running child. Dropping it kills and reaps it.
#[derive(Debug)]
pub struct Process {
    service: &'static str,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with standard output and error appended to `log`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn start(service: &'static str, command: &mut Command, log: &Path) -> Result<Self, Error> {
        Self::start_for(Purpose::Test, service, command, log)
    }

    /// The same, with a life as `purpose` says.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn start_for(
        purpose: Purpose,
        service: &'static str,
        command: &mut Command,
        log: &Path,
    ) -> Result<Self, Error> {
        if purpose == Purpose::Development {
            bind_to_this_thread(command);
        }
        let output = fs::OpenOptions::new().create(true).append(true).open(log);
        let output = output.map_err(Error::io(format!("could not open {}", log.display())))?;
        let errors = output.try_clone().map_err(Error::io("could not share a log file"))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(Error::io(format!("could not start {service}")))?;
        Ok(Self { service, child, log: log.to_owned() })
    }

    /// The child's pid.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where its output goes.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Waits until `ready` holds, asking every 25 ms, for at most 60 s.
    ///
    /// # Errors
    /// [`Error::NotReady`] with the end of its log, when it exits or takes too long.
    pub fn wait_until_ready(&mut self, mut ready: impl FnMut() -> bool) -> Result<(), Error> {
        for _ in 0..2_400 {
            if ready() {
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(self.not_ready(&format!("it exited with {status}")));
            }
            thread::sleep(Duration::from_millis(25));
        }
        Err(self.not_ready("it did not answer within 60 s"))
    }

    fn not_ready(&self, reason: &str) -> Error {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let tail: Vec<&str> = text.lines().rev().take(4).collect();
        let tail = tail.into_iter().rev().collect::<Vec<_>>().join(" | ");
        Error::NotReady {
            service: self.service,
            reason: format!("{reason}: {tail}"),
            log: self.log.display().to_string(),
        }
    }

    /// Sends a signal; a child that is gone is no error.
    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, signal);
        }
    }

    /// SIGSTOP: it hangs, its sockets stay open. Returns when all its threads have stopped, which takes a busy machine a moment.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
        for _ in 0..1_000 {
            if self.has_stopped() {
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Whether the kernel lists every thread as stopped (or gone).
    fn has_stopped(&self) -> bool {
        let Ok(threads) = fs::read_dir(format!("/proc/{}/task", self.child.id())) else {
            return true;
        };
        threads.flatten().all(|thread| {
            let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            // The name, in parentheses, may hold spaces; the state follows it.
            stat.rsplit(") ").next().is_none_or(|rest| !rest.starts_with(['R', 'S', 'D']))
        })
    }

    /// SIGTERM, without waiting.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// SIGCONT.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// SIGKILL, and waits.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM, and waits up to `patience`; then SIGKILL. `None` when it had to be killed.
    pub fn stop(&mut self, patience: Duration) -> Option<ExitStatus> {
        self.signal(Signal::CONT);
        self.signal(Signal::TERM);
        for _ in 0..(patience.as_millis() / 10).max(1) {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            thread::sleep(Duration::from_millis(10));
        }
        self.kill();
        None
    }

    /// How it ended; `None` while it runs.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Takes the child out of the terminal's foreground group, and has the kernel kill it when the thread that starts it ends.
fn bind_to_this_thread(command: &mut Command) {
    let launcher = rustix::process::getpid();
    let ask = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        if getppid() == Some(launcher) { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
    };
    command.process_group(0);
    // SAFETY: between fork and exec only async-signal-safe things may be done: `ask` makes two system calls and neither allocates
    // nor locks.
    unsafe { command.pre_exec(ask) };
}

/// `preferred` when that port is free on loopback, else another that is.
///
/// # Errors
/// [`Error::Io`].
pub fn preferred_port(preferred: u16) -> Result<u16, Error> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, preferred)) {
        Ok(_) => Ok(preferred),
        Err(_) => free_port(),
    }
}

/// Ports below those that Linux gives to outgoing connections (`net.ipv4.ip_local_port_range`), from which any client could take one
/// while a server that is to have it again is down.
const PORTS: std::ops::Range<u32> = 16_384..32_768;

/// A TCP port on loopback that was free a moment ago; no two calls of a process get the same one soon after each other.
///
/// # Errors
/// [`Error::Io`].
pub fn free_port() -> Result<u16, Error> {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let count = PORTS.end - PORTS.start;
    // Processes that run side by side begin at different places.
    let begin = std::process::id().wrapping_mul(67);
    for _ in 0..count {
        let step = begin.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(PORTS.start + step % count).unwrap_or_default();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    let none = io::Error::new(io::ErrorKind::AddrInUse, "all ports are taken");
    Err(Error::io("could not find a free port")(none))
}

/// Whether something accepts connections on that loopback port.
pub(crate) fn accepts(port: u16) -> bool {
    TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), Duration::from_millis(500))
        .is_ok()
}

/// Whether an HTTP GET of `path` on that loopback port answers 200.
pub(crate) fn http_ok(port: u16, path: &str) -> bool {
    use std::io::{Read, Write};
    let get = || -> std::io::Result<bool> {
        let limit = Duration::from_millis(500);
        let mut stream = TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), limit)?;
        stream.set_read_timeout(Some(limit))?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        Ok(head.ends_with(b" 200"))
    };
    get().unwrap_or(false)
}
