//! The records of `__consumer_offsets`: what groups and offsets are, told to the slot's own partition after the journal has it.
//!
//! They are derived, and never read back: no answer waits for them, a crash may lose some, and the next owner writes
//! everything again. Changes are written once a second at most, each subject once, within a budget. What grew too long is
//! written anew from its end, and what lies before is deleted, until compaction does that. ADR 13 says why.

use super::{
    Groups,
    slot::{GroupSlot, SlotState},
    unwritten::Subject,
};
use crate::{
    GroupError, SlotClaim,
    group::{CommittedOffset, Group, GroupId, GroupState, GroupType},
    journal::Position,
    slot_log::{SlotLogError, SlotRecord},
};
use bytes::Bytes;
use formats::{
    metadata::{Group as GroupRecord, GroupMember},
    offsets_topic::{GroupKey, GroupValue, MemberValue, OffsetKey, OffsetValue},
};
use model::{LeaderEpoch, Offset, TopicId, TopicName};
use runtime::Shutdown;
use std::{collections::HashMap, sync::Arc, time::Duration};

/// Changes gather for so long.
const PAUSE: Duration = Duration::from_secs(1);

/// Bytes that all slots write after one pause.
const ROUND_BYTES: usize = 4 << 20;

/// Bytes of one batch.
const BATCH_BYTES: usize = 256 << 10;

/// A log this long, and four times as long as what there is to tell, is written anew.
const LONG_BYTES: u64 = 8 << 20;

/// A log shorter than this keeps what lies before.
const SHORT_BYTES: u64 = 1 << 20;

/// How far a slot's log is.
#[derive(Debug)]
struct Progress {
    claim: SlotClaim,
    /// Names of the topics that were written: a topic that is gone has none any more.
    names: HashMap<TopicId, TopicName>,
    /// Where everything that is being written again begins.
    rewritten_from: Option<Offset>,
    /// Bytes of everything, when it was written last.
    rewritten_bytes: u64,
    /// What lies before this is to be deleted.
    delete_before: Option<Offset>,
}

/// What is written next.
#[derive(Debug)]
struct Taken {
    subjects: Vec<Subject>,
    records: Vec<SlotRecord>,
    bytes: usize,
    /// The journal has it from here on.
    position: Position,
    was_rewriting: bool,
    is_rewriting: bool,
}

