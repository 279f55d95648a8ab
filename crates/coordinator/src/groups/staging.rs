//! Offsets that transactions commit: staged under their producer until the transaction ends (KIP-98, KIP-447).
//!
//! What is staged is in the journal, one value for each producer and group, so that it outlives this coordinator as the
//! transaction does. When the transaction is committed, its offsets become commits like any other, in the same
//! transaction of the journal that drops what was staged.

use super::{
    Groups,
    offsets::{OffsetCommit, Pieces, bytes_of},
    offsets_topic::Subject,
    slot::{GroupSlot, SlotState},
};
use crate::{
    GroupError, SlotError,
    group::{CommittedOffset, Committer, Group, GroupId, Now, offsets::Chunk},
    journal::{Position, Submission},
    transaction::{Marked, TransactionResult},
};
use bytes::Bytes;
use formats::metadata::{StagedOffsets, TopicOffsets};
use metadata::{Operation, families::encode};
use model::{PartitionId, ProducerEpoch, ProducerId, TopicId};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// Bytes that a transaction may stage for one group: they are committed in one transaction of the journal.
const STAGED_MAX_BYTES: usize = 128 << 10;

/// Ends of transactions that are remembered; a question from before the oldest is void.
const ENDS_KEPT: usize = 1_024;

/// When a transaction was asked about: what is staged on the answer counts only if it did not end since.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StagingQuestion(u64);

/// Everything that is staged in a slot.
#[derive(Debug, Default)]
pub(super) struct Staging {
    producers: HashMap<ProducerId, BTreeMap<GroupId, Staged>>,
    /// Whose transactions ended, with the epoch of an end that bears one of its own; the newest last.
    ended: VecDeque<(ProducerId, Option<ProducerEpoch>)>,
    ends: u64,
}

/// What a transaction commits for a group.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Staged {
    offsets: BTreeMap<(TopicId, u32), CommittedOffset>,
}

/// What was dropped of that which a producer's transaction stages for a group.
struct Dropped {
    producer: ProducerId,
    partitions: Vec<(TopicId, u32)>,
    left: Staged,
}

impl Staging {
    fn question(&self) -> StagingQuestion {
        StagingQuestion(self.ends)
    }

    fn ended_since(&self, producer: ProducerId, question: StagingQuestion) -> bool {
        let since = usize::try_from(self.ends - question.0).unwrap_or(usize::MAX);
        since > ENDS_KEPT
            || self.ended.iter().rev().take(since).any(|(ended, _)| *ended == producer)
    }

    /// Takes out what a producer's transaction staged. A late copy of an end that bears an epoch of its own finds nothing: what is
    /// staged by then belongs to the next transaction.
    fn end(
        &mut self,
        producer: ProducerId,
        own_epoch: Option<ProducerEpoch>,
    ) -> BTreeMap<GroupId, Staged> {
        let end = (producer, own_epoch);
        if own_epoch.is_some() && self.ended.contains(&end) {
            return BTreeMap::new();
        }
        self.ends += 1;
        self.ended.push_back(end);
        if self.ended.len() > ENDS_KEPT {
            self.ended.pop_front();
        }
        self.producers.remove(&producer).unwrap_or_default()
    }

    /// When the newest offset was staged that a transaction holds of the partition.
    pub(super) fn newest_unix_ms(
        &self,
        group: &GroupId,
        topic: TopicId,
        partition: u32,
    ) -> Option<i64> {
        let staged = self.producers.values().filter_map(|groups| groups.get(group));
        let offsets = staged.filter_map(|it| it.offsets.get(&(topic, partition)));
        offsets.map(|offset| offset.committed_unix_ms).max()
    }

    /// Drops partitions of what is staged for a group.
    fn drop_of(
        &mut self,
        group: &GroupId,
        is_dropped: &dyn Fn(TopicId, u32) -> bool,
    ) -> Vec<Dropped> {
        let mut changed = Vec::new();
        for (producer, groups) in &mut self.producers {
            let Some(staged) = groups.get_mut(group) else { continue };
            let partitions = staged.offsets.keys().filter(|(topic, it)| is_dropped(*topic, *it));
            let partitions = partitions.copied().collect();
            staged.offsets.retain(|(topic, partition), _| !is_dropped(*topic, *partition));
            changed.push(Dropped { producer: *producer, partitions, left: staged.clone() });
            if staged.offsets.is_empty() {
                groups.remove(group);
            }
        }
        self.producers.retain(|_, groups| !groups.is_empty());
        changed
    }

