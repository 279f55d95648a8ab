//! The client programs, built once, and how they are run.

use super::{broker::BINARY, eventually};
use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// The folder of the client programs.
pub fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clients")
}

/// A client library with programs of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Client {
    Librdkafka,
    FranzGo,
    Java,
    Sarama,
    KafkaPython,
    Aiokafka,
    Kafkajs,
    Rdkafka,
}

impl Client {
    /// Those that most tests run; between them every protocol of a client is spoken.
    pub const CORE: [Self; 3] = [Self::Librdkafka, Self::FranzGo, Self::Java];

    /// The program, ready for its action and arguments.
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
            Self::Sarama => {
                Command::new(services::programs::go_program(&clients().join("sarama")).unwrap())
            }
            Self::KafkaPython => python("kafka_python.py"),
            Self::Aiokafka => python("aio.py"),
            Self::Kafkajs => node("javascript", "kafkajs.js"),
            Self::Rdkafka => {
                let package = clients().join("rust");
                Command::new(services::programs::rust_program(&package, "rdkafka-client").unwrap())
            }
        }
    }
}

impl Client {
    /// The member of a group, ready for its arguments.
    pub fn member(self) -> Command {
        match self {
            Self::Librdkafka => python("group.py"),
            Self::Java => {
                let mut command = java();
                command.arg(clients().join("java/GroupMember.java"));
                command
            }
            _ => {
                let mut command = self.command();
                command.arg("group");
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
            Self::Java => {
                let mut command = java();
                command.arg(clients().join("java/Transactions.java"));
                command
            }
            _ => self.command(),
        }
    }
}

/// A Python program of ours, with its packages.
pub fn python(program: &str) -> Command {
    python_with("requirements.txt", program)
}

/// A Python program of ours, with the packages of a requirements file of its own.
pub fn python_with(requirements: &str, program: &str) -> Command {
    let folder = clients().join("python");
    let mut command = Command::new(services::programs::python(&folder.join(requirements)).unwrap());
    command.arg(folder.join(program));
    command
}

/// A program of ours for Node.js, with the packages of its folder.
pub fn node(folder: &str, program: &str) -> Command {
    let folder = clients().join(folder);
    let mut command = Command::new("node");
    command.env("NODE_PATH", services::programs::node_modules(&folder).unwrap());
    command.arg(folder.join(program));
    command
}

/// Java with Kafka's jars on the class path. Its programs live for seconds: the quick compiler and collector are the better ones.
pub fn java() -> Command {
    let class_path = services::programs::java_class_path(&clients().join("java/pom.xml")).unwrap();
    let mut command = Command::new("java");
    command.args(["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", &class_path]);
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
    let mut command = Command::new(BINARY);
    // Brokers of many tests share the machine, and so its port 8081.
    command.env("ALLUVIUM_SCHEMA_REGISTRY_ADDRESS", "off");
    command
}

/// What a program printed.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
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
    let mut command = topic_creation(address, name, partitions);
    for config in configs {
        command.args(["--config", config]);
    }
    run(&mut command, b"");
}

/// The same in an Apache Kafka, which makes none for a while after it has started.
pub fn create_topic_when_ready(address: &str, name: &str, partitions: u32) {
    eventually(|| {
        let output = attempt(&mut topic_creation(address, name, partitions), b"");
        if output.status.success() { Ok(()) } else { Err(text(&output.stderr)) }
    });
}

fn topic_creation(address: &str, name: &str, partitions: u32) -> Command {
    let mut command = alluvium();
    command.args(["topic", "-b", address, "create", name, "--partitions", &partitions.to_string()]);
    command
}
