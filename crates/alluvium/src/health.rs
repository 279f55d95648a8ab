//! What the HTTP port tells of this broker.

use node::Node;
use observability::Health;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// A broker's health.
#[derive(Debug)]
pub(crate) struct BrokerHealth {
    node: Node,
    /// Set when the Kafka port is served and the log says where everything is.
    serving: Arc<AtomicBool>,
}

impl BrokerHealth {
    /// Of `node`, which is not ready before `serving` is set.
    pub(crate) fn new(node: Node, serving: Arc<AtomicBool>) -> Self {
        Self { node, serving }
    }
}

impl Health for BrokerHealth {
    /// Not when metadata contradicts what this broker knows: nothing is committed until it is started anew.
    fn live(&self) -> Result<(), String> {
        if let Some(reason) = self.node.logs().halted() {
            return Err(format!("commits stopped, start this broker anew: {reason}"));
        }
        match self.node.coordinator().halted() {
            Some(reason) => Err(format!("groups stopped, start this broker anew: {reason}")),
            None => Ok(()),
        }
    }

    /// With a session whose partitions are open, a WAL that takes appends, and a Kafka port that answers.
    fn ready(&self) -> Result<(), String> {
        self.live()?;
        if let Some(reason) = self.node.logs().wal_failure() {
            return Err(format!("the WAL has failed, see to its disk and start anew: {reason}"));
        }
        if !self.node.cluster().is_ready() {
            let waits = "this broker has no session yet, or its partitions are still being opened";
            return Err(waits.to_owned());
        }
        if !self.serving.load(Ordering::Acquire) {
            return Err("the Kafka port is not served yet".to_owned());
        }
        Ok(())
    }
}