    /// Takes in what was stored; answers the partitions that it holds.
    pub(super) fn load(
        &mut self,
        producer: ProducerId,
        group: &GroupId,
        stored: StagedOffsets,
    ) -> Vec<(TopicId, u32)> {
        let staged = self.producers.entry(producer).or_default().entry(group.clone()).or_default();
        for topic in stored.topics {
            let Some(id) = TopicId::from_slice(&topic.topic) else { continue };
            for record in topic.offsets {
                let partition = record.partition;
                if let Some(offset) = CommittedOffset::from_record(record) {
                    staged.offsets.insert((id, partition), offset);
                }
            }
        }
        staged.offsets.keys().copied().collect()
    }
}

impl Staged {
    fn bytes(&self) -> usize {
        self.offsets.values().map(bytes_of).sum()
    }

    fn record(&self) -> StagedOffsets {
        let mut topics: Vec<TopicOffsets> = Vec::new();
        for ((topic, partition), offset) in &self.offsets {
            let record = offset.record(*partition);
            match topics.last_mut().filter(|last| last.topic.as_ref() == topic.as_bytes()) {
                Some(last) => last.offsets.push(record),
                None => topics.push(TopicOffsets {
                    topic: Bytes::copy_from_slice(topic.as_bytes()),
                    offsets: vec![record],
                    deleted: Vec::new(),
                }),
            }
        }
        StagedOffsets { format: 1, topics }
    }
}

impl Groups {
    /// To be taken before it is asked whether a transaction goes on; see [`Groups::stage`].
    ///
    /// # Errors
    /// `Slot`.
    pub fn staging_question(&self, slot: u32) -> Result<StagingQuestion, GroupError> {
        Ok(self.slot(slot)?.open_state()?.staging.question())
    }

    /// Stages offsets that the producer's transaction commits, on return; the future ends when they are stored. The
    /// transaction was known to go on after the question was taken.
    ///
    /// # Errors
    /// Those of a commit; `TransactionEnded` when it ended since, `TooLarge`.
    pub fn stage(
        &self,
        slot: u32,
        group: &str,
        by: Committer<'_>,
        (producer, question): (ProducerId, StagingQuestion),
        commits: Vec<OffsetCommit>,
    ) -> Result<impl Future<Output = Result<(), GroupError>> + Send + use<>, GroupError> {
        let slot = self.slot(slot)?;
        let position = slot.stage(group, by, (producer, question), commits, self.now())?;
        Ok(self.stored(&slot, position, ()))
    }

    /// Whether this broker coordinates a slot, or is about to.
    pub(crate) fn coordinates(&self, slot: u32) -> bool {
        !matches!(self.slot(slot), Err(GroupError::Slot(SlotError::NotCoordinator)))
    }

    /// Commits or drops what a producer's transaction staged in a slot. `own_epoch` is the epoch of the end when no other end
    /// bears it: then a late copy changes nothing.
    pub async fn end_transaction(
        &self,
        partition: PartitionId,
        producer: ProducerId,
        own_epoch: Option<ProducerEpoch>,
        result: TransactionResult,
    ) -> Marked {
        let ended = self.slot(partition.partition.get()).and_then(|slot| {
            let position = slot.end_transaction((producer, own_epoch), result, self.now())?;
            Ok((slot, position))
        });
        match ended {
            Ok((slot, position)) => match slot.journal().settled(position).await {
                Ok(()) => Marked::Written,
                Err(error) => Marked::Failed(error.to_string()),
            },
            Err(error) => Marked::Failed(error.to_string()),
        }
    }
}

