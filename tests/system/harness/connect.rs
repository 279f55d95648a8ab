//! A worker of a distributed Connect cluster, spoken to through its REST interface.

use super::{
    Running, eventually,
    http::{http_get, http_request},
    programs::kafka_tool,
};
use serde_json::Value;
use services::free_port;
use std::{fs, path::Path};

/// A running worker.
pub struct Worker {
    running: Running,
    port: u16,
}

impl Worker {
    /// Starts one; its settings and what it prints go to files in `directory`.
    pub fn start(directory: &Path, name: &str, address: &str) -> Self {
        let port = free_port().unwrap();
        let properties = directory.join(name).with_extension("properties");
        fs::write(&properties, settings(address, port)).unwrap();
        let mut command = kafka_tool("org.apache.kafka.connect.cli.ConnectDistributed");
        Self { running: Running::start(command.arg(properties), directory, name), port }
    }

    /// Gives a connector its configuration, which makes it if there is none.
    pub fn configure(&self, connector: &str, config: &Value) {
        let path = format!("/connectors/{connector}/config");
        eventually(|| http_request(self.port, "PUT", &path, &config.to_string()));
    }

    /// Whether this worker runs the only task of a connector, as `asked` knows.
    pub fn runs_task_of(&self, connector: &str, asked: &Self) -> bool {
        let status = http_get(asked.port, &format!("/connectors/{connector}/status"));
        let status: Value = serde_json::from_str(&status.unwrap_or_default()).unwrap_or_default();
        let task = &status["tasks"][0];
        task["state"] == "RUNNING" && task["worker_id"] == format!("127.0.0.1:{}", self.port)
    }

    /// kill -9.
    pub fn kill(self) {
        self.running.kill();
    }
}

/// Kafka's defaults, but for addresses, names, exactly-once sources, and delays that are made for people.
fn settings(address: &str, port: u16) -> String {
    [
        format!("bootstrap.servers={address}"),
        format!("listeners=http://127.0.0.1:{port}"),
        "group.id=connect".to_owned(),
        "key.converter=org.apache.kafka.connect.storage.StringConverter".to_owned(),
        "value.converter=org.apache.kafka.connect.storage.StringConverter".to_owned(),
        "config.storage.topic=connect-configs".to_owned(),
        "config.storage.replication.factor=1".to_owned(),
        "offset.storage.topic=connect-offsets".to_owned(),
        "offset.storage.replication.factor=1".to_owned(),
        "status.storage.topic=connect-status".to_owned(),
        "status.storage.replication.factor=1".to_owned(),
        "exactly.once.source.support=enabled".to_owned(),
        "plugin.discovery=service_load".to_owned(),
        "scheduled.rebalance.max.delay.ms=1000".to_owned(),
        "offset.flush.interval.ms=500".to_owned(),
        "session.timeout.ms=6000".to_owned(),
        "heartbeat.interval.ms=1000".to_owned(),
    ]
    .join("\n")
}
