//! [`Cluster`]: start, run, stop.

use crate::{ClusterError, Endpoint, Image, Ownership};
use metadata::{MetadataStore, Revision};
use model::{BrokerId, ClusterId, SessionId, config::TopicSettings};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use wal_identity::WalOnDisk;

/// The WAL as the cluster sees it.
pub mod wal_identity {
    use model::WalId;

    /// What is on this broker's disk (DESIGN section 5, "Return with disk").
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct WalOnDisk {
        /// The WAL's id.
        pub id: WalId,
        /// Its generation on disk, before this start raises it.
        pub generation: u64,
        /// End position of what was recovered: a last commit that knew more synced means a rolled-back disk.
        pub recovered_end: u64,
    }
}

/// Who this broker is.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Its number.
    pub broker: BrokerId,
    /// Its zone.
    pub rack: Option<String>,
    /// Its advertised listeners.
    pub endpoints: Vec<Endpoint>,
    /// The cluster asked for (`--cluster-id`); `None` takes what is stored or, in a new cluster, makes one.
    pub cluster_id: Option<ClusterId>,
}

/// Rhythms and defaults.
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    /// `session.lease.ttl`.
    pub lease_ttl: Duration,
    /// Margin of the lease rule.
    pub lease_margin: Duration,
    /// `unclean.takeover.delay`.
    pub unclean_takeover_delay: Duration,
    /// Broker settings from flags, environment and file that topics inherit (key → value).
    pub static_configs: BTreeMap<String, String>,
    /// Default number of partitions.
    pub default_partitions: u32,
    /// Default replication factor.
    pub default_replication_factor: u16,
}

/// What it is built from.
#[derive(Clone, Debug)]
pub struct ClusterParts {
    /// The metadata store.
    pub metadata: Arc<dyn MetadataStore>,
    /// Key prefix of this cluster.
    pub keys: metadata::families::Keys,
    /// The bucket, for the marker.
    pub objects: storage::Objects,
    /// The clock.
    pub clock: runtime::Clock,
    /// Randomness.
    pub randomness: runtime::Randomness,
    /// Parent of its tasks.
    pub tasks: runtime::Tasks,
}

/// This broker's part in the cluster. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Cluster {}

impl Cluster {
    /// Finds or founds the cluster in metadata and bucket: compares ids, marker, features. Run before the WAL is opened, whose
    /// directory must carry the id answered.
    ///
    /// # Errors
    /// `Identity`, `Version`, `Unavailable`.
    pub async fn identify(
        _parts: &ClusterParts,
        _identity: &Identity,
    ) -> Result<ClusterId, ClusterError> {
        todo!()
    }

    /// Joins: reads the image, decides whether the WAL is the one that metadata remembers, registers a session. Nothing is claimed
    /// until [`Cluster::run`]. `raise_generation` is called (blocking, fsynced) before metadata is told.
    ///
    /// # Errors
    /// `Identity`, `AlreadyRunning`, `Unavailable`.
    pub async fn join(
        _options: ClusterOptions,
        _parts: ClusterParts,
        _identity: Identity,
        _wal: WalOnDisk,
        _raise_generation: &(dyn Fn() -> Result<u64, String> + Send + Sync),
    ) -> Result<Self, ClusterError> {
        todo!()
    }

    /// Claims this broker's partitions and serves until shutdown: keep-alives, watches, controller work, re-registration.
    pub fn run(&self, _ownership: Arc<dyn Ownership>) {
        todo!()
    }

    /// The picture now.
    pub fn image(&self) -> Arc<Image> {
        todo!()
    }

    /// Waits for an image that satisfies `ready`, up to `patience`; answers the last seen.
    pub async fn wait_for(
        &self,
        _patience: Duration,
        _ready: &(dyn Fn(&Image) -> bool + Send + Sync),
    ) -> Arc<Image> {
        todo!()
    }

    /// This broker's number.
    pub fn broker(&self) -> BrokerId {
        todo!()
    }

    /// The lease rule, at this instant, for that session.
    pub fn lease_holds(&self, _session: SessionId) -> bool {
        todo!()
    }

    /// Whether this broker has a session and its claims were opened.
    pub fn is_ready(&self) -> bool {
        todo!()
    }

    /// The epoch of the finalised features, for ApiVersions.
    pub fn features_epoch(&self) -> u64 {
        todo!()
    }

    /// Settings in force for overrides `configs` under today's broker defaults.
    pub fn topic_settings(&self, _configs: &BTreeMap<String, String>) -> Arc<TopicSettings> {
        todo!()
    }

    /// Tells others that this broker leaves, marks its (empty) WAL clean in its owner records, revokes the lease. After the engine drained.
    ///
    /// # Errors
    /// `Unavailable`: the lease then ends by itself.
    pub async fn leave(&self) -> Result<(), ClusterError> {
        todo!()
    }

    /// The store's revision last seen.
    pub fn revision(&self) -> Revision {
        todo!()
    }
}
