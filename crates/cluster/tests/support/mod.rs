//! A cluster in memory: one store, one bucket, brokers that start, die and return, and an engine that only remembers.

#![expect(dead_code, reason = "each test file uses its part")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use async_trait::async_trait;
use cluster::{
    ClaimedPartition, Cluster, ClusterError, ClusterOptions, ClusterParts, Identity, NewTopic,
    Ownership, SessionStamp, WalKeeper, wal_identity::WalOnDisk,
};
use formats::metadata::{Commit, Owner};
use metadata::{
    MemoryStore, MetadataError, MetadataStore, Operation, Outcome, RangeQuery, Transaction,
    families::{CommitAttempt, Keys, decode},
};
use model::{
    BrokerId, PartitionId, SessionId, TopicId, WalId,
    config::{DurabilityMode, TopicSettings},
};
use parking_lot::Mutex;
use runtime::{Clock, Randomness, Tasks};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use storage::Objects;

pub const TTL: Duration = Duration::from_secs(10);
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Everything that outlives a broker.
#[derive(Clone, Debug)]
pub struct World {
    pub store: MemoryStore,
    pub objects: Objects,
    pub clock: Clock,
    pub randomness: Randomness,
}

impl World {
    pub fn new() -> Self {
        let clock = Clock::simulated(1_700_000_000_000);
        Self {
            store: MemoryStore::new(clock.clone()),
            objects: Objects::memory(),
            clock,
            randomness: Randomness::seeded(7),
        }
    }

    #[expect(clippy::unused_self, reason = "every world has the same keys")]
    pub fn keys(&self) -> Keys {
        Keys::new("test/")
    }

    pub fn parts(&self) -> ClusterParts {
        ClusterParts {
            metadata: Arc::new(self.store.clone()),
            keys: self.keys(),
            objects: self.objects.clone(),
            clock: self.clock.clone(),
            randomness: self.randomness.clone(),
            tasks: Tasks::new(),
        }
    }

    /// Starts a broker on a disk, as the binary does.
    pub async fn start(&self, broker: u32, disk: &Disk) -> Result<Node, ClusterError> {
        self.start_with(broker, disk, &[]).await
    }

    pub async fn start_with(
        &self,
        broker: u32,
        disk: &Disk,
        static_configs: &[(&str, &str)],
    ) -> Result<Node, ClusterError> {
        self.start_from(self.parts(), broker, disk, static_configs).await
    }

    /// The store by a line on which owner records do not arrive until they are let go.
    pub fn holding_owners(&self) -> MemoryStore {
        let between = self.store.another_line();
        between.faults().delay_puts_below(self.keys().owners());
        between
    }

    /// Starts a broker that reaches the store through `between`.
    pub async fn start_through(
        &self,
        between: &MemoryStore,
        broker: u32,
        disk: &Disk,
    ) -> Result<Node, ClusterError> {
        let parts = ClusterParts { metadata: Arc::new(between.clone()), ..self.parts() };
        self.start_from(parts, broker, disk, &[]).await
    }

    /// Starts a broker that balances partitions when it is the controller.
    pub async fn start_balancing(
        &self,
        broker: u32,
        disk: &Disk,
        interval: Duration,
    ) -> Result<Node, ClusterError> {
        let options = ClusterOptions { balancing_interval: Some(interval), ..options(&[]) };
        self.start_as(self.parts(), broker, disk, options).await
    }

    async fn start_from(
        &self,
        parts: ClusterParts,
        broker: u32,
        disk: &Disk,
        static_configs: &[(&str, &str)],
    ) -> Result<Node, ClusterError> {
        self.start_as(parts, broker, disk, options(static_configs)).await
    }

    async fn start_as(
        &self,
        parts: ClusterParts,
        broker: u32,
        disk: &Disk,
        options: ClusterOptions,
    ) -> Result<Node, ClusterError> {
        let identity = identity(broker);
        Cluster::identify(&parts, &identity).await?;
        let tasks = parts.tasks.clone();
        let cluster = Cluster::join(options, parts, identity, disk.found(), disk).await?;
        let engine = Arc::new(Engine::default());
        cluster.run(engine.clone());
        Ok(Node { cluster, engine, tasks, world: self.clone() })
    }

