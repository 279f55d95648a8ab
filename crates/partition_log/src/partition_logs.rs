//! [`PartitionLogs`]: all partitions of this broker, and the pipeline they share.

use crate::{
    Authority, FollowedPartitions, LogError, NoticesFound, NoticesWanted, Partition,
    ProducerConnection, Stores,
    engine::Engine,
    handover,
    pipeline::{self, ActiveSession},
    recovery, shutdown, terms, upkeep,
};
use block_cache::BlockCache;
use metadata::{MetadataStore, Revision};
use model::{BrokerId, PartitionId, SessionId, config::TopicSettings};
use std::{sync::Arc, time::Duration};
use storage::Objects;
use wal::{RecoveredFrame, Wal};

/// The session under which this broker commits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionStamp {
    /// Names it in keys.
    pub id: SessionId,
    /// Create revision of its `sessions/{broker}` key: what commits compare.
    pub create_revision: Revision,
    /// The broker.
    pub broker: model::BrokerId,
}

/// A partition that an owner record, written by a transaction known to have succeeded, gives to this session.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Which.
    pub partition: PartitionId,
    /// The record as written.
    pub owner: formats::metadata::Owner,
    /// Its mod revision: manifest writes compare it.
    pub owner_revision: Revision,
    /// The topic's name, for logs and metrics.
    pub topic: model::TopicName,
    /// The topic's settings in force.
    pub settings: Arc<TopicSettings>,
}

/// Limits and rhythms of the pipeline. Defaults: DESIGN section 4.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// `flush.max.bytes`.
    pub flush_max_bytes: u64,
    /// `flush.max.interval`.
    pub flush_max_interval: Duration,
    /// The same for data that nobody waits for (`flush.max.interval.idle`).
    pub flush_idle_interval: Duration,
    /// `flush.requests.per.second`; `None` is no budget.
    pub flush_requests_per_second: Option<u32>,
    /// Uploads in flight at most.
    pub flush_uploads: usize,
    /// Bytes of batches in memory, tail included (`log.buffer.max.bytes`).
    pub buffer_max_bytes: u64,
    /// `log.retention.check.interval.ms`.
    pub retention_check_interval: Duration,
    /// How long a freed object stays (`file.delete.delay.ms`).
    pub delete_delay: Duration,
    /// `producer.id.expiration.ms`.
    pub producer_expiration: Duration,
    /// The cleaner.
    pub cleaner: CleanerOptions,
    /// How many commits must have brought what lies in shared segments, before it is merged into partition segments; `None`
    /// leaves it where it is.
    pub merge_min_commits: Option<u64>,
    /// Whether and how what commits bring is copied to where each partition's lies together; `None` leaves it where it is.
    pub gather: Option<GatherOptions>,
    /// Commits folded into one index object, and index objects into one of the next level: 64.
    pub fold_fan_in: u64,
}

/// How commits are gathered (ADR 22).
#[derive(Clone, Debug)]
pub struct GatherOptions {
    /// Bytes copied a second; `None` is no limit. What comes faster stays where it is.
    pub bytes_per_second: Option<u64>,
    /// A gathered segment is full from this size on. Memory holds one at a time.
    pub segment_bytes: u64,
}

/// Where the segments to be gathered are read.
#[derive(Clone, Debug)]
pub enum GatherFrom {
    /// From the object store: where a GET costs nothing, as on this machine's disk.
    Store,
    /// From copies on local disk.
    Spool(Arc<crate::Spool>),
}

/// How much the cleaner may take, and how often it looks: Kafka's `log.cleaner.*`.
#[derive(Clone, Debug)]
pub struct CleanerOptions {
    /// Pause between two looks for work (`log.cleaner.backoff.ms`).
    pub backoff: Duration,
    /// Whether compacted topics are cleaned (`log.cleaner.enable`).
    pub enabled: bool,
    /// Partitions cleaned at the same time (`log.cleaner.threads`).
    pub threads: usize,
    /// Bytes for keys, of all threads (`log.cleaner.dedupe.buffer.size`).
    pub dedupe_buffer_bytes: u64,
    /// Bytes read and written a second (`log.cleaner.io.max.bytes.per.second`); `None` is no limit.
    pub bytes_per_second: Option<u64>,
}

