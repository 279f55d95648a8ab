//! A broker process: the binary of this build, on ports of its own that survive a restart.

use super::{http::http_get, programs::alluvium};
use services::{Process, free_port};
use std::{
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

/// The binary under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_alluvium");

/// A running (or killed) broker.
pub struct Broker {
    process: Process,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    log: PathBuf,
    /// Of its listeners, the first one's first.
    ports: Vec<u16>,
    http_port: u16,
}

/// The listener of most tests; `{}` stands for a port.
pub const LISTENERS: &str = "PLAINTEXT://127.0.0.1:{}";

impl Broker {
    /// Starts one with `arguments` after the ports' flags and waits until it is ready. Its output goes to `broker.log` in `directory`.
    pub fn start(directory: &Path, arguments: &[String], environment: &[(String, String)]) -> Self {
        let mut broker = Self::launch(directory, arguments, environment);
        broker.wait_until_ready();
        broker
    }

    /// Starts one without waiting.
    pub fn launch(
        directory: &Path,
        arguments: &[String],
        environment: &[(String, String)],
    ) -> Self {
        Self::launch_listening(LISTENERS, directory, arguments, environment)
    }

    /// Starts one with these listeners, each `{}` a free port, without waiting.
    pub fn launch_listening(
        listeners: &str,
        directory: &Path,
        arguments: &[String],
        environment: &[(String, String)],
    ) -> Self {
        let http_port = free_port().unwrap();
        let (mut listeners, mut ports) = (listeners.to_owned(), Vec::new());
        while listeners.contains("{}") {
            let port = free_port().unwrap();
            listeners = listeners.replacen("{}", &port.to_string(), 1);
            ports.push(port);
        }
        let mut all = vec![
            "serve".to_owned(),
            "--listeners".to_owned(),
            listeners,
            "--http-address".to_owned(),
            format!("127.0.0.1:{http_port}"),
        ];
        all.extend_from_slice(arguments);
        let log = directory.join("broker.log");
        let process = spawn(&all, environment, &log);
        Self { process, arguments: all, environment: environment.to_vec(), log, ports, http_port }
    }

    pub fn wait_until_ready(&mut self) {
        let http_port = self.http_port;
        self.process.wait_until_ready(|| http_get(http_port, "/health/ready").is_some()).unwrap();
    }

    /// Waits until it exits by itself, and answers its status and log.
    pub fn wait_for_exit(&mut self, patience: Duration) -> (bool, String) {
        let step = Duration::from_millis(20);
        for _ in 0..patience.as_millis() / step.as_millis() {
            if !self.process.is_running() {
                return (true, self.log());
            }
            std::thread::sleep(step);
        }
        (false, self.log())
    }

    pub fn address(&self) -> String {
        self.address_of(0)
    }

    /// The address of a listener, by its place.
    pub fn address_of(&self, listener: usize) -> String {
        format!("127.0.0.1:{}", self.ports[listener])
    }

    pub fn port(&self) -> u16 {
        self.ports[0]
    }

    pub fn http_port(&self) -> u16 {
        self.http_port
    }

    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again with the same arguments and ports, and waits until it is ready.
    pub fn restart(&mut self) {
        self.process = spawn(&self.arguments, &self.environment, &self.log);
        self.wait_until_ready();
    }

    /// SIGTERM; `None` when it had to be killed after a minute.
    pub fn stop(&mut self) -> Option<ExitStatus> {
        self.process.stop(Duration::from_secs(60))
    }

    /// Its metrics, as Prometheus reads them.
    pub fn metrics(&self) -> String {
        http_get(self.http_port, "/metrics").unwrap()
    }

    /// The sum of a counter's series.
    pub fn counter(&self, name: &str) -> u64 {
        let metrics = self.metrics();
        let series = metrics.lines().filter_map(|line| line.strip_prefix(name));
        let of_name = series.filter(|rest| rest.starts_with([' ', '{']));
        of_name.filter_map(|rest| rest.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    }

    /// Resident memory in bytes.
    pub fn resident_bytes(&self) -> u64 {
        self.memory("VmRSS:")
    }

    /// The most that it ever had resident, in bytes.
    pub fn peak_resident_bytes(&self) -> u64 {
        self.memory("VmHWM:")
    }

    fn memory(&self, figure: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.pid()))
            .unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with(figure));
        let kibibytes = line
            .and_then(|line| line.split_whitespace().nth(1))
            .and_then(|text| text.parse::<u64>().ok());
        kibibytes.unwrap_or_default() * 1024
    }
}

fn spawn(arguments: &[String], environment: &[(String, String)], log: &Path) -> Process {
    let mut command = alluvium();
    command.args(arguments).envs(environment.iter().cloned());
    Process::start("alluvium", &mut command, log).unwrap()
}