    pub async fn owner(&self, partition: PartitionId) -> Option<Owner> {
        let query = RangeQuery::key(self.keys().owner(partition));
        let range = self.store.range(query).await.unwrap();
        range.entries.first().map(|entry| decode(entry).unwrap())
    }

    /// Changes records under no condition, in one transaction.
    pub async fn change(&self, operations: Vec<Operation>) {
        let change = Transaction { then: operations, ..Transaction::default() };
        self.store.transact(change).await.unwrap();
    }

    /// Ends sessions of these brokers, all at once.
    pub async fn end_sessions(&self, brokers: &[u32]) {
        let key = |broker: &u32| self.keys().session(BrokerId::new(*broker).unwrap());
        self.change(brokers.iter().map(|it| Operation::Delete(key(it))).collect()).await;
    }

    /// Commits `seq` under a session, as the flush pipeline does; answers whether it is in.
    pub async fn commit(&self, session: &SessionStamp, seq: u64, wal_synced: u64) -> bool {
        let transaction = commit_attempt(session, seq, wal_synced).transaction(&self.keys());
        self.store.transact(transaction).await.unwrap().succeeded
    }
}

pub fn commit_attempt(session: &SessionStamp, seq: u64, wal_synced: u64) -> CommitAttempt {
    CommitAttempt {
        broker: session.broker,
        session: session.id,
        session_create_revision: session.create_revision,
        seq,
        commit: Commit { object: format!("o{seq}"), wal_synced, ..Commit::default() },
    }
}

pub fn identity(broker: u32) -> Identity {
    Identity {
        broker: BrokerId::new(broker).unwrap(),
        rack: None,
        endpoints: Vec::new(),
        cluster_id: None,
    }
}

pub fn options(static_configs: &[(&str, &str)]) -> ClusterOptions {
    ClusterOptions {
        lease_ttl: TTL,
        lease_margin: Duration::from_secs(2),
        unclean_takeover_delay: Duration::from_secs(60),
        static_configs: map(static_configs),
        balancing_interval: None,
        default_partitions: 4,
        default_replication_factor: 1,
    }
}

pub fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

pub fn topic(name: &str, partitions: u32, configs: &[(&str, &str)]) -> NewTopic {
    NewTopic {
        name: name.to_owned(),
        partitions: Some(partitions),
        replication_factor: None,
        configs: map(configs),
        internal: false,
        leaders: Vec::new(),
    }
}

pub fn partition(topic: TopicId, index: u32) -> PartitionId {
    PartitionId { topic, partition: model::PartitionIndex::new(index).unwrap() }
}

/// A WAL's disk.
#[derive(Clone, Debug)]
pub struct Disk(Arc<Mutex<WalOnDisk>>);

impl Disk {
    pub fn new(byte: u8) -> Self {
        let id = WalId::from_bytes([byte; 16]);
        Self(Arc::new(Mutex::new(WalOnDisk { id, generation: 0, recovered_end: 0 })))
    }

    pub fn found(&self) -> WalOnDisk {
        *self.0.lock()
    }

    pub fn change(&self, change: impl FnOnce(&mut WalOnDisk)) {
        change(&mut self.0.lock());
    }

    /// An independent copy, as a snapshot of the volume is.
    pub fn copy(&self) -> Self {
        Self(Arc::new(Mutex::new(self.found())))
    }
}

impl WalKeeper for Disk {
    fn raise_generation(&self) -> Result<u64, String> {
        let mut disk = self.0.lock();
        disk.generation += 1;
        Ok(disk.generation)
    }

    fn renew(&self, _reason: &str) -> Result<(WalId, u64), String> {
        let mut disk = self.0.lock();
        let mut bytes = *disk.id.as_bytes();
        bytes[15] ^= 0xFF;
        bytes[14] = bytes[14].wrapping_add(1);
        *disk = WalOnDisk { id: WalId::from_bytes(bytes), generation: 1, recovered_end: 0 };
        Ok((disk.id, disk.generation))
    }
}

