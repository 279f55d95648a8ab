//! [`Transactions`]: the transactional ids that this broker coordinates.

use super::{
    Answer, Event, TransactionError, TransactionResult, TransactionVersion, TransactionalProducer,
    load, marking,
    slot::{Decided, TransactionSlot},
    sweep,
    verification::Verifier,
};
use crate::{
    CoordinatorParts, Groups, Journal, SlotClaim, SlotError, journal::Position,
    slot_log::write_for_ever, slot_table::SlotTable,
};
use model::{PartitionId, ProducerEpoch, ProducerId, TimestampMs};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::{sync::Notify, time::timeout};

/// Longest transactional id, in bytes: it is part of a key.
const ID_MAX_BYTES: usize = 4_096;

/// Kafka's settings of transactions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TransactionOptions {
    /// `transaction.max.timeout.ms`.
    pub max_timeout_ms: u32,
    /// `transactional.id.expiration.ms`.
    pub id_expiration: Duration,
    /// `transaction.abort.timed.out.transaction.cleanup.interval.ms`.
    pub abort_interval: Duration,
    /// `transaction.remove.expired.transaction.cleanup.interval.ms`.
    pub expiry_interval: Duration,
    /// How long a request waits for the metadata store before it is told to come back.
    pub store_patience: Duration,
}

impl Default for TransactionOptions {
    fn default() -> Self {
        Self {
            max_timeout_ms: 900_000,
            id_expiration: Duration::from_hours(7 * 24),
            abort_interval: Duration::from_secs(10),
            expiry_interval: Duration::from_hours(1),
            store_patience: Duration::from_secs(5),
        }
    }
}

/// A transactional id, and the slot it belongs to ([`crate::slot_of`]).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TransactionalId<'a> {
    /// The slot.
    pub slot: u32,
    /// The id.
    pub id: &'a str,
}

/// A producer in an epoch, as requests name it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ProducerInEpoch {
    /// Who.
    pub producer: ProducerId,
    /// In which epoch.
    pub epoch: ProducerEpoch,
}

/// The transactional ids of this broker's slots. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Transactions {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) options: TransactionOptions,
    pub(super) parts: CoordinatorParts,
    pub(super) groups: Groups,
    pub(super) slots: SlotTable<TransactionSlot>,
    verifier: Verifier,
    /// Told when a slot's log lacks something.
    pub(super) unwritten: Arc<Notify>,
}

impl Transactions {
    /// No ids; must be called inside a runtime.
    pub(crate) fn new(
        options: TransactionOptions,
        parts: CoordinatorParts,
        groups: Groups,
    ) -> Self {
        let verifier = Verifier::new(Arc::clone(&parts.metadata), parts.keys.clone());
        let (slots, unwritten) = (SlotTable::default(), Arc::default());
        let shared = Arc::new(Shared { options, parts, groups, slots, verifier, unwritten });
        let tasks = &shared.parts.tasks;
        tasks.spawn("transaction_sweep", sweep::keep(Arc::clone(&shared)));
        let (parts, unwritten) = (shared.parts.clone(), Arc::clone(&shared.unwritten));
        let told = Arc::clone(&shared);
        let slots = move || told.slots.all().0;
        tasks
            .spawn("transactions_topic", write_for_ever(parts, slots, unwritten, tasks.shutdown()));
        Self { shared }
    }

    /// Loads a slot in the background and serves it from then on.
    pub(crate) fn open(&self, claim: SlotClaim, journal: Journal) {
        self.close(claim.partition);
        self.shared.slots.claim(claim);
        let load = load::load(Arc::clone(&self.shared), claim, journal);
        self.shared.parts.tasks.spawn("transaction_slot", load);
    }

    /// Whether the partition is a slot here.
    pub(crate) fn has(&self, partition: PartitionId) -> bool {
        self.shared.slots.has(partition)
    }

