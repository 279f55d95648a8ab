//! Apache Kafka: one process that is broker and controller, as broker 1.

use super::programs::java;
use services::{Error, Program, Purpose, Server, free_port};
use std::{fs, net::TcpStream, path::Path, process::Command};

/// A running Kafka.
pub type Kafka = Server<KafkaProgram>;

/// Kafka's program.
#[derive(Debug)]
pub struct KafkaProgram;

impl Program for KafkaProgram {
    const NAME: &'static str = "kafka";

    fn command(_: Purpose, directory: &Path, port: u16) -> Result<Command, Error> {
        let properties = directory.join("server.properties");
        fs::write(&properties, settings(directory, port, free_port()?)).unwrap();
        let mut format = java();
        format.args(["kafka.tools.StorageTool", "format", "-t", "conformance-of-kafka-0", "-c"]);
        let formatted = format.arg(&properties).output().unwrap();
        assert!(formatted.status.success(), "{}", String::from_utf8_lossy(&formatted.stderr));
        let mut command = java();
        command.arg("kafka.Kafka").arg(&properties);
        Ok(command)
    }

    fn is_ready(port: u16) -> bool {
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    }
}

/// The file in Kafka's directory where a test puts settings of its own.
pub const MORE_SETTINGS: &str = "more.properties";

/// Kafka's defaults, but for addresses, what a single broker needs, and what Alluvium has another default for.
fn settings(directory: &Path, port: u16, controller: u16) -> String {
    let more = fs::read_to_string(directory.join(MORE_SETTINGS)).unwrap_or_default();
    [
        "process.roles=broker,controller".to_owned(),
        "node.id=1".to_owned(),
        format!("controller.quorum.voters=1@127.0.0.1:{controller}"),
        "controller.listener.names=CONTROLLER".to_owned(),
        format!("listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}"),
        format!("advertised.listeners=PLAINTEXT://127.0.0.1:{port}"),
        format!("log.dirs={}", directory.join("data").display()),
        "offsets.topic.replication.factor=1".to_owned(),
        "transaction.state.log.replication.factor=1".to_owned(),
        "transaction.state.log.min.isr=1".to_owned(),
        "num.partitions=4".to_owned(),
        "log.retention.ms=-1".to_owned(),
        more,
    ]
    .join("\n")
}