/// What an engine is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Told {
    Began(SessionId),
    Lost(SessionId),
    Opened(PartitionId, u32),
    Sealed(PartitionId),
    Unsealed(PartitionId),
    Closed(PartitionId),
    Settings(TopicId),
    /// Told with the settings.
    Mode(TopicId, DurabilityMode),
}

/// An engine that remembers what it is told.
#[derive(Debug)]
pub struct Engine {
    told: Mutex<Vec<Told>>,
    session: Mutex<Option<SessionStamp>>,
    pub refuses: Mutex<BTreeSet<PartitionId>>,
    /// What sealing comes to.
    pub seals: Mutex<Result<u64, String>>,
    /// Bytes of records that partitions have carried.
    pub carried: Mutex<BTreeMap<PartitionId, u64>>,
}

impl Default for Engine {
    fn default() -> Self {
        let (told, session, refuses) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { told, session, refuses, seals: Mutex::new(Ok(0)), carried: Mutex::default() }
    }
}

impl Engine {
    pub fn told(&self) -> Vec<Told> {
        self.told.lock().clone()
    }

    pub fn session(&self) -> SessionStamp {
        self.session.lock().unwrap()
    }
}

#[async_trait]
impl Ownership for Engine {
    fn session_began(&self, session: SessionStamp) {
        self.session.lock().replace(session);
        self.told.lock().push(Told::Began(session.id));
    }

    fn session_lost(&self, session: SessionId) {
        self.told.lock().push(Told::Lost(session));
    }

    async fn open(&self, claims: Vec<ClaimedPartition>) -> Vec<(PartitionId, String)> {
        let mut failed = Vec::new();
        for claim in claims {
            if self.refuses.lock().contains(&claim.partition) {
                failed.push((claim.partition, "refused".to_owned()));
            } else {
                let opened = Told::Opened(claim.partition, claim.owner.leader_epoch);
                self.told.lock().push(opened);
            }
        }
        failed
    }

    async fn seal(&self, partitions: &[PartitionId]) -> Result<u64, String> {
        self.told.lock().extend(partitions.iter().map(|it| Told::Sealed(*it)));
        self.seals.lock().clone()
    }

    fn unseal(&self, partitions: &[PartitionId]) {
        self.told.lock().extend(partitions.iter().map(|it| Told::Unsealed(*it)));
    }

    fn close(&self, partitions: &[PartitionId]) {
        self.told.lock().extend(partitions.iter().map(|it| Told::Closed(*it)));
    }

    fn carried_bytes(&self) -> BTreeMap<PartitionId, u64> {
        self.carried.lock().clone()
    }

    fn settings_changed(&self, topic: TopicId, settings: Arc<TopicSettings>) {
        let told = [Told::Settings(topic), Told::Mode(topic, settings.durability_mode)];
        self.told.lock().extend(told);
    }
}

/// A running broker.
#[derive(Debug)]
pub struct Node {
    pub cluster: Cluster,
    pub engine: Arc<Engine>,
    tasks: Tasks,
    world: World,
}

impl Node {
    /// Dies without a word: the lease is left to run out.
    pub async fn kill(self) {
        self.tasks.shut_down().await;
    }

    /// Leaves in order.
    pub async fn leave(self) {
        self.cluster.leave().await.unwrap();
        self.tasks.shut_down().await;
    }

    pub async fn create(&self, new: NewTopic) -> TopicId {
        self.cluster.create_topic(new, false, PATIENCE).await.unwrap().id
    }

    pub async fn until_ready(&self) {
        self.until("ready", || self.cluster.is_ready()).await;
    }

    /// Waits until the engine was told something.
    pub async fn until_told(&self, what: Told) {
        self.until(&format!("{what:?}"), || self.engine.told().contains(&what)).await;
    }

    /// Waits, in simulated time, until something holds.
    pub async fn until(&self, what: &str, holds: impl Fn() -> bool) {
        for _ in 0..10_000 {
            if holds() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("never: {what}; told {:?}", self.engine.told());
    }

    pub fn disk_of_session(&self) -> SessionStamp {
        self.engine.session()
    }
}

/// Whether anything of what landed was written.
pub fn wrote(landed: Vec<Result<Outcome, MetadataError>>) -> bool {
    landed.into_iter().any(|outcome| outcome.unwrap().succeeded)
}
