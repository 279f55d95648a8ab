//! [`Engine`]: what all partitions of this broker share, and the tasks that move their watermarks.

use crate::{
    EngineOptions, EngineStatus, LogError, Notice, Parts,
    buffers::Buffers,
    damage::Damage,
    flush_queue::FlushQueue,
    followed::Follows,
    notices::Notices,
    object_read::ObjectReader,
    partition::Shared,
    pipeline::ActiveSession,
    producer_windows::ProducerWindows,
    read_ahead::ReadAhead,
    recovery::SharedReads,
    sequencer::{Advance, Phase},
    terms::TermsQueue,
    traces::TracedAppends,
    wal_progress::WalLedger,
};
use formats::record_batch::BatchHeader;
use model::{Offset, PartitionId, SessionId};
use parking_lot::{Mutex, RwLock};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::sync::Notify;
use wal::RecoveredFrame;

/// How often what the lease held back is looked at again.
const HELD_BACK_TICK: Duration = Duration::from_millis(50);

/// Share of the memory budget that may cache bytes of index objects and segments.
const READ_CACHE_SHARE: u64 = 2;

/// The part of the read cache that may hold what nobody asked for yet: half.
const READ_AHEAD_PART: u64 = 2;

/// The part of the memory budget that uploads in flight may hold together, a quarter: while the store hangs they give nothing
/// back, and appends must go on.
const UPLOADS_PART: u64 = 4;

/// The shared part of [`crate::PartitionLogs`].
pub(crate) struct Engine {
    pub(crate) options: EngineOptions,
    pub(crate) parts: Parts,
    pub(crate) ledger: WalLedger,
    pub(crate) buffers: Buffers,
    pub(crate) flush_queue: FlushQueue,
    /// Traced requests whose records wait in it.
    pub(crate) traced: TracedAppends,
    pub(crate) producer_windows: ProducerWindows,
    pub(crate) reader: ObjectReader,
    pub(crate) damage: Damage,
    pub(crate) read_ahead: ReadAhead,
    pub(crate) recent_reads: SharedReads,
    /// Looked up once: appends are too many for that.
    pub(crate) appended_bytes: metrics::Counter,
    pub(crate) terms: TermsQueue,
    /// What is told to those who serve this broker's partitions to other zones.
    pub(crate) notices: Notices,
    /// Other brokers' partitions that this one serves to its zone.
    pub(crate) follows: Follows,
    /// Consecutive failures of uploads and commits.
    pub(crate) failing: AtomicU64,
    /// Recovered frames that no claim has taken yet.
    pub(crate) unclaimed: Mutex<BTreeMap<PartitionId, Vec<RecoveredFrame>>>,
    partitions: RwLock<HashMap<PartitionId, Arc<Shared>>>,
    session: RwLock<Option<Arc<ActiveSession>>>,
    held_back: Mutex<BTreeSet<PartitionId>>,
    closed: Mutex<BTreeSet<PartitionId>>,
    wal_failure: Mutex<Option<String>>,
    /// Held by whoever makes room in memory.
    making_room: Mutex<()>,
    /// Told when there may be more room.
    roomier: Notify,
    /// Told when a partition is opened, closed, or unsealed.
    pub(crate) settled: Notify,
}

impl Engine {
    /// Builds it; nothing runs yet.
    pub(crate) fn new(
        options: EngineOptions,
        parts: Parts,
        recovered: Vec<RecoveredFrame>,
    ) -> Self {
        let uploads = options.flush_uploads.max(1) as u64;
        let most_in_a_flush = options.buffer_max_bytes / (UPLOADS_PART * uploads);
        let mut options = options;
        options.flush_max_bytes = options.flush_max_bytes.min(most_in_a_flush);
        let recovered: Vec<_> =
            recovered.into_iter().filter_map(|frame| Some((end_of(&frame)?, frame))).collect();
        let ledger = WalLedger::new(Arc::clone(&parts.wal), &recovered);
        let mut unclaimed: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (_, frame) in recovered {
            unclaimed.entry(frame.meta.partition).or_default().push(frame);
        }
        let cache_bytes = options.buffer_max_bytes / READ_CACHE_SHARE;
        Self {
            ledger,
            buffers: Buffers::new(Arc::clone(&parts.wal), options.buffer_max_bytes),
            flush_queue: FlushQueue::default(),
            traced: TracedAppends::default(),
            producer_windows: ProducerWindows::default(),
            reader: ObjectReader::new(parts.objects.clone(), cache_bytes)
                .with_disk(parts.block_cache.clone()),
            damage: Damage::default(),
            read_ahead: ReadAhead::new(cache_bytes / READ_AHEAD_PART),
            recent_reads: SharedReads::default(),
            appended_bytes: metrics::counter!("alluvium_append_bytes_total"),
            terms: TermsQueue::default(),
            notices: Notices::default(),
            follows: Follows::default(),
            failing: AtomicU64::new(0),
            unclaimed: Mutex::new(unclaimed),
            partitions: RwLock::default(),
            session: RwLock::default(),
            held_back: Mutex::default(),
            closed: Mutex::default(),
            wal_failure: Mutex::default(),
            making_room: Mutex::default(),
            roomier: Notify::new(),
            settled: Notify::new(),
            options,
            parts,
        }
    }

