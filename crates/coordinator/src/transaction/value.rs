//! A transactional id as the journal keeps it, and back.

use super::{TransactionState, TransactionalProducer};
use bytes::Bytes;
use formats::metadata::{self, TransactionState as StoredState, TransactionTopic};
use model::{PartitionId, PartitionIndex, ProducerEpoch, ProducerId, TimestampMs, TopicId};
use std::collections::{BTreeMap, BTreeSet};

/// The value to be stored.
pub(super) fn to_value(known: &TransactionalProducer) -> metadata::TransactionalProducer {
    let mut topics: BTreeMap<TopicId, Vec<u32>> = BTreeMap::new();
    for partition in &known.partitions {
        topics.entry(partition.topic).or_default().push(partition.partition.get());
    }
    let topics = topics.into_iter().map(|(topic, partitions)| TransactionTopic {
        topic: Bytes::copy_from_slice(topic.as_bytes()),
        partitions,
    });
    metadata::TransactionalProducer {
        format: 1,
        producer_id: known.producer.get(),
        producer_epoch: known.epoch.get().into(),
        last_producer_epoch: known.last_epoch.map(|epoch| epoch.get().into()),
        previous_producer_id: known.previous_producer.map(ProducerId::get),
        next_producer_id: known.next_producer.map(ProducerId::get),
        timeout_ms: known.timeout_ms,
        state: stored(known.state).into(),
        topics: topics.collect(),
        started_unix_ms: known.started.map(|time| time.0),
        updated_unix_ms: known.updated.0,
        epoch_is_its_own: known.epoch_is_its_own,
    }
}

/// Reads a value back; `None` when it has impossible values: damage.
pub(super) fn from_value(value: &metadata::TransactionalProducer) -> Option<TransactionalProducer> {
    let last_epoch = value.last_producer_epoch.map(epoch);
    let producer = |id: Option<u64>| id.map(|id| ProducerId::new(id).ok_or(())).transpose().ok();
    Some(TransactionalProducer {
        producer: ProducerId::new(value.producer_id)?,
        epoch: epoch(value.producer_epoch)?,
        last_epoch: match last_epoch {
            Some(None) => return None,
            Some(known) => known,
            None => None,
        },
        previous_producer: producer(value.previous_producer_id)?,
        next_producer: producer(value.next_producer_id)?,
        timeout_ms: value.timeout_ms,
        state: live(StoredState::try_from(value.state).ok()?)?,
        partitions: partitions(&value.topics)?,
        started: value.started_unix_ms.map(TimestampMs),
        updated: TimestampMs(value.updated_unix_ms),
        epoch_is_its_own: value.epoch_is_its_own,
    })
}

fn epoch(epoch: u32) -> Option<ProducerEpoch> {
    ProducerEpoch::new(u16::try_from(epoch).ok()?)
}

fn partitions(topics: &[TransactionTopic]) -> Option<BTreeSet<PartitionId>> {
    let mut partitions = BTreeSet::new();
    for listed in topics {
        let topic = TopicId::from_slice(&listed.topic)?;
        for index in &listed.partitions {
            partitions.insert(PartitionId { topic, partition: PartitionIndex::new(*index)? });
        }
    }
    Some(partitions)
}

fn stored(state: TransactionState) -> StoredState {
    match state {
        TransactionState::Empty => StoredState::Empty,
        TransactionState::Ongoing => StoredState::Ongoing,
        TransactionState::PrepareCommit => StoredState::PrepareCommit,
        TransactionState::PrepareAbort => StoredState::PrepareAbort,
        TransactionState::CompleteCommit => StoredState::CompleteCommit,
        TransactionState::CompleteAbort => StoredState::CompleteAbort,
    }
}

fn live(state: StoredState) -> Option<TransactionState> {
    Some(match state {
        StoredState::Unknown => return None,
        StoredState::Empty => TransactionState::Empty,
        StoredState::Ongoing => TransactionState::Ongoing,
        StoredState::PrepareCommit => TransactionState::PrepareCommit,
        StoredState::PrepareAbort => TransactionState::PrepareAbort,
        StoredState::CompleteCommit => TransactionState::CompleteCommit,
        StoredState::CompleteAbort => TransactionState::CompleteAbort,
    })
}
