//! [`Partition`]: the handle to one partition's log.

use crate::{
    AppendError, EndTransaction, LogError, PendingAppend, ProducerDescription, ReadError,
    Verification,
    append::{append, question},
    end_transaction::end_transaction,
    engine::Engine,
    read::{self, visible_end},
    sequencer::{Phase, Sequencer},
    upkeep,
};
use bytes::Bytes;
use model::{LeaderEpoch, Offset, PartitionId, ProducerEpoch, ProducerId, TimestampMs, TopicName};
use parking_lot::Mutex;
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::Notify;

/// When an append is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Acks {
    /// Not at all.
    None,
    /// When the WAL is synced.
    Leader,
    /// As the durability mode says.
    All,
}

/// Who appends, which decides what is allowed in a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AppendOrigin {
    /// A client: no control batches.
    Client,
    /// A client whose first batch in a transaction this is: the coordinator's journal says that it goes on.
    Transaction(Verification),
    /// The broker's coordinators: control batches too.
    Coordinator,
}

/// Positions of a log, read together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Watermarks {
    /// First offset that can be read.
    pub log_start: Offset,
    /// End of what is stored and committed.
    pub durable: Offset,
    /// End of what consumers may see.
    pub high_watermark: Offset,
    /// End of what `read_committed` consumers may see.
    pub last_stable: Offset,
    /// End of what was appended.
    pub log_end: Offset,
    /// The owner's epoch.
    pub leader_epoch: LeaderEpoch,
}

/// How far a reader sees.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Isolation {
    /// Up to the high watermark.
    ReadUncommitted,
    /// Up to the last stable offset; aborted transactions are named.
    ReadCommitted,
}

/// A read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReadRequest {
    /// First offset wanted; the batch that contains it is returned whole.
    pub from: Offset,
    /// At most so many bytes …
    pub max_bytes: usize,
    /// … but at least one batch, if this is set and there is one.
    pub at_least_one_batch: bool,
    /// How far.
    pub isolation: Isolation,
    /// The epoch the reader believes in; checked when given (KIP-320).
    pub current_leader_epoch: Option<LeaderEpoch>,
}

/// What a read found. Empty `batches` with `from` at the end is no error.
#[derive(Clone, Debug)]
pub struct ReadAnswer {
    /// Whole batches in offset order; each element holds one or more.
    pub batches: Vec<Bytes>,
    /// Positions at the time of the read.
    pub watermarks: Watermarks,
    /// Aborted transactions that reach into the answer, by first offset; `None` for `ReadUncommitted`.
    pub aborted: Option<Vec<AbortedTransaction>>,
}

/// A transaction that was aborted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AbortedTransaction {
    /// Its producer.
    pub producer: ProducerId,
    /// Its first offset in this partition.
    pub first_offset: Offset,
}

/// An append that is durable as asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Acknowledged {
    /// Offset of the batch's first record.
    pub base_offset: Offset,
    /// The broker's stamp, for topics of `LogAppendTime`.
    pub log_append_time: Option<TimestampMs>,
    /// The log's start at that moment.
    pub log_start: Offset,
}

/// What to look for by time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimestampQuery {
    /// The first record (smallest offset) at or after this time.
    AtOrAfter(TimestampMs),
    /// The record with the largest timestamp (KIP-734); the first of equals.
    Maximum,
}

/// A record found by time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FoundOffset {
    /// Where.
    pub offset: Offset,
    /// Its time.
    pub timestamp: TimestampMs,
    /// The epoch it was appended in.
    pub leader_epoch: LeaderEpoch,
}

/// Answer to `OffsetForLeaderEpoch` (KIP-101, KIP-320).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EpochEnd {
    /// The largest epoch at or below the one asked for that has records.
    pub epoch: LeaderEpoch,
    /// Where it ends.
    pub end_offset: Offset,
}

/// One partition that this broker owns. Cheap to clone.
#[derive(Clone)]
pub struct Partition {
    shared: Arc<Shared>,
}