    /// Drops a slot: its next owner goes on with what is being ended.
    pub(crate) fn close(&self, partition: PartitionId) {
        if let Some(slot) = self.shared.slots.release(partition) {
            slot.close();
        }
    }

    /// Drops all slots.
    pub(crate) fn close_all(&self) {
        for slot in self.shared.slots.release_all() {
            slot.close();
        }
    }

    /// A producer takes the id over: whoever had it before is fenced, and what that one left open aborted (KIP-98,
    /// KIP-360).
    ///
    /// # Errors
    /// As [`TransactionError`] says; `ConcurrentTransactions` while an abort is on its way.
    pub async fn init(
        &self,
        id: TransactionalId<'_>,
        timeout_ms: i32,
        expected: Option<ProducerInEpoch>,
    ) -> Result<ProducerInEpoch, TransactionError> {
        let timeout_ms = u32::try_from(timeout_ms)
            .ok()
            .filter(|timeout| (1..=self.shared.options.max_timeout_ms).contains(timeout))
            .ok_or(TransactionError::InvalidTimeout)?;
        let slot = self.slot(id)?;
        if slot.get(id.id).is_none() {
            slot.journal.admits()?;
            let producer = self.shared.next_producer().await?;
            let new = TransactionalProducer::new(producer, timeout_ms, self.shared.now());
            if let Some(created) = slot.create(id.id, new) {
                return self.shared.told(&slot, created).await.and_then(gone_on);
            }
        }
        let expected = expected.map(|it| (it.producer, it.epoch));
        let event = Event::Init { timeout_ms, expected };
        self.shared.change(&slot, id.id, &event).await.and_then(gone_on)
    }

    /// The producer's transaction goes on, or begins, on these partitions too.
    ///
    /// # Errors
    /// As [`TransactionError`] says.
    pub async fn add_partitions(
        &self,
        id: TransactionalId<'_>,
        producer: ProducerInEpoch,
        partitions: BTreeSet<PartitionId>,
    ) -> Result<(), TransactionError> {
        let slot = self.slot(id)?;
        let ProducerInEpoch { producer, epoch } = producer;
        let event = Event::AddPartitions { producer, epoch, partitions };
        self.shared.change(&slot, id.id, &event).await.map(drop)
    }

    /// The producer ends its transaction. Answered as soon as it is decided: who it goes on as.
    ///
    /// # Errors
    /// As [`TransactionError`] says.
    pub async fn end(
        &self,
        id: TransactionalId<'_>,
        producer: ProducerInEpoch,
        result: TransactionResult,
        version: TransactionVersion,
    ) -> Result<ProducerInEpoch, TransactionError> {
        let slot = self.slot(id)?;
        let ProducerInEpoch { producer, epoch } = producer;
        let event = Event::End { producer, epoch, result, version };
        self.shared.change(&slot, id.id, &event).await.and_then(gone_on)
    }

    /// Whether the producer may begin to write to these partitions in its transaction, as the journal says, whoever
    /// coordinates (KIP-890). The answers are in the order of the partitions.
    pub async fn verify(
        &self,
        id: TransactionalId<'_>,
        producer: ProducerInEpoch,
        partitions: &[PartitionId],
    ) -> Vec<Result<(), TransactionError>> {
        let ProducerInEpoch { producer, epoch } = producer;
        let read = match check_id(id.id) {
            Ok(()) => self.shared.verifier.read(id.slot, id.id).await,
            Err(error) => Err(error),
        };
        let judge = |partition: &PartitionId| match &read {
            Ok(Some(known)) => known.verify(producer, epoch, *partition),
            Ok(None) => Err(TransactionError::UnknownProducer),
            Err(error) => Err(*error),
        };
        partitions.iter().map(judge).collect()
    }

    /// An id as it is now; `None` when it is unknown.
    ///
    /// # Errors
    /// `Slot`, `Unavailable`.
    pub async fn describe(
        &self,
        id: TransactionalId<'_>,
    ) -> Result<Option<TransactionalProducer>, TransactionError> {
        let slot = self.slot(id)?;
        let (known, position) = (slot.get(id.id), slot.journal.position());
        self.shared.settled(&slot, position).await?;
        Ok(known)
    }

