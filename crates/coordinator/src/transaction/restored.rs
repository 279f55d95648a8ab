//! Transactions of a cluster whose metadata was rebuilt: each that went on is decided here, and the coordinator that loads its slot
//! brings it to its end, as it does with whatever its predecessor had decided.

use super::{
    TransactionResult, TransactionState, TransactionalProducer,
    state::raised,
    value::{from_value, to_value},
};
use crate::{SlotKind, slot_of};
use formats::metadata::Topic;
use metadata::{
    MetadataError, MetadataStore, Operation, RangeQuery, Transaction,
    families::{Keys, decode, encode},
};
use model::{PartitionId, ProducerEpoch, ProducerId, TimestampMs};
use std::collections::{BTreeMap, BTreeSet};

/// Puts in one transaction.
const BATCH: usize = 100;

/// How long a transaction of an id that nobody remembers might have taken: it is over.
const TIMEOUT_MS: u32 = 60_000;

/// What logs tell of a producer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoggedProducer {
    /// Who.
    pub producer: ProducerId,
    /// The newest of its epochs.
    pub newest_epoch: ProducerEpoch,
    /// Its open transaction.
    pub open: Option<LoggedTransaction>,
    /// How the first transaction ended of those that ended since the metadata was put down.
    pub first_end: Option<TransactionResult>,
}

/// A transaction that some partitions have not seen the end of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoggedTransaction {
    /// Epoch of its batches.
    pub epoch: ProducerEpoch,
    /// Those partitions.
    pub partitions: BTreeSet<PartitionId>,
    /// Whether it began after the metadata was put down.
    pub is_new: bool,
    /// Whether another partition has its commit marker.
    pub was_committed: bool,
}

/// How transactions are to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Resolved {
    /// To be committed.
    pub committed: u64,
    /// To be aborted.
    pub aborted: u64,
    /// Those among them whose transactional id is not known.
    pub without_id: u64,
}

/// Decides every transaction that metadata or logs show as going on. No broker may use the metadata meanwhile.
///
/// `slots` is how many slots there are unless their topic says so. Doing it again changes nothing more.
///
/// # Errors
/// The store's, or `Damaged`.
pub async fn resolve(
    metadata: &dyn MetadataStore,
    keys: &Keys,
    logged: &[LoggedProducer],
    slots: u32,
    now: TimestampMs,
) -> Result<Resolved, MetadataError> {
    let slots = slots_of(metadata, keys).await?.unwrap_or(slots).max(1);
    let mut logged: BTreeMap<_, _> = logged.iter().map(|it| (it.producer, it)).collect();
    let mut resolved = Resolved::default();
    let (mut operations, mut dropped) = (Vec::new(), BTreeSet::new());
    for entry in metadata.range(RangeQuery::prefix(keys.transactions())).await?.entries {
        let known = from_value(&decode(&entry)?).ok_or_else(|| MetadataError::Damaged {
            key: String::from_utf8_lossy(&entry.key).into_owned(),
            reason: "a field is out of range".to_owned(),
        })?;
        let told = logged.remove(&known.producer);
        if loses_staged_offsets(&known, told) {
            dropped.insert(known.producer);
        }
        if let Some(next) = restored(&known, told, now) {
            resolved.count(&next);
            operations.push(Operation::put(entry.key, encode(to_value(&next))));
        }
    }
    for told in logged.into_values() {
        let Some(next) = without_id(told, now) else { continue };
        let id = format!("recovered-producer-{}", told.producer.get());
        resolved.count(&next);
        resolved.without_id += 1;
        let key = keys.transaction(slot_of(&id, slots), &id);
        operations.push(Operation::put(key, encode(to_value(&next))));
    }
    for entry in metadata.range(RangeQuery::prefix(keys.staged_offsets_of_all())).await?.entries {
        let producer = keys.parse_staged_offsets(&entry.key).map(|(producer, _)| producer);
        if producer.is_some_and(|producer| dropped.contains(&producer)) {
            operations.push(Operation::Delete(entry.key));
        }
    }
    for then in operations.chunks(BATCH) {
        let then = then.to_vec();
        metadata.transact(Transaction { then, ..Transaction::default() }).await?;
    }
    Ok(resolved)
}