/// What the handles of one partition share.
pub(crate) struct Shared {
    pub(crate) id: PartitionId,
    pub(crate) topic: TopicName,
    pub(crate) engine: Arc<Engine>,
    pub(crate) sequencer: Mutex<Sequencer>,
    /// Bytes of batches taken in and given to readers.
    pub(crate) carried_bytes: AtomicU64,
    /// Held while the manifest is being put: one at a time.
    pub(crate) manifest_gate: tokio::sync::Mutex<()>,
    /// Held while objects of this partition alone are stored, until the manifest names them.
    pub(crate) upkeep_gate: tokio::sync::Mutex<()>,
}

impl Partition {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Which one.
    pub fn id(&self) -> PartitionId {
        self.shared.id
    }

    /// The name of its topic.
    pub fn topic(&self) -> &TopicName {
        &self.shared.topic
    }

    /// Bytes of batches that it took in and gave to readers since it was opened.
    pub fn carried_bytes(&self) -> u64 {
        self.shared.carried_bytes.load(Ordering::Relaxed)
    }

    /// Whether it takes nothing because it is about to be handed to another broker.
    pub fn is_sealed(&self) -> bool {
        self.shared.sequencer.lock().phase == Phase::Sealed
    }

    /// Whether another broker owns it, and it is served here to consumers of this zone.
    pub fn is_followed(&self) -> bool {
        self.shared.sequencer.lock().phase == Phase::Following
    }

    /// Its positions.
    pub fn watermarks(&self) -> Watermarks {
        self.shared.sequencer.lock().watermarks()
    }

    /// Validates a batch, gives it offsets, puts it into the WAL queue. Order of calls is order of offsets. Never waits.
    /// `records` is the client's bytes: exactly one batch of magic 2.
    ///
    /// # Errors
    /// As [`AppendError`] says; nothing was appended then.
    pub fn append(
        &self,
        records: &Bytes,
        acks: Acks,
        origin: AppendOrigin,
    ) -> Result<PendingAppend, AppendError> {
        append(&self.shared, records, acks, origin)
    }

    /// What must be asked of the coordinator's journal before this batch is appended (KIP-890): `None` unless it is the first of
    /// its producer's transaction here. What is wrong with a batch, [`Partition::append`] says.
    pub fn question(&self, records: &Bytes) -> Option<Verification> {
        question(&self.shared, records)
    }

    /// Whether a question's answer still counts: no marker of the producer came since it was put.
    pub fn holds(&self, verification: &Verification) -> bool {
        self.shared.sequencer.lock().log.producers.holds(verification)
    }

    /// Appends the control batch that ends a transaction here. It is acknowledged at the durable offset, whatever the mode.
    ///
    /// # Errors
    /// `NotOwner` at another leader epoch, `InvalidProducerEpoch`, `CoordinatorFenced`; as [`AppendError`] says.
    pub fn end_transaction(&self, end: EndTransaction) -> Result<PendingAppend, AppendError> {
        end_transaction(&self.shared, end)
    }

    /// Sequence number of the last record that a producer appended in that epoch, if that is remembered.
    pub fn last_sequence(&self, producer: ProducerId, epoch: ProducerEpoch) -> Option<u32> {
        self.shared.sequencer.lock().log.producers.last_sequence(producer, epoch)
    }

    /// The producers that are remembered, by id.
    ///
    /// # Errors
    /// `NotOwner`.
    pub fn producers(&self) -> Result<Vec<ProducerDescription>, ReadError> {
        let sequencer = self.shared.sequencer.lock();
        sequencer.check_readable()?;
        Ok(sequencer.log.producers.describe())
    }

    /// Reads batches: from memory near the tail, else from objects.
    ///
    /// # Errors
    /// As [`ReadError`] says.
    pub async fn read(&self, request: ReadRequest) -> Result<ReadAnswer, ReadError> {
        let mut read = read::read_side_by_side(vec![(self.clone(), request)]).await;
        read.pop().expect("an answer for each read")
    }