impl Default for CleanerOptions {
    /// Kafka's.
    fn default() -> Self {
        Self {
            backoff: Duration::from_secs(15),
            enabled: true,
            threads: 1,
            dedupe_buffer_bytes: 128 << 20,
            bytes_per_second: None,
        }
    }
}

/// What the pipeline is built from.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The WAL.
    pub wal: Arc<dyn Wal>,
    /// The object store.
    pub objects: Objects,
    /// What was read from it, on the local disk; `None` where only memory keeps it.
    pub block_cache: Option<BlockCache>,
    /// The metadata store.
    pub metadata: Arc<dyn MetadataStore>,
    /// Key prefix of this cluster in the metadata store.
    pub keys: metadata::families::Keys,
    /// The clock.
    pub clock: runtime::Clock,
    /// Randomness.
    pub randomness: runtime::Randomness,
    /// Parent of its tasks.
    pub tasks: runtime::Tasks,
    /// The lease.
    pub authority: Arc<dyn Authority>,
    /// Where segments are read that are gathered; `None`: they are not.
    pub gather_from: Option<GatherFrom>,
}

impl Parts {
    /// Where the cluster lies.
    pub(crate) fn stores(&self) -> Stores {
        let (metadata, keys) = (Arc::clone(&self.metadata), self.keys.clone());
        Stores { metadata, keys, objects: self.objects.clone() }
    }
}

/// A snapshot for health and metrics.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct EngineStatus {
    /// Partitions open.
    pub partitions: usize,
    /// Bytes appended and not yet committed.
    pub uncommitted_bytes: u64,
    /// Bytes of batches held in memory.
    pub buffered_bytes: u64,
    /// Bytes that the WAL holds for object storage.
    pub wal_bytes: u64,
    /// Uploads under way.
    pub uploads_in_flight: usize,
    /// As many at most.
    pub uploads_max: usize,
    /// Last committed seq of the session.
    pub commit_seq: u64,
    /// Consecutive failures of uploads or commits right now.
    pub failing: u64,
}

/// The partitions this broker owns, and the flush pipeline. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PartitionLogs {
    engine: Arc<Engine>,
}

impl PartitionLogs {
    /// Builds the pipeline; nothing runs until [`PartitionLogs::begin_session`]. `recovered` are the WAL's intact frames.
    pub fn new(options: EngineOptions, parts: Parts, recovered: Vec<RecoveredFrame>) -> Self {
        let engine = Arc::new(Engine::new(options, parts, recovered));
        engine.parts.tasks.spawn("wal_progress", Arc::clone(&engine).follow_wal());
        Self { engine }
    }

    /// A session was registered (its `commit_head` at 0 exists): flushes commit under it from here. At start-up and after a session
    /// was lost.
    pub fn begin_session(&self, session: SessionStamp) {
        let session = Arc::new(ActiveSession::new(session, &self.engine.parts.tasks));
        self.engine.set_session(Arc::clone(&session));
        pipeline::start(&self.engine, &session);
        upkeep::start(&self.engine, &session);
        session.spawn("terms", terms::keep(Arc::clone(&self.engine), Arc::clone(&session)));
    }

    /// The session is over or in doubt beyond its lease: nothing is acknowledged or committed until the next
    /// [`PartitionLogs::begin_session`]; buffers and WAL are kept.
    pub fn session_lost(&self, session: SessionId) {
        self.engine.end_session(session);
    }

    /// Opens (or, after a session was lost, re-opens) partitions: reads what metadata and objects say, replays WAL frames that are
    /// current (epoch ≥ `since_epoch`, beyond what is durable), fixes the epoch's first offset, and serves. Results in the order of the claims.
    pub async fn open(&self, claims: Vec<Claim>) -> Vec<Result<Partition, LogError>> {
        recovery::open(&self.engine, claims).await
    }

    /// The partition, if this broker owns it and it is open.
    pub fn get(&self, partition: PartitionId) -> Option<Partition> {
        self.engine.partition(partition).map(Partition::new)
    }

    /// Every open partition.
    pub fn all(&self) -> Vec<Partition> {
        self.engine.partitions().into_iter().map(Partition::new).collect()
    }