impl GroupSlot {
    fn stage(
        &self,
        id: &str,
        by: Committer<'_>,
        (producer, question): (ProducerId, StagingQuestion),
        commits: Vec<OffsetCommit>,
        now: Now,
    ) -> Result<Position, GroupError> {
        let mut state = self.open_state()?;
        let state = &mut *state;
        if state.staging.ended_since(producer, question) {
            return Err(GroupError::TransactionEnded);
        }
        if by.from.generation >= 0 && !state.groups.contains_key(id) {
            return Err(GroupError::IllegalGeneration);
        }
        let id: GroupId = id.into();
        let group = state.groups.entry(id.clone()).or_insert_with(|| Group::new(id.clone(), now));
        let checked = group.check_commit(by, now).and_then(|()| {
            let held = state.staging.producers.get(&producer).and_then(|it| it.get(&id));
            let newer_than = |topic, partition| {
                let committed = group.offsets().get(topic, partition);
                let staged = state.staging.newest_unix_ms(&id, topic, partition);
                committed.map(|it| it.committed_unix_ms).max(staged)
            };
            let staged = with(held.cloned().unwrap_or_default(), commits, &newer_than);
            if staged.bytes() > STAGED_MAX_BYTES { Err(GroupError::TooLarge) } else { Ok(staged) }
        });
        let staged = match checked {
            Ok(staged) => staged,
            Err(error) => {
                forget_if_nothing(state, &id);
                return Err(error);
            }
        };
        let held = state.staging.producers.entry(producer).or_default();
        let held = held.entry(id.clone()).or_default();
        for (topic, partition) in staged.offsets.keys() {
            if !held.offsets.contains_key(&(*topic, *partition)) {
                group.offsets_mut().hold(*topic, *partition);
            }
        }
        *held = staged;
        let key = self.keys.staged_offsets(self.index, producer, &id);
        let put = Operation::put(key, encode(held.record()));
        Ok(self.submit(state, Submission { operations: vec![put], ..Submission::default() }))
    }

    /// Drops what transactions staged of a group's partitions: they are deleted, and a commit must not bring them back.
    pub(super) fn drop_staged(
        &self,
        state: &mut SlotState,
        id: &GroupId,
        is_dropped: &dyn Fn(TopicId, u32) -> bool,
    ) {
        for Dropped { producer, partitions, left } in state.staging.drop_of(id, is_dropped) {
            if let Some(group) = state.groups.get_mut(id) {
                for (topic, partition) in partitions {
                    group.offsets_mut().let_go(topic, partition);
                }
            }
            let key = self.keys.staged_offsets(self.index, producer, id);
            let operation = match left.offsets.is_empty() {
                true => Operation::Delete(key),
                false => Operation::put(key, encode(left.record())),
            };
            self.submit(state, Submission { operations: vec![operation], ..Submission::default() });
        }
    }

    fn end_transaction(
        &self,
        (producer, own_epoch): (ProducerId, Option<ProducerEpoch>),
        result: TransactionResult,
        now: Now,
    ) -> Result<Position, GroupError> {
        let mut state = self.open_state()?;
        let state = &mut *state;
        for (id, staged) in state.staging.end(producer, own_epoch) {
            self.settle(state, &id, producer, (staged, result), now);
        }
        Ok(state.last)
    }

    fn settle(
        &self,
        state: &mut SlotState,
        id: &GroupId,
        producer: ProducerId,
        (staged, result): (Staged, TransactionResult),
        now: Now,
    ) {
        let group = state.groups.entry(id.clone()).or_insert_with(|| Group::new(id.clone(), now));
        let (mut pieces, mut chunks) = (Pieces::new(id), Vec::new());
        for ((topic, partition), offset) in staged.offsets {
            let offsets = group.offsets_mut();
            offsets.let_go(topic, partition);
            // What was committed after it was staged counts more (as in Kafka).
            let is_newest = offsets
                .get(topic, partition)
                .is_none_or(|known| known.committed_unix_ms <= offset.committed_unix_ms);
            if result == TransactionResult::Commit && is_newest {
                chunks.push(Chunk::of(topic, partition));
                state.unwritten.add(Subject::Offset(id.clone(), topic, partition));
                pieces.set(topic, offset.record(partition));
                offsets.set(topic, partition, offset);
            }
        }
        let key = self.keys.staged_offsets(self.index, producer, id);
        let appends = pieces.take().map(|commit| self.append(commit)).collect();
        let operations = vec![Operation::Delete(key)];
        self.submit(state, Submission { operations, appends, trims: Vec::new() });
        self.append_changes(state, id, pieces, chunks, now);
        forget_if_nothing(state, id);
    }
}

/// Adds offsets, each later than what was committed or staged of its partition before: the latest counts in the end.
fn with(
    mut staged: Staged,
    commits: Vec<OffsetCommit>,
    newest_unix_ms: &dyn Fn(TopicId, u32) -> Option<i64>,
) -> Staged {
    for OffsetCommit { topic, partitions } in commits {
        for (partition, mut offset) in partitions {
            offset.be_after(newest_unix_ms(topic, partition));
            staged.offsets.insert((topic, partition), offset);
        }
    }
    staged
}

fn forget_if_nothing(state: &mut SlotState, id: &GroupId) {
    if state.groups.get(id).is_some_and(|it| it.is_forgettable() && !it.has_record()) {
        state.groups.remove(id);
    }
}