    /// An open partition.
    pub(crate) fn partition(&self, id: PartitionId) -> Option<Arc<Shared>> {
        self.partitions.read().get(&id).cloned()
    }

    /// Every open partition.
    pub(crate) fn partitions(&self) -> Vec<Arc<Shared>> {
        self.partitions.read().values().cloned().collect()
    }

    /// Serves a partition from here on, if `session` still lasts; suspended otherwise.
    pub(crate) fn insert(&self, partition: Arc<Shared>, session: &ActiveSession) {
        self.closed.lock().remove(&partition.id);
        self.partitions.write().insert(partition.id, partition);
        self.settled.notify_waiters();
        if self.session().is_none_or(|present| present.stamp.id != session.stamp.id) {
            self.suspend_other_sessions();
        }
    }

    /// Whether the partition was open before, and was closed.
    pub(crate) fn was_closed(&self, id: PartitionId) -> bool {
        self.closed.lock().contains(&id)
    }

    /// Stops serving a partition: its waiters fail, its batches are dropped.
    pub(crate) fn remove(&self, id: PartitionId) -> bool {
        let Some(partition) = self.partitions.write().remove(&id) else { return false };
        let mut sequencer = partition.sequencer.lock();
        sequencer.phase = Phase::Closed;
        sequencer.wake_all();
        self.buffers.settled(sequencer.uncommitted_bytes());
        self.buffers.batches_went(sequencer.log.tail.count());
        drop(sequencer);
        self.closed.lock().insert(id);
        self.ledger.abandon(id);
        self.settled.notify_waiters();
        true
    }

    /// The session under which flushes commit.
    pub(crate) fn session(&self) -> Option<Arc<ActiveSession>> {
        self.session.read().clone()
    }

    /// Makes `session` the one under which flushes commit.
    pub(crate) fn set_session(&self, session: Arc<ActiveSession>) {
        self.notices.begin(session.stamp.id);
        if let Some(earlier) = self.session.write().replace(session) {
            earlier.end();
        }
        self.suspend_other_sessions();
    }

    /// Ends a session: no acknowledgement rests on it any more, buffers stay. Later calls change nothing.
    pub(crate) fn end_session(&self, id: SessionId) {
        let mut session = self.session.write();
        if session.as_ref().is_none_or(|active| active.stamp.id != id) {
            return;
        }
        if let Some(ended) = session.take() {
            ended.end();
        }
        drop(session);
        tracing::warn!(session = %id, "the session ended: nothing is committed until the next");
        self.suspend_other_sessions();
    }

    fn suspend_other_sessions(&self) {
        let present = self.session().map(|session| session.stamp.id);
        for partition in self.partitions() {
            let mut sequencer = partition.sequencer.lock();
            let was_served = matches!(sequencer.phase, Phase::Serving | Phase::Sealed);
            if Some(sequencer.ownership.session.id) != present && was_served {
                sequencer.phase = Phase::Suspended;
            }
        }
    }

    /// The lease rule, now. A session that this engine was told has ended holds nothing.
    pub(crate) fn lease_holds(&self, session: SessionId) -> bool {
        self.parts.authority.lease_holds(session)
    }

    /// Why the WAL takes nothing more.
    pub(crate) fn wal_failure(&self) -> Option<String> {
        self.wal_failure.lock().clone()
    }

    /// Tells those who follow this broker what `session` did.
    pub(crate) fn tell(&self, session: SessionId, notice: impl FnOnce() -> Notice) {
        self.notices.tell(session, self.parts.clock.boot_time(), notice);
    }

    /// Has the partition looked at again once the lease may hold.
    pub(crate) fn hold_back(&self, partition: PartitionId) {
        self.held_back.lock().insert(partition);
    }

