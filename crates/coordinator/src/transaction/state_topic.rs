//! The records of `__transaction_state`: where transactional ids stand, for the [slot's own log](crate::SlotLogs).

use super::{TransactionState, TransactionalProducer, slot::TransactionSlot};
use crate::{
    Journal, SlotClaim, SlotRecord, Topics,
    slot_log::{Batch, ToldSlot},
};
use bytes::Bytes;
use formats::transactions_topic::{TransactionKey, TransactionValue};
use model::{PartitionId, TopicId, TopicName};
use std::collections::{BTreeMap, BTreeSet};

impl ToldSlot for TransactionSlot {
    type Subject = String;

    fn claim(&self) -> SlotClaim {
        self.claim
    }

    fn journal(&self) -> &Journal {
        &self.journal
    }

    fn take_unwritten(&self, topics: &dyn Topics, limit: usize) -> Option<Batch<String>> {
        let mut ids = self.ids.lock();
        let ids = &mut *ids;
        let position = self.journal.position();
        let record = |id: &String| record(id, ids.known.get(id), topics);
        Some(ids.unwritten.take_batch(limit, position, record))
    }

    fn put_back(&self, batch: Batch<String>) {
        self.ids.lock().unwritten.put_back(batch);
    }

    fn write_everything(&self) {
        let mut ids = self.ids.lock();
        let ids = &mut *ids;
        ids.unwritten.add_all(ids.known.keys().cloned());
    }
}

/// What is so now; `None` when the format can't say it.
fn record(
    id: &str,
    known: Option<&TransactionalProducer>,
    topics: &dyn Topics,
) -> Option<SlotRecord> {
    let key = TransactionKey(id).encode()?;
    let value = match known {
        Some(known) => Some(value(known, topics)?),
        None => None,
    };
    Some(SlotRecord { key, value })
}

fn value(known: &TransactionalProducer, topics: &dyn Topics) -> Option<Bytes> {
    let named = by_topic(&known.partitions, topics);
    let partitions = named.iter().map(|(name, partitions)| (name.as_str(), partitions.clone()));
    let value = TransactionValue {
        producer: known.producer.to_wire(),
        epoch: known.epoch.to_wire(),
        timeout_ms: i32::try_from(known.timeout_ms).unwrap_or(i32::MAX),
        status: status(known.state),
        partitions: (known.state != TransactionState::Empty).then(|| partitions.collect()),
        updated_unix_ms: known.updated.0,
        started_unix_ms: known.started.map_or(-1, |started| started.0),
    };
    value.encode()
}

/// Partitions by the names of their topics; what was deleted has none.
fn by_topic(partitions: &BTreeSet<PartitionId>, topics: &dyn Topics) -> Vec<(TopicName, Vec<i32>)> {
    let mut by_id: BTreeMap<TopicId, Vec<i32>> = BTreeMap::new();
    for partition in partitions {
        by_id.entry(partition.topic).or_default().push(partition.partition.to_wire());
    }
    by_id.into_iter().filter_map(|(topic, them)| Some((topics.name(topic)?, them))).collect()
}

/// Kafka's number of a state.
const fn status(state: TransactionState) -> i8 {
    match state {
        TransactionState::Empty => 0,
        TransactionState::Ongoing => 1,
        TransactionState::PrepareCommit => 2,
        TransactionState::PrepareAbort => 3,
        TransactionState::CompleteCommit => 4,
        TransactionState::CompleteAbort => 5,
    }
}
