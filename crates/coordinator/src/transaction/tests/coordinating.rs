//! The coordinator over a store in memory that loses answers, with partitions that only note their markers.

use super::events::{epoch, partition, producer, steps};
use crate::{
    Coordinator, CoordinatorOptions, CoordinatorParts, SessionStamp, SlotClaim, SlotError,
    SlotKind, SlotLogs, Topics,
    slot_log::tests::Told,
    transaction::{
        Marked, Marker, Markers, ProducerIds, ProducerInEpoch, TransactionError, TransactionResult,
        TransactionResult::{Abort, Commit},
        TransactionState,
        TransactionState::{CompleteAbort, CompleteCommit, Ongoing, PrepareCommit},
        TransactionVersion,
        TransactionVersion::{V1, V2},
        TransactionalId, TransactionalProducer, Transactions,
    },
};
use async_trait::async_trait;
use formats::metadata::Session;
use metadata::{
    MemoryStore, Operation, Transaction,
    families::{Keys, encode},
    memory::Fault,
};
use model::{
    BrokerId, LeaderEpoch, PartitionId, PartitionIndex, ProducerId, SessionId, TopicId, TopicName,
};
use parking_lot::Mutex;
use proptest::prelude::*;
use runtime::{Clock, Randomness, Tasks};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

pub(super) const ID: TransactionalId<'static> = TransactionalId { slot: 3, id: "pay" };

/// Partitions that take markers, or do not.
#[derive(Debug, Default)]
struct Partitions {
    fails: AtomicBool,
    written: Mutex<Vec<(PartitionId, Marker)>>,
}

#[async_trait]
impl Markers for Partitions {
    async fn write(&self, partition: PartitionId, marker: Marker) -> Marked {
        if self.fails.load(Relaxed) {
            return Marked::Failed("not now".to_owned());
        }
        self.written.lock().push((partition, marker));
        Marked::Written
    }
}

#[derive(Debug)]
struct Counter(AtomicU64);

#[async_trait]
impl ProducerIds for Counter {
    async fn next(&self) -> Result<ProducerId, String> {
        Ok(producer(self.0.fetch_add(1, Relaxed)))
    }
}

#[derive(Debug)]
struct NoTopics;

impl Topics for NoTopics {
    fn name(&self, _: TopicId) -> Option<TopicName> {
        None
    }

    fn catalog(&self) -> Arc<dyn crate::group::TopicCatalog> {
        panic!("no group of these tests has members")
    }
}

/// What outlives a broker.
pub(super) struct Setting {
    store: MemoryStore,
    clock: Clock,
    partitions: Arc<Partitions>,
    ids: Arc<Counter>,
    lives: AtomicU64,
    pub(super) log: Arc<Told>,
}

/// One life of a broker that owns the slot of [`ID`].
pub(super) struct Life {
    coordinator: Coordinator,
    session: SessionId,
    tasks: Tasks,
}

impl Setting {
    pub(super) fn new() -> Self {
        let clock = Clock::simulated(1_700_000_000_000);
        Self {
            store: MemoryStore::new(clock.clone()),
            clock,
            partitions: Arc::default(),
            ids: Arc::new(Counter(AtomicU64::new(1))),
            lives: AtomicU64::new(1),
            log: Arc::default(),
        }
    }

