//! [`Surroundings`]: all of the outside world that a broker meets.

use block_cache::BlockCache;
use cluster::ClusterParts;
use metadata::{MetadataStore, families::Keys};
use partition_log::GatherFrom;
use runtime::{Clock, Randomness, Tasks, disk::Disk, net::Network};
use std::sync::Arc;
use storage::Objects;
use wal::Drive;

/// What a broker stands on.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The metadata store.
    pub metadata: Arc<dyn MetadataStore>,
    /// Key prefix of this cluster.
    pub keys: Keys,
    /// The bucket.
    pub objects: Objects,
    /// What it is, for clients that ask where data lies.
    pub objects_description: String,
    /// Whether it is a local directory: its request budget is another.
    pub objects_are_local: bool,
    /// Where segments are read that are gathered; `None`: they are not.
    pub gather_from: Option<GatherFrom>,
    /// What was read from it, on the local disk; `None` where only memory keeps it.
    pub block_cache: Option<BlockCache>,
    /// The directory of the write-ahead log.
    pub wal_disk: Arc<dyn Disk>,
    /// Who does the WAL's writing; [`Drive::Manual`] makes it a task.
    pub wal_drive: Drive,
    /// How other brokers are reached.
    pub network: Arc<dyn Network>,
    /// The clock.
    pub clock: Clock,
    /// Randomness.
    pub randomness: Randomness,
    /// Parent of all tasks.
    pub tasks: Tasks,
}

impl Surroundings {
    pub(crate) fn cluster_parts(&self) -> ClusterParts {
        ClusterParts {
            metadata: Arc::clone(&self.metadata),
            keys: self.keys.clone(),
            objects: self.objects.clone(),
            clock: self.clock.clone(),
            randomness: self.randomness.clone(),
            tasks: self.tasks.clone(),
        }
    }
}
