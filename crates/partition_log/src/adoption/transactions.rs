//! What became of transactions, as far as segments tell. Pure.
//!
//! A transaction that was being ended is told by a commit marker that some partition has, and others lack: then it was decided. A
//! producer begins its next transaction only when all markers of the last one are stored, so at most one is undecided.

use super::choice::{Attached, CommitId, Segment};
use formats::{record_batch::TransactionResult, segment::BatchEntry};
use model::{PartitionId, ProducerEpoch, ProducerId};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A transactional batch, or the end of a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Step {
    pub(super) producer: ProducerId,
    pub(super) epoch: ProducerEpoch,
    /// How a transaction ended; `None`: it wrote something.
    pub(super) end: Option<TransactionResult>,
}

/// What segments tell of a producer with transactions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TracedProducer {
    /// Who.
    pub producer: ProducerId,
    /// The newest of its epochs that was found.
    pub newest_epoch: ProducerEpoch,
    /// Its open transaction.
    pub open: Option<OpenTransaction>,
    /// How the first transaction ended of those that ended behind what metadata knew.
    pub first_end: Option<TransactionResult>,
}

/// A transaction that has no end in some partitions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenTransaction {
    /// Epoch of its batches.
    pub epoch: ProducerEpoch,
    /// Where it has no end.
    pub partitions: BTreeSet<PartitionId>,
    /// Whether metadata knew nothing of it that was in the bucket.
    pub is_new: bool,
    /// Whether another partition has its commit marker.
    pub was_committed: bool,
}

/// Where a transaction began.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Begun {
    /// In what metadata knew.
    Before,
    In(CommitId),
}

#[derive(Clone, Copy, Debug)]
struct Open {
    epoch: ProducerEpoch,
    begun: Begun,
}

/// A marker that was found.
#[derive(Clone, Copy, Debug)]
struct End {
    epoch: ProducerEpoch,
    result: TransactionResult,
    /// Epoch of the transaction that it ended; `None`: nothing of it is in that partition.
    of: Option<ProducerEpoch>,
    commit: CommitId,
}

#[derive(Debug, Default)]
struct Found {
    newest_epoch: Option<ProducerEpoch>,
    open: Vec<(PartitionId, Open)>,
    ends: Vec<End>,
}

/// The steps among these batches; a row of batches of one transaction is one.
pub(super) fn steps(batches: &[BatchEntry]) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut last: HashMap<ProducerId, Step> = HashMap::new();
    for batch in batches.iter().filter(|it| it.transactional) {
        let Some(producer) = batch.producer else { continue };
        let end = batch.marker.map(|marker| marker.result);
        if batch.control && end.is_none() {
            continue;
        }
        let step = Step { producer: producer.id, epoch: producer.epoch, end };
        if last.insert(producer.id, step) != Some(step) {
            steps.push(step);
        }
    }
    steps
}

/// Follows transactions through what was attached, from those on that were `open` before.
pub(super) fn trace(
    segments: &BTreeMap<CommitId, Segment>,
    attached: &HashMap<PartitionId, Vec<Attached>>,
    open: &HashMap<PartitionId, Vec<(ProducerId, ProducerEpoch)>>,
) -> Vec<TracedProducer> {
    let mut found: BTreeMap<ProducerId, Found> = BTreeMap::new();
    for (&partition, attached) in attached {
        let before = open.get(&partition).into_iter().flatten();
        let before = before.map(|&(id, epoch)| (id, Open { epoch, begun: Begun::Before }));
        let mut open: BTreeMap<_, _> = before.collect();
        for it in attached {
            let slices = segments.get(&it.commit).into_iter().flat_map(|it| &it.slices);
            for step in slices.filter(|it| it.partition == partition).flat_map(|it| &it.steps) {
                follow(*step, it.commit, &mut open, found.entry(step.producer).or_default());
            }
        }
        for (producer, open) in open {
            let found = found.entry(producer).or_default();
            found.newest_epoch = found.newest_epoch.max(Some(open.epoch));
            found.open.push((partition, open));
        }
    }
    found.iter().filter_map(|(producer, found)| traced(segments, *producer, found)).collect()
}

fn follow(step: Step, commit: CommitId, open: &mut BTreeMap<ProducerId, Open>, found: &mut Found) {
    let Step { producer, epoch, end } = step;
    found.newest_epoch = found.newest_epoch.max(Some(epoch));
    if let Some(result) = end {
        let of = open.remove(&producer).map(|it| it.epoch);
        found.ends.push(End { epoch, result, of, commit });
    } else {
        let begun = Begun::In(commit);
        open.entry(producer).or_insert(Open { epoch, begun }).epoch = epoch;
    }
}

fn traced(
    segments: &BTreeMap<CommitId, Segment>,
    producer: ProducerId,
    found: &Found,
) -> Option<TracedProducer> {
    let newest_epoch = found.newest_epoch?;
    let epoch = found.open.iter().map(|(_, open)| open.epoch).max();
    let open = epoch.map(|epoch| {
        let opened = found.open.iter().filter(|(_, open)| open.epoch == epoch);
        let opened: Vec<_> = opened.map(|(_, open)| *open).collect();
        let decides = |end: &End| opened.iter().any(|open| was_ended(segments, end, open));
        let commits = || found.ends.iter().filter(|it| it.result == TransactionResult::Commit);
        OpenTransaction {
            epoch,
            partitions: found.open.iter().map(|(partition, _)| *partition).collect(),
            is_new: opened.iter().any(|open| open.begun != Begun::Before),
            was_committed: commits().any(decides),
        }
    });
    let order = |end: &&End| (end.epoch, age(segments, end.commit), end.commit.1);
    let first_end = found.ends.iter().min_by_key(order).map(|end| end.result);
    Some(TracedProducer { producer, newest_epoch, open, first_end })
}

/// Whether the marker ends the very transaction that is open elsewhere. By the rules of version 2 a marker has the epoch after the
/// transaction's, and decides for that one alone. By those of version 1 it has the same, as had the transactions before.
fn was_ended(segments: &BTreeMap<CommitId, Segment>, end: &End, open: &Open) -> bool {
    if end.of.is_some_and(|of| of != open.epoch) {
        return false;
    }
    end.epoch.get() == open.epoch.get() + 1
        || end.epoch == open.epoch && precedes(segments, open.begun, end.commit)
}

/// Whether the transaction began before the marker was written: its batch was stored before it was ended, and the batch of the next
/// one is only sent when the marker is stored. Sessions number their segments; those of two sessions are compared by their time in
/// the object store. Where neither tells, it began later: most of the time a transaction goes on, and few are being ended.
fn precedes(segments: &BTreeMap<CommitId, Segment>, begun: Begun, marker: CommitId) -> bool {
    match begun {
        Begun::Before => true,
        Begun::In((session, seq)) if session == marker.0 => seq < marker.1,
        Begun::In(commit) => age(segments, commit) < age(segments, marker),
    }
}

fn age(segments: &BTreeMap<CommitId, Segment>, commit: CommitId) -> i64 {
    segments.get(&commit).map_or(0, |segment| segment.age.1)
}

#[cfg(test)]
mod tests;