    /// Bytes that a read of this kind would find in memory accounting, without reading: for `min_bytes` of a fetch.
    /// Zero when `from` is at the end visible to `isolation`.
    pub fn available_bytes(&self, from: Offset, isolation: Isolation) -> u64 {
        let sequencer = self.shared.sequencer.lock();
        let to = visible_end(&sequencer.watermarks(), isolation);
        if from >= to {
            return 0;
        }
        let tail = &sequencer.log.tail;
        let in_tail = tail.bytes_between(from.max(tail.start()), to);
        let stored = sequencer.log.index.entries_from(from);
        let stored = stored.take_while(|entry| entry.base_offset() < tail.start().min(to));
        in_tail + stored.map(crate::index::IndexEntry::size_bytes).sum::<u64>()
    }

    /// Wakes `waiter` (`notify_one`) at the next advance of the high watermark, last stable offset or log start, or when the partition is
    /// closed. Registers once per call; dead waiters are dropped.
    pub fn wake_on_advance(&self, waiter: &Arc<Notify>) {
        self.shared.sequencer.lock().wake_on_advance(waiter);
    }

    /// Finds a record by time, exact to the record, within what `isolation` may see.
    ///
    /// # Errors
    /// As for reads.
    pub async fn offset_for_timestamp(
        &self,
        query: TimestampQuery,
        isolation: Isolation,
    ) -> Result<Option<FoundOffset>, ReadError> {
        let found = read::offset_for_timestamp(&self.shared, query, isolation).await;
        self.shared.engine.damage.note(self.shared.id, &found);
        found
    }

    /// The end of an epoch; `None` for one that is to come.
    ///
    /// # Errors
    /// `NotReady` until the first offset of the present epoch is fixed.
    pub fn epoch_end(&self, epoch: LeaderEpoch) -> Result<Option<EpochEnd>, ReadError> {
        let sequencer = self.shared.sequencer.lock();
        sequencer.check_readable()?;
        let present = sequencer.ownership.epoch;
        Ok(sequencer.log.epochs.epoch_end(epoch, present, sequencer.log_end()))
    }

    /// The epoch that the record at `offset` was appended in; the present one at the end of the log.
    pub fn epoch_at(&self, offset: Offset) -> Option<LeaderEpoch> {
        let sequencer = self.shared.sequencer.lock();
        match offset >= sequencer.log_end() {
            true => Some(sequencer.ownership.epoch),
            false => sequencer.log.epochs.epoch_at(offset),
        }
    }

    /// Checks an epoch that a client believes in against the partition's.
    ///
    /// # Errors
    /// `FencedEpoch`, `UnknownEpoch`.
    pub fn check_epoch(&self, current: Option<LeaderEpoch>) -> Result<(), ReadError> {
        self.shared.sequencer.lock().check_epoch(current)
    }

    /// Moves the log's start forward to `before` (`None`: the high watermark); durable on return. Answers the log start.
    ///
    /// # Errors
    /// `Read(OffsetOutOfRange)` beyond the high watermark; `Unavailable`.
    pub async fn delete_records(&self, before: Option<Offset>) -> Result<Offset, LogError> {
        upkeep::log_start::delete_records(&self.shared, before).await
    }

    /// Bytes of the log between its start and its end, compressed as stored.
    pub fn size_bytes(&self) -> u64 {
        self.shared.sequencer.lock().size_bytes()
    }

    /// Takes new settings of its topic into force. Another durability mode follows as soon as the owner record can say so.
    pub fn apply_settings(&self, settings: Arc<model::config::TopicSettings>) {
        self.shared.sequencer.lock().apply_settings(settings);
        self.shared.engine.advance(&self.shared, None);
    }
}

impl fmt::Debug for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.shared, f)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partition")
            .field("id", &self.id)
            .field("topic", &self.topic)
            .finish_non_exhaustive()
    }
}