/// Writes for as long as the broker runs. Without changes it does nothing.
pub(super) async fn write_for_ever(groups: Groups, shutdown: Shutdown) {
    let mut progress: HashMap<u32, Progress> = HashMap::new();
    let mut round = 0;
    loop {
        tokio::select! {
            () = shutdown.requested() => return,
            () = groups.shared.unwritten.notified() => {}
        }
        tokio::select! {
            () = shutdown.requested() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
        let (mut slots, _) = groups.shared.slots.all();
        // Another one is first each time: the budget may not suffice for all.
        round += 1;
        let first = round % slots.len().max(1);
        slots.rotate_left(first);
        progress.retain(|index, _| slots.iter().any(|slot| slot.index == *index));
        let mut budget = ROUND_BYTES;
        let mut unfinished = false;
        for slot in slots {
            let known = progress.entry(slot.index).or_insert_with(|| Progress::new(slot.claim));
            if known.claim != slot.claim {
                *known = Progress::new(slot.claim);
            }
            unfinished |= known.write(&groups, &slot, &mut budget).await;
        }
        if unfinished {
            groups.shared.unwritten.notify_one();
        }
    }
}

impl Progress {
    fn new(claim: SlotClaim) -> Self {
        Self {
            claim,
            names: HashMap::new(),
            rewritten_from: None,
            rewritten_bytes: 0,
            delete_before: None,
        }
    }

    /// Writes what is there, while the budget lasts; whether something is left.
    async fn write(&mut self, groups: &Groups, slot: &Arc<GroupSlot>, budget: &mut usize) -> bool {
        let parts = &groups.shared.parts;
        loop {
            if *budget == 0 {
                return true;
            }
            let name = |topic| parts.topics.name(topic);
            let limit = BATCH_BYTES.min(*budget);
            let Ok(taken) = slot.take_unwritten(&mut self.names, &name, limit) else {
                return false;
            };
            if taken.subjects.is_empty() {
                break;
            }
            // Nothing is told that could be lost; with the session this slot is over.
            if slot.journal().settled(taken.position).await.is_err() {
                return false;
            }
            *budget = budget.saturating_sub(taken.bytes);
            if !self.append(groups, slot, taken) {
                return true;
            }
        }
        let is_rewriting = self.rewritten_from.is_some() || self.delete_before.is_some();
        let long = LONG_BYTES.max(4 * self.rewritten_bytes);
        if !is_rewriting && parts.slot_logs.size_bytes(self.claim) > long {
            slot.write_everything();
        }
        self.delete(groups).await
    }

    /// Appends; `false` when it is to be tried again.
    fn append(&mut self, groups: &Groups, slot: &GroupSlot, taken: Taken) -> bool {
        let logs = &groups.shared.parts.slot_logs;
        if !taken.records.is_empty() {
            match logs.append(self.claim, &taken.records) {
                Ok(first) if taken.was_rewriting => {
                    self.begin_rewriting(first);
                    self.rewritten_bytes += taken.bytes as u64;
                }
                Ok(_) => {}
                Err(SlotLogError::NotNow(_)) => {
                    slot.put_back(taken.subjects, taken.was_rewriting);
                    return false;
                }
                Err(error @ SlotLogError::Refused(_)) => {
                    tracing::warn!(slot = slot.index, %error, "records of groups are left out of their topic");
                }
            }
            metrics::counter!("alluvium_offsets_topic_records_total")
                .increment(taken.records.len() as u64);
        }
        if !taken.is_rewriting
            && let Some(first) = self.rewritten_from.take()
            && logs.size_bytes(self.claim) > SHORT_BYTES.max(2 * self.rewritten_bytes)
        {
            self.delete_before = Some(first);
        }
        true
    }

    fn begin_rewriting(&mut self, first: Offset) {
        if self.rewritten_from.is_none() {
            self.rewritten_from = Some(first);
            self.rewritten_bytes = 0;
        }
    }

    /// Deletes what was written again; whether it is to be tried once more.
    async fn delete(&mut self, groups: &Groups) -> bool {
        let Some(offset) = self.delete_before else { return false };
        match groups.shared.parts.slot_logs.delete_before(self.claim, offset).await {
            Err(SlotLogError::NotNow(_)) => return true,
            Err(error @ SlotLogError::Refused(_)) => {
                tracing::warn!(%error, "the beginning of a log of groups stays");
            }
            Ok(()) => {}
        }
        self.delete_before = None;
        false
    }
}

impl GroupSlot {
    /// Takes up to `limit` bytes of what is to be written.
    fn take_unwritten(
        &self,
        names: &mut HashMap<TopicId, TopicName>,
        name: &dyn Fn(TopicId) -> Option<TopicName>,
        limit: usize,
    ) -> Result<Taken, GroupError> {
        let mut state = self.open_state()?;
        let mut taken = Taken {
            subjects: Vec::new(),
            records: Vec::new(),
            bytes: 0,
            position: state.last,
            was_rewriting: state.unwritten.is_rewriting(),
            is_rewriting: false,
        };
        while taken.bytes < limit
            && let Some(subject) = state.unwritten.take()
        {
            if let Subject::Offset(_, topic, _) = &subject
                && let Some(known) = name(*topic)
            {
                names.insert(*topic, known);
            }
            let record = record(&state, &subject, names);
            taken.bytes += record.as_ref().map_or(0, SlotRecord::bytes);
            taken.records.extend(record);
            taken.subjects.push(subject);
            if taken.was_rewriting && !state.unwritten.is_rewriting() {
                break;
            }
        }
        taken.is_rewriting = state.unwritten.is_rewriting();
        Ok(taken)
    }

    fn put_back(&self, subjects: Vec<Subject>, were_rewritten: bool) {
        let Ok(mut state) = self.open_state() else { return };
        if were_rewritten {
            state.unwritten.add_all(subjects);
            return;
        }
        for subject in subjects {
            state.unwritten.add(subject);
        }
    }

    /// Everything is to be written again.
    pub(super) fn write_everything(&self) {
        let Ok(mut state) = self.open_state() else { return };
        let state = &mut *state;
        state.unwritten.add_all(state.groups.values().flat_map(subjects));
    }
}

/// Everything that there is to tell of a group.
pub(super) fn subjects(group: &Group) -> impl Iterator<Item = Subject> + '_ {
    let offsets = group.offsets().iter();
    let offsets =
        offsets.map(|(topic, partition, _)| Subject::Offset(group.id().clone(), topic, partition));
    let told = group.has_record() && is_classic(group);
    told.then(|| Subject::Group(group.id().clone())).into_iter().chain(offsets)
}