    /// Moves a partition's watermarks as far as they go.
    pub(crate) fn advance(&self, partition: &Shared, synced: Option<Offset>) {
        let mut sequencer = partition.sequencer.lock();
        if let Some(synced) = synced {
            sequencer.note_synced(synced);
        }
        let session = sequencer.ownership.session.id;
        self.follow_up(partition.id, sequencer.advance(|| self.lease_holds(session)));
    }

    /// Sees to what an advance left undone.
    pub(crate) fn follow_up(&self, partition: PartitionId, advance: Advance) {
        if advance.held_back {
            self.hold_back(partition);
        }
        if advance.terms_due {
            self.terms.ask(partition);
        }
    }

    /// Follows the WAL until shutdown: moves what is synced, wakes who waits for it.
    pub(crate) async fn follow_wal(self: Arc<Self>) {
        let shutdown = self.parts.tasks.shutdown();
        loop {
            let ticking = !self.held_back.lock().is_empty();
            tokio::select! {
                () = shutdown.requested() => return,
                () = self.ledger.progressed() => {}
                () = tokio::time::sleep(HELD_BACK_TICK), if ticking => {}
            }
            self.take_wal_progress();
        }
    }

    fn take_wal_progress(&self) {
        if self.buffers.is_crowded() {
            self.make_room();
        }
        self.roomier.notify_waiters();
        for (id, end) in self.ledger.take_synced() {
            if let Some(partition) = self.partition(id) {
                self.advance(&partition, Some(end));
            }
        }
        let held_back = std::mem::take(&mut *self.held_back.lock());
        for id in held_back {
            if let Some(partition) = self.partition(id) {
                self.advance(&partition, None);
            }
        }
        if let Some(reason) = self.ledger.failure()
            && self.wal_failure.lock().replace(reason).is_none()
        {
            for partition in self.partitions() {
                partition.sequencer.lock().wake_all();
            }
        }
    }

    /// Whether one more append fits in memory. Makes room before there is none.
    pub(crate) fn has_room(&self) -> bool {
        if self.buffers.is_crowded() {
            self.make_room();
        }
        self.buffers.admits()
    }

    /// Waits until more should be appended, for `patience` at most.
    ///
    /// # Cancel safety
    /// Safe.
    pub(crate) async fn invited(&self, patience: Duration) {
        let invited = async {
            loop {
                let roomier = self.roomier.notified();
                if self.has_room() && self.buffers.invites() {
                    return;
                }
                roomier.await;
            }
        };
        // Out of patience: the append says what is wrong.
        let _ = tokio::time::timeout(patience, invited).await;
    }

    /// Lets the oldest batches go from memory, in the order of the WAL: so whole buffers become free. No partition's lock may
    /// be held.
    pub(crate) fn make_room(&self) {
        let Some(_one_at_a_time) = self.making_room.try_lock() else { return };
        while self.buffers.is_crowded() {
            let oldest = self.ledger.take_oldest_in_memory(self.buffers.kept_bytes());
            if oldest.is_empty() {
                return;
            }
            for (id, end) in oldest {
                let Some(partition) = self.partition(id) else { continue };
                let mut sequencer = partition.sequencer.lock();
                let durable = sequencer.durable();
                self.buffers.batches_went(sequencer.log.tail.let_go(end, durable));
            }
            self.roomier.notify_waiters();
        }
    }

    /// How it does.
    pub(crate) fn status(&self) -> EngineStatus {
        let session = self.session();
        let uploads = session.as_ref().map(|it| it.uploads_in_flight.load(Relaxed));
        EngineStatus {
            partitions: self.partitions.read().len(),
            uncommitted_bytes: self.buffers.uncommitted(),
            buffered_bytes: self.buffers.in_use(),
            wal_bytes: self.parts.wal.unreleased_bytes(),
            uploads_in_flight: uploads.unwrap_or(0),
            uploads_max: self.options.flush_uploads.max(1),
            commit_seq: session.map_or(0, |session| session.committed_seq()),
            failing: self.failing.load(Relaxed),
        }
    }

    /// The present session.
    ///
    /// # Errors
    /// `SessionLost` when there is none.
    pub(crate) fn require_session(&self) -> Result<Arc<ActiveSession>, LogError> {
        self.session().ok_or(LogError::SessionLost)
    }
}

/// The offset after a recovered batch. The WAL has checked the payload's CRC; a payload that is no batch after all is left alone.
fn end_of(frame: &RecoveredFrame) -> Option<Offset> {
    let header = BatchHeader::parse(&frame.head).ok()?;
    Offset::from_wire(header.next_offset())
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("status", &self.status()).finish_non_exhaustive()
    }
}
