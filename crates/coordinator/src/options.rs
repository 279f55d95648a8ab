//! Settings and surroundings of a broker's coordinators.

use crate::{
    SlotLogs,
    group::{GroupLimits, TopicCatalog},
    transaction::{Markers, ProducerIds, TransactionOptions},
};
use metadata::{MetadataStore, families::Keys};
use model::{TopicId, TopicName};
use runtime::{Clock, Randomness, Tasks};
use std::{fmt, sync::Arc, time::Duration};

/// Settings.
#[derive(Clone, Debug)]
pub struct CoordinatorOptions {
    /// Of every group.
    pub groups: GroupLimits,
    /// `offsets.retention.minutes`: how long a group without members keeps its offsets.
    pub offsets_retention: Duration,
    /// `offsets.retention.check.interval.ms`.
    pub offsets_retention_check_interval: Duration,
    /// How long a request waits for the metadata store before it is told to come back.
    pub store_patience: Duration,
    /// Of transactions.
    pub transactions: TransactionOptions,
}

impl Default for CoordinatorOptions {
    fn default() -> Self {
        Self {
            groups: GroupLimits::default(),
            offsets_retention: Duration::from_hours(7 * 24),
            offsets_retention_check_interval: Duration::from_mins(10),
            store_patience: Duration::from_secs(5),
            transactions: TransactionOptions::default(),
        }
    }
}

/// What coordinators are built from.
#[derive(Clone, Debug)]
pub struct CoordinatorParts {
    /// The metadata store.
    pub metadata: Arc<dyn MetadataStore>,
    /// The cluster's keys.
    pub keys: Keys,
    /// The clock.
    pub clock: Clock,
    /// Randomness.
    pub randomness: Randomness,
    /// Parent of their tasks.
    pub tasks: Tasks,
    /// The topics there are.
    pub topics: Arc<dyn Topics>,
    /// The way of transactions' ends to their partitions.
    pub markers: Arc<dyn Markers>,
    /// Producer ids.
    pub producer_ids: Arc<dyn ProducerIds>,
    /// The logs of the slots' partitions.
    pub slot_logs: Arc<dyn SlotLogs>,
}

/// The topics there are, as whoever knows them tells.
pub trait Topics: Send + Sync + fmt::Debug {
    /// A topic's name; `None` when it was deleted.
    fn name(&self, topic: TopicId) -> Option<TopicName>;

    /// All of them, as of now.
    fn catalog(&self) -> Arc<dyn TopicCatalog>;
}
