//! One broker of `alluvium dev --brokers`: a process that is started, broken and watched.

use super::{
    fault::Fault,
    figures::{Counters, Rates, get, lags},
    layout::Layout,
};
use crate::Failure;
use runtime::BootTime;
use services::{Process, Purpose};
use std::{
    collections::BTreeMap,
    fmt, fs, io,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::Command,
};

const SERVICE: &str = "broker";

/// How a broker is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum State {
    Starting,
    Ready,
    /// It answered once and does not now.
    Silent,
    Draining,
    Paused,
    Killed,
    Stopped,
    /// By itself; how.
    Exited(String),
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Silent => "silent",
            Self::Draining => "draining",
            Self::Paused => "paused",
            Self::Killed => "killed",
            Self::Stopped => "stopped",
            Self::Exited(how) => how,
        })
    }
}

/// A broker, running or not.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) layout: Layout,
    pub(super) state: State,
    pub(super) rates: Rates,
    /// Of the groups that it coordinates.
    pub(super) lags: BTreeMap<String, u64>,
    counted: Option<(BootTime, Counters)>,
    config: PathBuf,
    log: PathBuf,
    process: Option<Process>,
}

/// What a broker answered when it was asked.
pub(super) struct Answer {
    ready: bool,
    metrics: Option<String>,
    detail: Option<String>,
}

impl Member {
    /// Writes its settings file; nothing is started yet.
    ///
    /// # Errors
    /// The file can't be written.
    pub(super) fn new(layout: Layout, directory: &Path) -> Result<Self, Failure> {
        let name = format!("broker-{}", layout.number);
        let config = directory.join(&name).with_extension("toml");
        write_private(&config, &layout.settings.to_toml())
            .map_err(|error| Failure(format!("could not write {}: {error}", config.display())))?;
        Ok(Self {
            layout,
            state: State::Stopped,
            rates: Rates::default(),
            lags: BTreeMap::new(),
            counted: None,
            config,
            log: directory.join(&name).with_extension("log"),
            process: None,
        })
    }

    /// Starts it without waiting. Its life is bound to the calling thread's.
    ///
    /// # Errors
    /// The program can't be started.
    pub(super) fn start(&mut self, credentials: (&str, &str)) -> Result<(), Failure> {
        let program = std::env::current_exe()
            .map_err(|error| Failure(format!("could not find this program: {error}")))?;
        let mut command = Command::new(program);
        // What the environment says is in the settings file already, or is about other stores.
        for (name, _) in std::env::vars_os() {
            let ours = name
                .to_str()
                .is_some_and(|it| it.starts_with("ALLUVIUM_") || it.starts_with("AWS_"));
            if ours {
                command.env_remove(name);
            }
        }
        command.args(["serve", "--config"]).arg(&self.config);
        command.env("AWS_ACCESS_KEY_ID", credentials.0).env("AWS_SECRET_ACCESS_KEY", credentials.1);
        command.env("AWS_REGION", "us-east-1");
        let started = Process::start_for(Purpose::Development, SERVICE, &mut command, &self.log);
        self.process = Some(started.map_err(Failure::from_display)?);
        self.state = State::Starting;
        self.counted = None;
        Ok(())
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::pid)
    }

    pub(super) fn log(&self) -> &Path {
        &self.log
    }

    pub(super) fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(Process::is_running)
    }

    /// Does to a running broker what is asked, but for starting it.
    pub(super) fn strike(&mut self, fault: Fault) {
        let Some(process) = &mut self.process else { return };
        match fault {
            Fault::Kill => {
                process.kill();
                self.process = None;
                self.ended(State::Killed);
            }
            Fault::Stop => {
                process.resume();
                process.terminate();
                self.state = State::Draining;
            }
            Fault::Pause => {
                process.pause();
                self.state = State::Paused;
            }
            Fault::Resume => {
                process.resume();
                self.state = State::Silent;
            }
            Fault::Start => {}
        }
    }

    fn ended(&mut self, state: State) {
        self.state = state;
        self.rates = Rates::default();
        self.lags.clear();
        self.counted = None;
    }

    /// Asks it how it is; `None` when there is nobody to ask.
    pub(super) async fn ask(&self) -> Option<Answer> {
        let askable = self.process.is_some() && self.state != State::Paused;
        if !askable {
            return None;
        }
        let http = &self.layout.http;
        let (ready, metrics, detail) = tokio::join!(
            get(http, "/health/ready"),
            get(http, "/metrics"),
            get(http, "/metrics/detail")
        );
        Some(Answer { ready: ready.is_some(), metrics, detail })
    }

    /// Takes in what it answered, and whether it is still there.
    pub(super) fn learn(&mut self, answer: Option<Answer>, now: BootTime) {
        if let Some(status) = self.process.as_mut().and_then(Process::exit_status) {
            self.process = None;
            let asked_for = self.state == State::Draining && status.success();
            let how = || State::Exited(status.to_string());
            self.ended(if asked_for { State::Stopped } else { how() });
            return;
        }
        let Some(answer) = answer else {
            self.rates = Rates::default();
            return;
        };
        self.state = match (&self.state, answer.ready) {
            (State::Draining, _) => State::Draining,
            (_, true) => State::Ready,
            (State::Starting, false) => State::Starting,
            (_, false) => State::Silent,
        };
        let counters = answer.metrics.as_deref().map(Counters::parse);
        self.rates = match (counters, self.counted) {
            (Some(counters), Some((then, before))) => counters.since(&before, now.since(then)),
            _ => Rates::default(),
        };
        self.counted = counters.map(|counters| (now, counters));
        self.lags = answer.detail.as_deref().map(lags).unwrap_or_default();
    }

    /// The end of its log, for a broker that ended by itself.
    pub(super) fn last_words(&self) -> Option<String> {
        let text = fs::read_to_string(&self.log).ok()?;
        text.lines().next_back().map(str::to_owned)
    }
}

/// Settings may hold passwords.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(path)?.write_all(text.as_bytes())
}
