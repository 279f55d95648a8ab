//! A cluster by hand, mostly of one broker: registers sessions, writes owner records, crashes and restarts the broker.

use block_cache::BlockCache;
use bytes::Bytes;
use formats::metadata::{
    CommitHead, DurabilityMode as RecordedMode, Manifest, Owner, Session, Unfolded,
};
use metadata::{
    MemoryStore, MetadataStore, Operation, RangeQuery, Transaction,
    families::{self, Keys},
};
use model::{
    BrokerId, ClusterId, PartitionId, PartitionIndex, SessionId, TopicId, TopicName, WalId,
    config::{
        CleanupPolicy, CompactionSettings, CompressionType, DurabilityMode, TimestampType,
        TopicSettings,
    },
};
use partition_log::{
    Authority, Claim, CleanerOptions, EngineOptions, GatherFrom, GatherOptions, LogError,
    Partition, PartitionLogs, Parts, SessionStamp,
};
use runtime::{Clock, Randomness, Tasks};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use storage::{FaultPlan, Objects};
use wal::{MemoryWal, RecoveredFrame, WalIdentity};

pub const BROKER: BrokerId = match BrokerId::new(1) {
    Some(id) => id,
    None => panic!("1 is a broker id"),
};

/// What outlives a broker: metadata, objects, and its disk.
pub struct Cluster {
    pub store: MemoryStore,
    pub objects: Objects,
    pub object_faults: FaultPlan,
    /// What brokers keep of objects on their disk.
    pub block_cache: Option<BlockCache>,
    pub keys: Keys,
    pub clock: Clock,
    pub randomness: Randomness,
    pub topic: TopicId,
    pub mode: DurabilityMode,
    pub options: EngineOptions,
    pub wal_max_bytes: u64,
    pub settings: TopicSettings,
}

/// One life of the broker.
pub struct Broker {
    pub logs: PartitionLogs,
    pub wal: MemoryWal,
    pub wal_id: WalId,
    pub tasks: Tasks,
    pub lease: Arc<Lease>,
    pub session: SessionStamp,
}

/// A lease that a test can doubt.
#[derive(Debug)]
pub struct Lease(AtomicBool);

impl Lease {
    pub fn hold(&self, holds: bool) {
        self.0.store(holds, Ordering::SeqCst);
    }
}

