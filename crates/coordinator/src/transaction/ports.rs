//! What transactions need from their surroundings, declared here and joined by the wiring.

use super::TransactionResult;
use async_trait::async_trait;
use model::{LeaderEpoch, PartitionId, ProducerEpoch, ProducerId};
use std::fmt::Debug;

/// The end of a transaction, as each of its partitions is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Marker {
    /// Whose transaction.
    pub producer: ProducerId,
    /// The producer's epoch from here on.
    pub epoch: ProducerEpoch,
    /// How it ended.
    pub result: TransactionResult,
    /// The epoch of the slot that says so.
    pub coordinator_epoch: LeaderEpoch,
    /// Whether no other end bears this epoch.
    pub epoch_is_its_own: bool,
}

/// What became of a marker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Marked {
    /// It is durable.
    Written,
    /// The partition does not exist any more.
    Gone,
    /// The partition knows a newer coordinator or producer: this one has nothing to say there.
    Fenced(String),
    /// Not now; to be tried again.
    Failed(String),
}

/// The way to the owner of a partition: a local call, or a request to another broker.
#[async_trait]
pub trait Markers: Send + Sync + Debug {
    /// Writes a marker, and waits until it is durable.
    async fn write(&self, partition: PartitionId, marker: Marker) -> Marked;
}

/// Gives out producer ids.
#[async_trait]
pub trait ProducerIds: Send + Sync + Debug {
    /// One that nobody had or will have; the reason when there is none now.
    async fn next(&self) -> Result<ProducerId, String>;
}