impl Resolved {
    fn count(&mut self, next: &TransactionalProducer) {
        match next.state.ending() {
            Some(TransactionResult::Commit) => self.committed += 1,
            Some(TransactionResult::Abort) => self.aborted += 1,
            None => {}
        }
    }
}

/// How many slots the topic of transactions has, if there is one.
async fn slots_of(metadata: &dyn MetadataStore, keys: &Keys) -> Result<Option<u32>, MetadataError> {
    let topics = metadata.range(RangeQuery::prefix(keys.topics())).await?.entries;
    for entry in topics {
        let topic: Topic = decode(&entry)?;
        if topic.name == SlotKind::Transactions.topic() {
            return Ok(Some(topic.partitions));
        }
    }
    Ok(None)
}

/// An id as it is to be from now on; `None`: as it was.
fn restored(
    known: &TransactionalProducer,
    logged: Option<&LoggedProducer>,
    now: TimestampMs,
) -> Option<TransactionalProducer> {
    let newest = logged.map_or(known.epoch, |it| it.newest_epoch.max(known.epoch));
    let open = logged.and_then(|it| it.open.as_ref());
    if let Some(open) = open.filter(|open| is_later(known, open)) {
        // What was staged and where was written before is of an earlier transaction, or of this one: a marker too many ends nothing.
        let partitions = open.partitions.union(&known.partitions).copied().collect();
        let result = result_of(open.was_committed);
        return Some(decided(known, result, newest, partitions, now));
    }
    let mut partitions = known.partitions.clone();
    partitions.extend(open.into_iter().flat_map(|it| &it.partitions));
    match known.state {
        TransactionState::Ongoing => {
            let first_end = logged.and_then(|it| it.first_end);
            let committed = first_end == Some(TransactionResult::Commit)
                || open.is_some_and(|open| open.was_committed);
            Some(decided(known, result_of(committed), newest, partitions, now))
        }
        // Decided before. If it is over by now, its producer went on in later epochs, which the marker must not lie below.
        TransactionState::PrepareCommit | TransactionState::PrepareAbort => {
            let epoch_is_its_own = known.epoch_is_its_own || newest > known.epoch;
            Some(TransactionalProducer {
                epoch: newest,
                partitions,
                epoch_is_its_own,
                ..known.clone()
            })
        }
        _ if newest > known.epoch => {
            Some(TransactionalProducer { epoch: newest, last_epoch: None, ..known.clone() })
        }
        _ => None,
    }
}

/// Whether the open transaction began after the one that is known: that one is over then.
fn is_later(known: &TransactionalProducer, open: &LoggedTransaction) -> bool {
    let raised_since = known.epoch_is_its_own && raised(open.epoch) == known.epoch;
    open.is_new && !(known.state.ending().is_some() && raised_since)
}

/// Whether offsets that were staged for the known transaction are not to be committed: it was aborted, and a later one is committed.
fn loses_staged_offsets(known: &TransactionalProducer, logged: Option<&LoggedProducer>) -> bool {
    logged.is_some_and(|it| {
        let later = it.open.as_ref().is_some_and(|open| is_later(known, open));
        later && it.first_end == Some(TransactionResult::Abort)
    })
}

/// The record of a producer whose transactional id nobody remembers, if it has an open transaction.
fn without_id(logged: &LoggedProducer, now: TimestampMs) -> Option<TransactionalProducer> {
    let open = logged.open.as_ref()?;
    let new = TransactionalProducer::new(logged.producer, TIMEOUT_MS, now);
    let result = result_of(open.was_committed);
    Some(decided(&new, result, logged.newest_epoch, open.partitions.clone(), now))
}

/// The transaction is to end so, and whoever wrote it is fenced.
fn decided(
    known: &TransactionalProducer,
    result: TransactionResult,
    newest: ProducerEpoch,
    partitions: BTreeSet<PartitionId>,
    now: TimestampMs,
) -> TransactionalProducer {
    TransactionalProducer {
        epoch: raised(newest),
        last_epoch: None,
        next_producer: None,
        state: TransactionState::preparing(result),
        partitions,
        started: known.started.or(Some(now)),
        updated: now,
        epoch_is_its_own: true,
        ..known.clone()
    }
}

fn result_of(committed: bool) -> TransactionResult {
    if committed { TransactionResult::Commit } else { TransactionResult::Abort }
}

#[cfg(test)]
mod tests;