    /// Takes nothing more into these partitions, which are about to be handed to another broker, and waits until all they hold is
    /// committed. Answers the last commit of the session that may hold any of it.
    ///
    /// # Errors
    /// `SessionLost` also when one is not served here; some may be sealed then.
    ///
    /// # Cancel safety
    /// They stay sealed until [`PartitionLogs::unseal`], or the session's end.
    pub async fn seal(&self, partitions: &[PartitionId]) -> Result<u64, LogError> {
        handover::seal(&self.engine, partitions).await
    }

    /// Takes appends to sealed partitions again.
    pub fn unseal(&self, partitions: &[PartitionId]) {
        handover::unseal(&self.engine, partitions);
    }

    /// Waits until a partition is opened, closed or unsealed. Counts from the call on, not from the first poll.
    pub fn settled(&self) -> impl Future<Output = ()> + '_ {
        self.engine.settled.notified()
    }

    /// What was committed since a follower asked last; waits for something to tell, for `patience` at most. `None` without a session.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn notices(
        &self,
        reader: BrokerId,
        wanted: &NoticesWanted,
        patience: Duration,
    ) -> Option<NoticesFound> {
        let notices = &self.engine.notices;
        let waited = async {
            loop {
                let told = notices.told();
                let now = self.engine.parts.clock.boot_time();
                if let Some(found) = notices.look(reader, wanted, now) {
                    return found;
                }
                told.await;
            }
        };
        let found = tokio::time::timeout(patience, waited).await;
        found.ok().or_else(|| wanted.nothing_new())
    }

    /// Whether that broker follows this one closely enough to serve the partition to consumers.
    pub fn is_current(&self, reader: BrokerId, partition: PartitionId) -> bool {
        self.engine.notices.is_current(reader, partition, self.engine.parts.clock.boot_time())
    }

    /// The partitions of other brokers that this one serves.
    pub fn followed(&self) -> FollowedPartitions {
        FollowedPartitions::new(Arc::clone(&self.engine))
    }

    /// Closes a partition at once: waiters fail with `NotOwner`, unflushed batches are dropped from later flushes. For
    /// a topic that was deleted, or ownership that was lost.
    pub fn close_partition(&self, partition: PartitionId) {
        self.engine.remove(partition);
    }

    /// Recovered WAL frames whose partitions nobody claimed: `(partition, frames, bytes)`. They stay in the WAL (quarantined) and are never uploaded.
    pub fn unclaimed_frames(&self) -> Vec<(PartitionId, usize, u64)> {
        let unclaimed = self.engine.unclaimed.lock();
        let bytes =
            |frames: &[RecoveredFrame]| frames.iter().map(|it| it.payload_bytes as u64).sum();
        unclaimed.iter().map(|(&id, frames)| (id, frames.len(), bytes(frames))).collect()
    }

    /// A connection that may produce: flushes go at once when nobody can send more.
    pub fn producer_connection(&self) -> ProducerConnection {
        ProducerConnection::open(&self.engine)
    }

    /// Waits until more may be appended without getting ahead of the disk, for `patience` at most: the gentle way to hold
    /// producers back, before they are refused.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn invited(&self, patience: Duration) {
        self.engine.invited(patience).await;
    }

    /// Flushes and commits everything appended so far.
    ///
    /// # Errors
    /// `SessionLost`; otherwise it waits as long as the store takes.
    pub async fn flush(&self) -> Result<(), LogError> {
        shutdown::flush(&self.engine).await
    }

    /// Stops taking appends, flushes, commits, answers, closes the WAL.
    ///
    /// # Errors
    /// `SessionLost` when it could not commit; the WAL keeps what is missing.
    pub async fn drain(&self) -> Result<(), LogError> {
        shutdown::drain(&self.engine).await
    }

    /// Why nothing is committed any more under the present session, if metadata or objects contradict what this broker knows.
    pub fn halted(&self) -> Option<String> {
        self.engine.session().and_then(|session| session.halted())
    }

    /// Why the WAL takes nothing more until the broker is started anew.
    pub fn wal_failure(&self) -> Option<String> {
        self.engine.wal_failure()
    }

    /// How it does.
    pub fn status(&self) -> EngineStatus {
        self.engine.status()
    }
}
