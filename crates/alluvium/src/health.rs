//! What the HTTP port tells of this broker.

use node::Node;
use observability::Health;

/// A broker's health.
#[derive(Debug)]
pub(crate) struct BrokerHealth(pub(crate) Node);

impl Health for BrokerHealth {
    /// Not when metadata contradicts what this broker knows: nothing is committed until it is started anew.
    fn live(&self) -> Result<(), String> {
        if let Some(reason) = self.0.logs().halted() {
            return Err(format!("commits stopped, start this broker anew: {reason}"));
        }
        match self.0.coordinator().halted() {
            Some(reason) => Err(format!("groups stopped, start this broker anew: {reason}")),
            None => Ok(()),
        }
    }

    /// With a session whose partitions are open, and a WAL that takes appends.
    fn ready(&self) -> Result<(), String> {
        self.live()?;
        if let Some(reason) = self.0.logs().wal_failure() {
            return Err(format!("the WAL has failed, see to its disk and start anew: {reason}"));
        }
        if !self.0.cluster().is_ready() {
            let waits = "this broker has no session yet, or its partitions are still being opened";
            return Err(waits.to_owned());
        }
        Ok(())
    }
}