    /// Every id of this broker's slots, made into something else where that is wanted; and whether slots are being
    /// loaded.
    pub fn collect<T>(
        &self,
        choose: impl Fn(&str, &TransactionalProducer) -> Option<T>,
    ) -> (Vec<T>, bool) {
        let (slots, loading) = self.shared.slots.all();
        (slots.iter().flat_map(|slot| slot.collect(&choose)).collect(), loading)
    }

    /// The time that transactions are measured by.
    pub fn now(&self) -> TimestampMs {
        self.shared.now()
    }

    /// Decides about an event, whoever it comes from.
    #[cfg(test)]
    pub(super) fn happen(&self, id: TransactionalId<'_>, event: &Event, fresh: ProducerId) {
        if let Ok(slot) = self.slot(id) {
            self.shared.decide(&slot, id.id, event, Some(fresh));
        }
    }

    fn slot(&self, id: TransactionalId<'_>) -> Result<Arc<TransactionSlot>, TransactionError> {
        check_id(id.id)?;
        Ok(self.shared.slots.get(id.slot)?)
    }
}

fn check_id(id: &str) -> Result<(), TransactionError> {
    match id.len() {
        0 => Err(TransactionError::InvalidRequest("the transactional id is empty")),
        1..=ID_MAX_BYTES => Ok(()),
        _ => Err(TransactionError::InvalidRequest("the transactional id is too long")),
    }
}

fn gone_on(answer: Answer) -> Result<ProducerInEpoch, TransactionError> {
    match answer {
        Answer::GoOn(producer, epoch) => Ok(ProducerInEpoch { producer, epoch }),
        Answer::Done | Answer::TryAgain | Answer::NeedsProducerId => {
            Err(TransactionError::ConcurrentTransactions)
        }
    }
}

impl Shared {
    /// Now.
    pub(super) fn now(&self) -> TimestampMs {
        TimestampMs(self.parts.clock.unix_ms())
    }

    /// Decides, and sees to the markers of what is ended by that.
    pub(super) fn decide(
        self: &Arc<Self>,
        slot: &Arc<TransactionSlot>,
        id: &str,
        event: &Event,
        fresh: Option<ProducerId>,
    ) -> Decided {
        let mut decided = slot.decide(id, event, fresh, self.now());
        if let Some(ending) = decided.to_mark.take() {
            marking::begin(self, slot, id, ending, decided.position);
        }
        decided
    }

    /// Decides, with a new producer id where one is needed, and waits until the journal has it.
    async fn change(
        self: &Arc<Self>,
        slot: &Arc<TransactionSlot>,
        id: &str,
        event: &Event,
    ) -> Result<Answer, TransactionError> {
        let mut fresh = None;
        loop {
            slot.journal.admits()?;
            let decided = self.decide(slot, id, event, fresh);
            if decided.result != Ok(Answer::NeedsProducerId) {
                return self.told(slot, decided).await;
            }
            fresh = Some(self.next_producer().await?);
        }
    }

    /// What was decided, once it may be told: whatever it rests on is stored then.
    async fn told(
        &self,
        slot: &TransactionSlot,
        decided: Decided,
    ) -> Result<Answer, TransactionError> {
        self.settled(slot, decided.position).await?;
        decided.result
    }

    async fn settled(
        &self,
        slot: &TransactionSlot,
        position: Position,
    ) -> Result<(), TransactionError> {
        match timeout(self.options.store_patience, slot.journal.settled(position)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(SlotError::NotCoordinator.into()),
            Err(_) => Err(TransactionError::Unavailable),
        }
    }

    async fn next_producer(&self) -> Result<ProducerId, TransactionError> {
        self.parts.producer_ids.next().await.map_err(|reason| {
            tracing::warn!(reason, "no producer id");
            TransactionError::Unavailable
        })
    }
}
