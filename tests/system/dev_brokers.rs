//! `alluvium dev --brokers 3`: broken and mended by what is typed, and gone whatever ends it.

use crate::harness::{
    Load,
    broker::BINARY,
    eventually, only_dev,
    programs::{alluvium, create_topic, run, text},
    until,
};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
};

const PARTITIONS: u32 = 6;

/// The command, with a pipe to type into.
struct Dev {
    child: Child,
    directory: PathBuf,
    log: PathBuf,
}

impl Dev {
    /// Starts three brokers in `directory`.
    fn start(directory: &Path) -> Self {
        Self::run(directory, |command| {
            let mut words = command.split(' ');
            let mut ours = Command::new(words.next().unwrap());
            ours.args(words);
            ours
        })
    }

    /// The same on a terminal of its own, made by util-linux's `script`, which sends on what is typed.
    fn start_on_a_terminal(directory: &Path) -> Self {
        Self::run(directory, |command| {
            let mut script = Command::new("script");
            let inside = format!("stty rows 40 columns 160; exec {command}");
            script.args(["--quiet", "--flush", "--return", "--command", &inside, "/dev/null"]);
            script
        })
    }

    fn run(directory: &Path, how: impl FnOnce(&str) -> Command) -> Self {
        let log = directory.join("dev.log");
        let data = directory.join("data");
        let mut command = how(&format!(
            "{BINARY} dev --brokers 3 --data-dir {} --listeners PLAINTEXT://127.0.0.1:0 --http-address 127.0.0.1:0 --set session.lease.ttl=3s --set session.lease.margin=1s",
            data.display()
        ));
        let output = fs::File::create(&log).unwrap();
        command.stdin(Stdio::piped()).stdout(output.try_clone().unwrap()).stderr(output);
        let mut dev = Self { child: command.spawn().unwrap(), directory: data, log };
        until("it does not come up", || {
            assert!(dev.child.try_wait().unwrap().is_none(), "{}", dev.said());
            dev.said().contains("try:")
        });
        println!("{}", dev.line("ready in"));
        dev
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The first line with these words.
    fn line(&self, words: &str) -> String {
        let said = self.said();
        said.lines()
            .find(|line| line.contains(words))
            .unwrap_or_else(|| panic!("{said}"))
            .to_owned()
    }

    fn seconds_to_ready(&self) -> f64 {
        let line = self.line("ready in ");
        line.split("ready in ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap()
    }

    /// Bootstrap servers, as printed.
    fn address(&self) -> String {
        let line = self.line("Kafka  ");
        line.split_whitespace().nth(1).unwrap().to_owned()
    }

    fn enter(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Types, and waits until these words have been said once more than before.
    fn enter_and_see(&mut self, line: &str, words: &str) {
        let count = |dev: &Self| dev.said().matches(words).count();
        let before = count(self);
        self.enter(line);
        eventually(|| {
            if count(self) > before {
                Ok(())
            } else {
                Err(format!("no {words:?} after {line:?}: {}", self.said()))
            }
        });
    }

    fn signal(&self, name: &str) {
        run(Command::new("kill").args([name, &self.child.id().to_string()]), b"");
    }

    fn ended(&mut self) -> ExitStatus {
        eventually(|| self.child.try_wait().unwrap().ok_or_else(|| self.said()))
    }

    /// Processes that work in the directory: their command lines name it.
    fn processes(&self) -> Vec<String> {
        let directory = self.directory.display().to_string();
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let command_lines = processes.filter_map(|it| fs::read(it.path().join("cmdline")).ok());
        let command_lines = command_lines.map(|line| text(&line).replace('\0', " "));
        command_lines.filter(|line| line.contains(&directory)).collect()
    }

    fn nothing_is_left(&self) {
        eventually(|| match self.processes() {
            left if left.is_empty() => Ok(()),
            left => Err(left.join("\n")),
        });
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_is_typed_breaks_and_mends_the_cluster_and_loses_nothing() {
    let _only = only_dev();
    let directory = tempfile::tempdir().unwrap();
    let mut dev = Dev::start(directory.path());
    assert!(dev.seconds_to_ready() <= 10.0, "{}", dev.said());
    // Itself, three brokers, etcd, MinIO.
    assert_eq!(dev.processes().len(), 6, "{:?}", dev.processes());
    let address = dev.address();
    create_topic(&address, "t", PARTITIONS, &[]);
    let mut load = Load::new("t", PARTITIONS);
    load.start(&address, directory.path(), "all", &[]);
    let goes_on = |load: &Load| {
        let before = load.acknowledged();
        until("nothing more is acknowledged", || load.acknowledged() > before + 200);
    };
    goes_on(&load);
    dev.enter_and_see("kill 2", "broker 2: killed");
    assert_eq!(dev.processes().len(), 5);
    goes_on(&load);
    dev.enter_and_see("start 2", "broker 2: ready");
    dev.enter_and_see("stop store", "MinIO: down");
    dev.enter_and_see("start store", "MinIO: up");
    goes_on(&load);
    run(alluvium().args(["group", "-b", &address, "seek", "behind", "t", "--to", "start"]), b"");
    until("no lag is shown", || {
        dev.enter("status");
        dev.said().contains("lag: behind ")
    });
    dev.enter_and_see("pause 3", "broker 3: paused");
    goes_on(&load);
    dev.enter_and_see("resume 3", "broker 3: ready");
    dev.enter_and_see("stop 1", "broker 1: stopped");
    goes_on(&load);
    dev.enter_and_see("status", "broker 1  ");
    dev.enter_and_see("kill 1", "broker 1 does not run");
    dev.enter_and_see("explode", "is not understood");
    load.stop();
    let verified = load.verify(&address);
    println!("{verified:?}");
    assert!(verified.acknowledged > 1_000);
    dev.enter("quit");
    assert!(dev.ended().success(), "{}", dev.said());
    dev.nothing_is_left();
}

#[test]
fn nothing_is_left_when_it_is_killed_and_what_was_written_is_there_when_it_starts_again() {
    let _only = only_dev();
    let directory = tempfile::tempdir().unwrap();
    let mut dev = Dev::start(directory.path());
    run(alluvium().args(["produce", "-b", &dev.address(), "t"]), b"one\n");
    assert_eq!(dev.processes().len(), 6);
    dev.signal("-KILL");
    assert!(!dev.ended().success());
    dev.nothing_is_left();

    let mut dev = Dev::start(directory.path());
    let read = run(alluvium().args(["consume", "-b", &dev.address(), "t", "--exit"]), b"");
    assert_eq!(text(&read.stdout), "one\n");
    dev.signal("-TERM");
    assert!(dev.ended().success(), "{}", dev.said());
    dev.nothing_is_left();
}

#[test]
fn a_terminal_shows_a_live_view_takes_commands_and_stops_by_ctrl_c() {
    const CTRL_C: &str = "\u{3}";
    const PAINTED_OVER: &str = "\u{1b}7\u{1b}[";
    let _only = only_dev();
    let directory = tempfile::tempdir().unwrap();
    let mut dev = Dev::start_on_a_terminal(directory.path());
    until("the view is not painted over", || dev.said().contains(PAINTED_OVER));
    dev.enter_and_see("kill 1", "broker 1: killed");
    dev.enter_and_see("", "killed  ");
    dev.child.stdin.as_mut().unwrap().write_all(CTRL_C.as_bytes()).unwrap();
    assert!(dev.ended().success(), "{}", dev.said());
    dev.nothing_is_left();
}