impl Authority for Lease {
    fn lease_holds(&self, _session: SessionId) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl Cluster {
    pub fn new(mode: DurabilityMode) -> Self {
        let clock = Clock::simulated(1_700_000_000_000);
        let randomness = Randomness::seeded(7);
        let object_faults = FaultPlan::new(randomness.clone());
        let store = MemoryStore::new(clock.clone());
        Self {
            store,
            objects: Objects::memory().with_faults(object_faults.clone()),
            object_faults,
            block_cache: None,
            keys: Keys::new("test/"),
            clock,
            topic: TopicId::from_random_bytes(randomness.bytes16()),
            randomness,
            mode,
            options: options(),
            wal_max_bytes: 1 << 30,
            settings: settings(mode),
        }
    }

    pub fn partition_id(&self, index: u32) -> PartitionId {
        PartitionId {
            topic: self.topic,
            partition: PartitionIndex::new(index).expect("a small index"),
        }
    }

    /// A broker on an empty disk, with a session.
    pub async fn start(&self) -> Broker {
        self.start_as(BROKER).await
    }

    /// The same of another number.
    pub async fn start_as(&self, broker: BrokerId) -> Broker {
        let wal_id = WalId::from_random_bytes(self.randomness.bytes16());
        let cluster = ClusterId::new("test").expect("a cluster id");
        let identity = WalIdentity { cluster, id: wal_id, generation: 1 };
        let wal = MemoryWal::new(identity, self.wal_max_bytes);
        self.start_on(broker, wal, wal_id, Vec::new()).await
    }

    pub async fn start_on(
        &self,
        broker: BrokerId,
        wal: MemoryWal,
        wal_id: WalId,
        recovered: Vec<RecoveredFrame>,
    ) -> Broker {
        let tasks = Tasks::new();
        wal.spawn_writer(&tasks);
        let lease = Arc::new(Lease(AtomicBool::new(true)));
        let parts = Parts {
            wal: Arc::new(wal.clone()),
            objects: self.objects.clone(),
            block_cache: self.block_cache.clone(),
            metadata: Arc::new(self.store.clone()),
            keys: self.keys.clone(),
            clock: self.clock.clone(),
            randomness: self.randomness.clone(),
            tasks: tasks.clone(),
            authority: Arc::clone(&lease) as Arc<dyn Authority>,
            gather_from: Some(GatherFrom::Store),
        };
        let logs = PartitionLogs::new(self.options.clone(), parts, recovered);
        let session = self.register_as(broker).await;
        logs.begin_session(session);
        Broker { logs, wal, wal_id, tasks, lease, session }
    }

    /// Kills the broker; its disk keeps what was synced. Starts it again on that disk.
    pub async fn restart_with_disk(&self, broker: Broker) -> Broker {
        let (wal, recovery) = broker.wal.crash();
        broker.tasks.shut_down().await;
        self.start_on(broker.session.broker, wal, broker.wal_id, recovery.frames).await
    }

    /// Kills the broker and loses its disk.
    pub async fn restart_without_disk(&self, broker: Broker) -> Broker {
        broker.wal.fail("the machine is gone");
        broker.tasks.shut_down().await;
        self.start_as(broker.session.broker).await
    }

    /// Ends the session of the broker, if there is one, and registers the next.
    pub async fn register(&self) -> SessionStamp {
        self.register_as(BROKER).await
    }

    async fn register_as(&self, broker: BrokerId) -> SessionStamp {
        let id = SessionId::from_random_bytes(self.randomness.bytes16());
        self.transact(vec![Operation::Delete(self.keys.session(broker))]).await;
        let session =
            Session { id: bytes_of(id.as_bytes()), broker: broker.get(), ..Session::default() };
        let then = vec![
            Operation::put(self.keys.session(broker), families::encode(session)),
            Operation::put(self.keys.commit_head(id), families::encode(CommitHead::default())),
        ];
        let create_revision = self.transact(then).await;
        SessionStamp { id, create_revision, broker }
    }

    pub async fn end_session(&self) {
        self.transact(vec![Operation::Delete(self.keys.session(BROKER))]).await;
    }

    /// Writes the owner record that gives the partition to `broker`'s session, and answers the claim.
    pub async fn claim(&self, broker: &Broker, index: u32) -> Claim {
        let partition = self.partition_id(index);
        let key = self.keys.owner(partition);
        let found = self.store.range(RangeQuery::key(key.clone())).await.expect("a store");
        let earlier: Option<Owner> =
            found.entries.first().map(|entry| families::decode(entry).expect("an owner"));
        let owner = self.next_owner(broker, earlier).await;
        self.claim_as(partition, owner).await
    }

    /// Writes an owner record, and answers the claim.
    pub async fn claim_as(&self, partition: PartitionId, owner: Owner) -> Claim {
        let key = self.keys.owner(partition);
        let owner_revision =
            self.transact(vec![Operation::put(key, families::encode(owner.clone()))]).await;
        Claim {
            partition,
            owner,
            owner_revision,
            topic: TopicName::new("orders").expect("a topic name"),
            settings: Arc::new(self.settings.clone()),
        }
    }

    async fn next_owner(&self, broker: &Broker, earlier: Option<Owner>) -> Owner {
        let mut owner = Owner {
            broker: broker.session.broker.get(),
            session: bytes_of(broker.session.id.as_bytes()),
            session_create_revision: broker.session.create_revision.0,
            wal_id: bytes_of(broker.wal_id.as_bytes()),
            leader_epoch: 1,
            since_epoch: 1,
            mode: match self.mode {
                DurabilityMode::Object => RecordedMode::Object.into(),
                DurabilityMode::Wal => RecordedMode::Wal.into(),
            },
            from_seq: 1,
            ..Owner::default()
        };
        let Some(earlier) = earlier else { return owner };
        owner.leader_epoch = earlier.leader_epoch + 1;
        owner.since_epoch = match earlier.wal_id == owner.wal_id {
            true => earlier.since_epoch,
            false => owner.leader_epoch,
        };
        owner.unfolded = earlier.unfolded;
        if earlier.session == owner.session {
            owner.from_seq = earlier.from_seq;
            return owner;
        }
        let session = SessionId::from_slice(&earlier.session).expect("a session id");
        let through_seq = self.head(session).await;
        if through_seq >= earlier.from_seq {
            let from_seq = earlier.from_seq;
            owner.unfolded.push(Unfolded { session: earlier.session, from_seq, through_seq });
        }
        owner
    }

    pub async fn head(&self, session: SessionId) -> u64 {
        let key = self.keys.commit_head(session);
        let found = self.store.range(RangeQuery::key(key)).await.expect("a store");
        let head: CommitHead =
            families::decode(found.entries.first().expect("an entry")).expect("a head");
        head.seq
    }

    /// The owner record of partition `index`.
    pub async fn owner(&self, index: u32) -> Owner {
        let key = self.keys.owner(self.partition_id(index));
        let found = self.store.range(RangeQuery::key(key)).await.expect("a store");
        families::decode(found.entries.first().expect("an entry")).expect("an owner")
    }

    /// The manifest of partition `index`; empty when there is none.
    pub async fn manifest(&self, index: u32) -> Manifest {
        let key = self.keys.manifest(self.partition_id(index));
        let found = self.store.range(RangeQuery::key(key)).await.expect("a store");
        let decode = |entry| families::decode(entry).expect("a manifest");
        found.entries.first().map(decode).unwrap_or_default()
    }

    /// How many keys lie below `prefix`.
    pub async fn count(&self, prefix: Bytes) -> usize {
        self.store.range(RangeQuery::prefix(prefix)).await.expect("a store").entries.len()
    }

    pub async fn transact(&self, then: Vec<Operation>) -> metadata::Revision {
        let transaction = Transaction { then, ..Transaction::default() };
        self.store.transact(transaction).await.expect("a store").revision
    }

    /// Claims and opens partition `index`.
    pub async fn open(&self, broker: &Broker, index: u32) -> Result<Partition, LogError> {
        let claim = self.claim(broker, index).await;
        broker.logs.open(vec![claim]).await.remove(0)
    }
}

fn bytes_of(id: &[u8; 16]) -> Bytes {
    Bytes::copy_from_slice(id)
}

fn options() -> EngineOptions {
    EngineOptions {
        flush_max_bytes: 8 << 20,
        flush_max_interval: Duration::from_millis(250),
        flush_idle_interval: Duration::from_secs(2),
        flush_requests_per_second: None,
        flush_uploads: 4,
        buffer_max_bytes: 256 << 20,
        retention_check_interval: Duration::from_secs(300),
        delete_delay: Duration::from_secs(60),
        producer_expiration: Duration::from_secs(86_400),
        cleaner: CleanerOptions::default(),
        merge_min_commits: None,
        gather: Some(GatherOptions { bytes_per_second: None, segment_bytes: 32 << 20 }),
        fold_fan_in: 64,
    }
}

fn settings(mode: DurabilityMode) -> TopicSettings {
    TopicSettings {
        durability_mode: mode,
        max_message_bytes: 1 << 20,
        timestamp_type: TimestampType::CreateTime,
        timestamp_before_max_ms: None,
        timestamp_after_max_ms: None,
        compression_type: CompressionType::Producer,
        retention_ms: None,
        retention_bytes: None,
        cleanup_policy: CleanupPolicy { delete: true, compact: false },
        compaction: CompactionSettings::default(),
        unclean_leader_election: false,
        schemas: model::config::SchemaRules::default(),
    }
}
