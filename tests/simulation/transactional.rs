//! [`TransactionalProducer`]: transactions over several partitions, committed or aborted, each step tried until it is answered.
//!
//! By the rules of version 1 partitions are added first; by those of version 2 (KIP-890) producing adds them, and each end gives the next
//! epoch.

use crate::{
    client::{Client, PARTITIONS, name, topic},
    producer::{Batch, produce},
    recorder::Recorder,
};
use history::{Action, Phase};
use kafka_protocol::{
    ResponseError,
    messages::{
        AddPartitionsToTxnRequest, EndTxnRequest, FindCoordinatorRequest, InitProducerIdRequest,
        TransactionalId, add_partitions_to_txn_request::AddPartitionsToTxnTopic,
    },
    protocol::StrBytes,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::Duration,
};
use tokio::{sync::watch, time};

/// Batches of one transaction, at most.
const BATCHES: u64 = 4;
/// Pause between two steps, at most.
const PAUSE_MS: u64 = 60;
/// Of a hundred transactions so many are aborted.
const ABORTED_PERCENT: u64 = 20;

/// `transaction.version` that a producer goes by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rules {
    V1,
    V2,
}

/// A producer with a transactional id.
#[derive(Debug)]
pub struct TransactionalProducer {
    process: u32,
    rules: Rules,
    client: Client,
    recorder: Recorder,
    coordinator: Option<SocketAddr>,
    /// Its producer id and epoch.
    id: (i64, i16),
    sequences: BTreeMap<i32, i32>,
    next_value: u64,
}

/// The transaction can't go on: another epoch is needed.
struct Fenced;

impl TransactionalProducer {
    pub fn new(process: u32, rules: Rules, client: Client, recorder: Recorder) -> Self {
        Self {
            process,
            rules,
            client,
            recorder,
            coordinator: None,
            id: (-1, -1),
            sequences: BTreeMap::new(),
            next_value: u64::from(process) * 1_000_000,
        }
    }

    /// Does transactions until it is told to stop, the last one to its end.
    pub async fn run(mut self, stop: watch::Receiver<bool>) {
        self.init().await;
        while !*stop.borrow() {
            self.tell(Phase::Ok, Action::Begin);
            if self.transaction().await.is_err() {
                self.init().await;
            }
        }
    }

    /// A whole transaction. When it fails, its end is told as far as it is known.
    async fn transaction(&mut self) -> Result<(), Fenced> {
        let mut added = BTreeSet::new();
        for _ in 0..=self.client.randomness.below(BATCHES) {
            let partition = self.client.randomness.below(PARTITIONS as u64) as i32;
            let sent = match self.rules == Rules::V1 && added.insert(partition) {
                true => self.add(partition).await,
                false => Ok(()),
            };
            let sent = match sent {
                Ok(()) => self.send(partition).await,
                Err(fenced) => Err(fenced),
            };
            if sent.is_err() {
                // Nobody asked for its commit: whatever ends it aborts it.
                self.tell(Phase::Ok, Action::Abort);
                return sent;
            }
            let pause = self.client.randomness.below(PAUSE_MS);
            time::sleep(Duration::from_millis(pause)).await;
        }
        let aborts = self.client.randomness.below(100) < ABORTED_PERCENT;
        self.end(if aborts { Action::Abort } else { Action::Commit }).await
    }

    /// Takes the next epoch, which ends a transaction that is still open.
    async fn init(&mut self) {
        let request = InitProducerIdRequest::default()
            .with_transactional_id(Some(self.name()))
            .with_transaction_timeout_ms(30_000);
        loop {
            if let Some(coordinator) = self.coordinator().await
                && let Some(given) = self.client.call(coordinator, 4, &request).await
                && given.error_code == 0
            {
                self.id = (given.producer_id.0, given.producer_epoch);
                self.sequences.clear();
                return;
            }
            self.again().await;
        }
    }

    async fn add(&mut self, partition: i32) -> Result<(), Fenced> {
        let added =
            AddPartitionsToTxnTopic::default().with_name(topic()).with_partitions(vec![partition]);
        let request = AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(self.name())
            .with_v3_and_below_producer_id(self.id.0.into())
            .with_v3_and_below_producer_epoch(self.id.1)
            .with_v3_and_below_topics(vec![added]);
        loop {
            if let Some(coordinator) = self.coordinator().await
                && let Some(told) = self.client.call(coordinator, 3, &request).await
            {
                let told = told.results_by_topic_v3_and_below.first();
                let told = told.and_then(|topic| topic.results_by_partition.first());
                match judge(told.map_or(0, |partition| partition.partition_error_code)) {
                    Verdict::Done => return Ok(()),
                    Verdict::Again => {}
                    Verdict::Fenced => return Err(Fenced),
                }
            }
            self.again().await;
        }
    }