    /// The next life, under a session of its own; the slot is loaded.
    pub(super) async fn begin(&self) -> Life {
        let life = self.lives.fetch_add(1, Relaxed);
        let (keys, tasks) = (Keys::new("test/"), Tasks::new());
        let session = self.register(&keys, life as u8).await;
        let parts = CoordinatorParts {
            metadata: Arc::new(self.store.clone()),
            keys,
            clock: self.clock.clone(),
            randomness: Randomness::seeded(life),
            tasks: tasks.clone(),
            topics: Arc::new(NoTopics),
            markers: Arc::clone(&self.partitions) as Arc<dyn Markers>,
            producer_ids: Arc::clone(&self.ids) as Arc<dyn ProducerIds>,
            slot_logs: Arc::clone(&self.log) as Arc<dyn SlotLogs>,
        };
        let coordinator = Coordinator::new(CoordinatorOptions::default(), parts);
        coordinator.session_began(session);
        coordinator.open(claim(life as u32));
        let life = Life { coordinator, session: session.id, tasks };
        while life.transactions().describe(ID).await == Err(SlotError::Loading.into()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        life
    }

    async fn register(&self, keys: &Keys, number: u8) -> SessionStamp {
        let (id, broker) = (SessionId::from_bytes([number; 16]), BrokerId::new(1).unwrap());
        let key = keys.session(broker);
        let change = |then| Transaction { then, ..Transaction::default() };
        let gone = vec![Operation::Delete(key.clone())];
        metadata::MetadataStore::transact(&self.store, change(gone)).await.unwrap();
        let value = Session { id: id.as_bytes().to_vec().into(), ..Session::default() };
        let put = vec![Operation::put(key, encode(value))];
        let put = metadata::MetadataStore::transact(&self.store, change(put)).await.unwrap();
        SessionStamp { id, create_revision: put.revision, broker }
    }

    fn written(&self) -> Vec<(PartitionId, Marker)> {
        self.partitions.written.lock().clone()
    }
}

fn claim(epoch: u32) -> SlotClaim {
    SlotClaim {
        kind: SlotKind::Transactions,
        partition: PartitionId {
            topic: TopicId::from_bytes([9; 16]),
            partition: PartitionIndex::new(ID.slot).unwrap(),
        },
        epoch: LeaderEpoch::new(epoch).unwrap(),
    }
}

impl Life {
    fn transactions(&self) -> &Transactions {
        self.coordinator.transactions()
    }

    pub(super) async fn end_of_it(self) {
        self.coordinator.session_lost(self.session);
        self.tasks.shut_down().await;
    }

    pub(super) async fn init(&self) -> ProducerInEpoch {
        loop {
            match self.transactions().init(ID, 60_000, None).await {
                Err(TransactionError::ConcurrentTransactions) => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                given => return given.unwrap(),
            }
        }
    }

    pub(super) async fn add(
        &self,
        producer: ProducerInEpoch,
        indexes: &[u32],
    ) -> Result<(), TransactionError> {
        let partitions = indexes.iter().map(|index| partition(*index)).collect();
        self.transactions().add_partitions(ID, producer, partitions).await
    }

    pub(super) async fn end(
        &self,
        producer: ProducerInEpoch,
        result: TransactionResult,
        version: TransactionVersion,
    ) -> Result<ProducerInEpoch, TransactionError> {
        self.transactions().end(ID, producer, result, version).await
    }

    async fn known(&self) -> TransactionalProducer {
        self.transactions().describe(ID).await.unwrap().unwrap()
    }