/// What is so now; `None` when there is nothing to tell, or the format can't.
fn record(
    state: &SlotState,
    subject: &Subject,
    names: &HashMap<TopicId, TopicName>,
) -> Option<SlotRecord> {
    match subject {
        Subject::Group(id) => group_record(id, state.groups.get(id)),
        Subject::Offset(id, topic, partition) => {
            let offset =
                state.groups.get(id).and_then(|group| group.offsets().get(*topic, *partition));
            offset_record((id, names.get(topic)?.as_str(), *partition), offset)
        }
    }
}

fn offset_record(
    (group, topic, partition): (&GroupId, &str, u32),
    offset: Option<&CommittedOffset>,
) -> Option<SlotRecord> {
    let partition = i32::try_from(partition).ok()?;
    let key = OffsetKey { group, topic, partition }.encode()?;
    let value = match offset {
        Some(offset) => Some(offset_value(offset)?),
        None => None,
    };
    Some(SlotRecord { key, value })
}

fn offset_value(offset: &CommittedOffset) -> Option<Bytes> {
    let value = OffsetValue {
        offset: offset.offset.to_wire(),
        leader_epoch: offset.leader_epoch.map_or(-1, LeaderEpoch::to_wire),
        metadata: &offset.metadata,
        committed_unix_ms: offset.committed_unix_ms,
    };
    value.encode()
}

fn group_record(id: &GroupId, group: Option<&Group>) -> Option<SlotRecord> {
    let key = GroupKey(id).encode()?;
    // Groups of the consumer protocol have records of other kinds in Kafka, which no tool is known to read.
    let Some(group) = group.filter(|group| is_classic(group)) else {
        return Some(SlotRecord { key, value: None });
    };
    // Between two generations there is nothing that was stored; its end is told.
    let at_rest = matches!(group.listing().state, GroupState::Empty | GroupState::Stable);
    if !at_rest || !group.has_record() {
        return None;
    }
    Some(SlotRecord { key, value: Some(group_value(&group.record())?) })
}

fn is_classic(group: &Group) -> bool {
    group.listing().group_type == GroupType::Classic
}

fn group_value(record: &GroupRecord) -> Option<Bytes> {
    let protocol = record.protocol_name.as_deref();
    let value = GroupValue {
        protocol_type: &record.protocol_type,
        generation: i32::try_from(record.generation).ok()?,
        protocol,
        leader: record.leader.as_deref(),
        since_unix_ms: record.state_since_unix_ms,
        members: record.members.iter().map(|it| member_value(it, protocol)).collect(),
    };
    value.encode()
}

fn member_value<'a>(member: &'a GroupMember, protocol: Option<&str>) -> MemberValue<'a> {
    let milliseconds = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
    let chosen = member.protocols.iter().find(|it| Some(it.name.as_str()) == protocol);
    MemberValue {
        id: &member.id,
        instance: member.instance_id.as_deref(),
        client_id: &member.client_id,
        client_host: &member.client_host,
        rebalance_timeout_ms: milliseconds(member.rebalance_timeout_ms),
        session_timeout_ms: milliseconds(member.session_timeout_ms),
        subscription: chosen.map_or(&[], |protocol| &protocol.metadata),
        assignment: &member.assignment,
    }
}