    async fn send(&mut self, partition: i32) -> Result<(), Fenced> {
        let first = self.next_value;
        self.next_value += 1 + self.client.randomness.below(3);
        let values: Vec<_> = (first..self.next_value).collect();
        let sequence = self.sequences.get(&partition).copied().unwrap_or_default();
        let batch = Batch { producer: self.id, sequence, transactional: true, values: &values };
        let request = produce(partition, &batch).with_transactional_id(Some(self.name()));
        let unplaced = values.iter().map(|value| (None, *value)).collect();
        let records = BTreeMap::from([(name(partition), unplaced)]);
        let operation =
            self.recorder.invoke(self.process, Action::Send { records: records.clone() });
        let version = if self.rules == Rules::V1 { 9 } else { 12 };
        loop {
            if let Some((error, offset)) = self.client.produce(partition, version, &request).await {
                match judge(error) {
                    Verdict::Done => {
                        let placed = (offset..).zip(&values);
                        let placed = placed.map(|(offset, value)| (Some(offset), *value)).collect();
                        let records = BTreeMap::from([(name(partition), placed)]);
                        let sent = Action::Send { records };
                        self.recorder.complete(self.process, operation, Phase::Ok, sent);
                        *self.sequences.entry(partition).or_default() += values.len() as i32;
                        return Ok(());
                    }
                    Verdict::Again => {}
                    Verdict::Fenced => {
                        let sent = Action::Send { records };
                        self.recorder.complete(self.process, operation, Phase::Info, sent);
                        return Err(Fenced);
                    }
                }
            }
            self.client.doubt_leader(partition);
            self.client.pause().await;
        }
    }

    async fn end(&mut self, how: Action) -> Result<(), Fenced> {
        let request = EndTxnRequest::default()
            .with_transactional_id(self.name())
            .with_producer_id(self.id.0.into())
            .with_producer_epoch(self.id.1)
            .with_committed(how == Action::Commit);
        let version = if self.rules == Rules::V1 { 3 } else { 5 };
        let operation = self.recorder.invoke(self.process, how.clone());
        loop {
            if let Some(coordinator) = self.coordinator().await
                && let Some(told) = self.client.call(coordinator, version, &request).await
            {
                let (phase, ended) = match judge(told.error_code) {
                    Verdict::Done => {
                        self.take_epoch(told.producer_id.0, told.producer_epoch);
                        (Phase::Ok, Ok(()))
                    }
                    Verdict::Again => {
                        self.again().await;
                        continue;
                    }
                    // An attempt before may have been carried out.
                    Verdict::Fenced => (Phase::Info, Err(Fenced)),
                };
                self.recorder.complete(self.process, operation, phase, how);
                return ended;
            }
            self.again().await;
        }
    }

    /// By version 2 the next transaction has an epoch of its own.
    fn take_epoch(&mut self, id: i64, epoch: i16) {
        if self.rules == Rules::V2 {
            self.id = (id, epoch);
            self.sequences.clear();
        }
    }

    async fn coordinator(&mut self) -> Option<SocketAddr> {
        if self.coordinator.is_none() {
            let keys = vec![self.name().0];
            let request = FindCoordinatorRequest::default().with_key_type(1);
            let told = self.client.call_any(4, &request.with_coordinator_keys(keys)).await?;
            let found = told.coordinators.first().filter(|it| it.error_code == 0)?;
            self.coordinator = format!("{}:{}", &*found.host, found.port).parse().ok();
        }
        self.coordinator
    }

    /// The coordinator may be another by now.
    async fn again(&mut self) {
        self.coordinator = None;
        self.client.pause().await;
    }

    fn name(&self) -> TransactionalId {
        TransactionalId(StrBytes::from_string(format!("transactions-{}", self.process)))
    }

    /// Something that happens at once, in the client alone.
    fn tell(&self, phase: Phase, action: Action) {
        let operation = self.recorder.invoke(self.process, action.clone());
        self.recorder.complete(self.process, operation, phase, action);
    }
}

enum Verdict {
    Done,
    Again,
    Fenced,
}

fn judge(code: i16) -> Verdict {
    use ResponseError::{
        ConcurrentTransactions, InvalidProducerEpoch, InvalidProducerIdMapping, InvalidTxnState,
        ProducerFenced, TransactionAbortable,
    };
    match ResponseError::try_from_code(code) {
        None => Verdict::Done,
        Some(
            InvalidProducerEpoch
            | InvalidProducerIdMapping
            | InvalidTxnState
            | ProducerFenced
            | TransactionAbortable,
        ) => Verdict::Fenced,
        Some(error) if error.is_retriable() || error == ConcurrentTransactions => Verdict::Again,
        Some(error) => panic!("a transactional producer was told {error:?}"),
    }
}
