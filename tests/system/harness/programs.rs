//! The client programs, built once, and how they are run.

use super::broker::BINARY;
use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// The folder of the client programs.
pub fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clients")
}

/// A client library with a produce/consume program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Client {
    Librdkafka,
    FranzGo,
    Java,
}

impl Client {
    pub const ALL: [Self; 3] = [Self::Librdkafka, Self::FranzGo, Self::Java];

    /// The program, ready for its arguments.
    pub fn command(self) -> Command {
        match self {
            Self::Librdkafka => python("roundtrip.py"),
            Self::FranzGo => {
                Command::new(services::programs::go_program(&clients().join("go")).unwrap())
            }
            Self::Java => {
                let mut command = java();
                command.arg(clients().join("java/RoundTrip.java"));
                command
            }
        }
    }
}

impl Client {
    /// The member of a group, ready for its arguments.
    pub fn member(self) -> Command {
        match self {
            Self::Librdkafka => python("group.py"),
            Self::FranzGo => {
                let mut command = self.command();
                command.arg("group");
                command
            }
            Self::Java => {
                let mut command = java();
                command.arg(clients().join("java/GroupMember.java"));
                command
            }
        }
    }
}

impl Client {
    /// The program of transactions, ready for its action and arguments.
    pub fn transactions(self) -> Command {
        match self {
            Self::Librdkafka => python("transactions.py"),
            Self::FranzGo => self.command(),
            Self::Java => {
                let mut command = java();
                command.arg(clients().join("java/Transactions.java"));
                command
            }
        }
    }
}

/// A Python program of ours, with its packages.
pub fn python(program: &str) -> Command {
    let folder = clients().join("python");
    let mut command =
        Command::new(services::programs::python(&folder.join("requirements.txt")).unwrap());
    command.arg(folder.join(program));
    command
}

/// Java with Kafka's jars on the class path.
pub fn java() -> Command {
    let class_path = services::programs::java_class_path(&clients().join("java/pom.xml")).unwrap();
    let mut command = Command::new("java");
    command.args(["-Xmx512m", "-cp", &class_path]);
    command
}

/// A class of Kafka's tools.
pub fn kafka_tool(class: &str) -> Command {
    let mut command = java();
    command.arg(class);
    command
}

/// The binary under test, as a command line tool.
pub fn alluvium() -> Command {
    Command::new(BINARY)
}

/// Runs a command with `input` on its standard input; panics with its output when it fails.
pub fn run(command: &mut Command, input: &[u8]) -> Output {
    let output = attempt(command, input);
    assert!(
        output.status.success(),
        "{command:?} failed with {}:\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout).chars().take(2_000).collect::<String>(),
        String::from_utf8_lossy(&output.stderr).chars().take(4_000).collect::<String>()
    );
    output
}

/// Runs a command with `input` on its standard input.
pub fn attempt(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // A program that ends early closes the pipe; its status tells.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

/// Makes a topic with the binary under test.
pub fn create_topic(address: &str, name: &str, partitions: u32, configs: &[&str]) {
    let mut command = alluvium();
    command.args(["topic", "-b", address, "create", name, "--partitions", &partitions.to_string()]);
    for config in configs {
        command.args(["--config", config]);
    }
    run(&mut command, b"");
}