    pub(super) async fn reaches(&self, state: TransactionState) {
        for _ in 0..10_000 {
            if self.known().await.state == state {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{:?} never became {state:?}", self.known().await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_transaction_goes_from_its_first_partition_to_a_marker_on_each() {
    for (version, marked_epoch) in [(V1, 0), (V2, 1)] {
        let setting = Setting::new();
        let life = setting.begin().await;
        let given = life.init().await;
        assert_eq!((given.producer, given.epoch), (producer(1), epoch(0)));
        life.add(given, &[0, 1]).await.unwrap();
        life.add(given, &[2]).await.unwrap();
        let next = life.end(given, Commit, version).await.unwrap();
        assert_eq!(next.epoch, epoch(marked_epoch));
        life.reaches(CompleteCommit).await;
        let written = setting.written();
        let where_to: BTreeSet<_> = written.iter().map(|(partition, _)| *partition).collect();
        assert_eq!(where_to, [partition(0), partition(1), partition(2)].into());
        let expected = Marker {
            producer: producer(1),
            epoch: epoch(marked_epoch),
            result: Commit,
            coordinator_epoch: LeaderEpoch::new(1).unwrap(),
            epoch_is_its_own: version == V2,
        };
        assert!(written.iter().all(|(_, marker)| *marker == expected));
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_transaction_waits_until_the_last_one_is_complete() {
    let setting = Setting::new();
    let life = setting.begin().await;
    let given = life.init().await;
    life.add(given, &[0]).await.unwrap();
    setting.partitions.fails.store(true, Relaxed);
    life.end(given, Commit, V1).await.unwrap();
    let wait = TransactionError::ConcurrentTransactions;
    assert_eq!(life.add(given, &[1]).await, Err(wait));
    assert_eq!(life.end(given, Commit, V1).await, Err(wait));
    setting.partitions.fails.store(false, Relaxed);
    life.reaches(CompleteCommit).await;
    life.add(given, &[1]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_decided_transaction_is_completed_by_the_next_owner_of_its_slot() {
    let setting = Setting::new();
    let life = setting.begin().await;
    let given = life.init().await;
    life.add(given, &[0, 1]).await.unwrap();
    setting.partitions.fails.store(true, Relaxed);
    life.end(given, Commit, V1).await.unwrap();
    assert_eq!(life.known().await.state, PrepareCommit);
    life.end_of_it().await;
    setting.partitions.fails.store(false, Relaxed);
    let life = setting.begin().await;
    life.reaches(CompleteCommit).await;
    let epochs = setting.written().into_iter().map(|(_, marker)| marker.coordinator_epoch.get());
    assert_eq!(epochs.collect::<Vec<_>>(), [2, 2]);
}

#[tokio::test(start_paused = true)]
async fn what_was_decided_and_never_stored_never_happened() {
    let setting = Setting::new();
    let life = setting.begin().await;
    let given = life.init().await;
    life.add(given, &[0]).await.unwrap();
    setting.store.faults().fail_every(1, Fault::Unavailable);
    let unanswered = life.end(given, Commit, V1).await;
    assert_eq!(unanswered, Err(TransactionError::Unavailable));
    assert_eq!(setting.written(), []);
    life.end_of_it().await;
    setting.store.faults().heal();
    let life = setting.begin().await;
    assert_eq!(life.known().await.state, Ongoing);
    life.end(given, Abort, V1).await.unwrap();
    life.reaches(CompleteAbort).await;
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_lost_on_the_way_from_the_store_change_nothing() {
    for fault in [Fault::UnknownApplied, Fault::UnknownNotApplied] {
        let setting = Setting::new();
        let life = setting.begin().await;
        let given = life.init().await;
        setting.store.faults().fail_every(2, fault);
        life.add(given, &[0]).await.unwrap();
        life.end(given, Commit, V1).await.unwrap();
        life.reaches(CompleteCommit).await;
        setting.store.faults().heal();
        assert_eq!(setting.written().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_producer_aborts_what_its_predecessor_left_and_fences_it() {
    let setting = Setting::new();
    let life = setting.begin().await;
    let first = life.init().await;
    life.add(first, &[0]).await.unwrap();
    let second = life.init().await;
    assert_eq!((second.producer, second.epoch), (first.producer, epoch(2)));
    let [(_, marker)] = setting.written()[..] else { panic!("one marker") };
    assert_eq!((marker.result, marker.epoch), (Abort, epoch(1)));
    assert_eq!(life.add(first, &[0]).await, Err(TransactionError::ProducerFenced));
    assert_eq!(life.end(first, Commit, V1).await, Err(TransactionError::ProducerFenced));
    life.add(second, &[0]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_takes_too_long_is_aborted() {
    let setting = Setting::new();
    let life = setting.begin().await;
    let given = life.init().await;
    life.add(given, &[0]).await.unwrap();
    tokio::time::sleep(Duration::from_secs(55)).await;
    assert_eq!(life.known().await.state, Ongoing);
    tokio::time::sleep(Duration::from_secs(20)).await;
    life.reaches(CompleteAbort).await;
    assert_eq!(life.end(given, Commit, V1).await, Err(TransactionError::ProducerFenced));
}

#[tokio::test(start_paused = true)]
async fn an_id_that_nobody_uses_expires_and_stays_gone() {
    let setting = Setting::new();
    let life = setting.begin().await;
    let given = life.init().await;
    tokio::time::sleep(Duration::from_hours(7 * 24 + 2)).await;
    assert_eq!(life.transactions().describe(ID).await, Ok(None));
    assert_eq!(life.add(given, &[0]).await, Err(TransactionError::UnknownProducer));
    life.end_of_it().await;
    let life = setting.begin().await;
    assert_eq!(life.transactions().describe(ID).await, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn requests_that_make_no_sense_are_refused() {
    let setting = Setting::new();
    let life = setting.begin().await;
    let init = |id, timeout_ms| life.transactions().init(id, timeout_ms, None);
    for timeout_ms in [-1, 0, 900_001] {
        assert_eq!(init(ID, timeout_ms).await, Err(TransactionError::InvalidTimeout));
    }
    let empty = TransactionalId { id: "", ..ID };
    assert!(matches!(init(empty, 1).await, Err(TransactionError::InvalidRequest(_))));
    let long = "x".repeat(5_000);
    let long = TransactionalId { id: &long, ..ID };
    assert!(matches!(init(long, 1).await, Err(TransactionError::InvalidRequest(_))));
    let elsewhere = TransactionalId { slot: 4, ..ID };
    assert_eq!(init(elsewhere, 1).await, Err(SlotError::NotCoordinator.into()));
    let nobody = ProducerInEpoch { producer: producer(77), epoch: epoch(0) };
    assert_eq!(life.add(nobody, &[0]).await, Err(TransactionError::UnknownProducer));
    assert_eq!(life.end(nobody, Commit, V2).await, Err(TransactionError::UnknownProducer));
}

#[tokio::test(start_paused = true)]
async fn a_first_batch_is_verified_by_the_journal_also_where_the_id_is_not_coordinated() {
    let setting = Setting::new();
    let life = setting.begin().await;
    let given = life.init().await;
    life.add(given, &[0]).await.unwrap();
    life.coordinator.close(claim(1).partition);
    let life = &life;
    let verify = |index: u32| async move {
        life.transactions().verify(ID, given, &[partition(index)]).await.remove(0)
    };
    assert_eq!(verify(0).await, Ok(()));
    assert_eq!(verify(1).await, Err(TransactionError::Abortable));
    let unknown = TransactionalId { id: "nobody", ..ID };
    let unknown = life.transactions().verify(unknown, given, &[partition(0)]).await;
    assert_eq!(unknown, [Err(TransactionError::UnknownProducer)]);
    setting.store.faults().fail_every(1, Fault::Unavailable);
    assert_eq!(verify(0).await, Err(TransactionError::Unavailable));
}

#[tokio::test(start_paused = true)]
async fn verifications_that_come_together_are_all_answered() {
    let setting = Setting::new();
    let life = setting.begin().await;
    let given = life.init().await;
    life.add(given, &[0]).await.unwrap();
    let ids: Vec<String> = (0..250).map(|number| format!("id-{number}")).collect();
    let wanted = [partition(0)];
    let verify = |id| life.transactions().verify(TransactionalId { slot: 3, id }, given, &wanted);
    let unknown = futures::future::join_all(ids.iter().map(|id| verify(id)));
    let known = futures::future::join_all((0..50).map(|_| verify(ID.id)));
    let (unknown, known) = futures::join!(unknown, known);
    assert!(unknown.iter().all(|it| *it == [Err(TransactionError::UnknownProducer)]));
    assert!(known.iter().all(|it| *it == [Ok(())]));
}

/// Every id as it is now.
async fn everything(life: &Life) -> BTreeMap<String, TransactionalProducer> {
    life.known().await;
    let all = life.transactions().collect(|id, known| Some((id.to_owned(), known.clone())));
    all.0.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_a_new_owner_loads_is_what_the_last_one_had(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().start_paused(true).build().unwrap();
        let (before, after) = runtime.block_on(async {
            let setting = Setting::new();
            let life = setting.begin().await;
            life.init().await;
            // The markers don't get through: neither owner moves on by itself.
            setting.partitions.fails.store(true, Relaxed);
            for step in &steps {
                let event = step.event(&life.known().await);
                life.transactions().happen(ID, &event, producer(1_000));
            }
            let before = everything(&life).await;
            life.end_of_it().await;
            let life = setting.begin().await;
            let after = everything(&life).await;
            life.end_of_it().await;
            (before, after)
        });
        prop_assert_eq!(after, before);
    }
}
