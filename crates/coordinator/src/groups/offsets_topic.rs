//! The records of `__consumer_offsets`: what groups and offsets are, for the [slot's own log](crate::SlotLogs).

use super::slot::{GroupSlot, SlotState};
use crate::{
    Journal, SlotClaim, SlotRecord, Topics,
    group::{CommittedOffset, Group, GroupId, GroupState, GroupType},
    slot_log::{Batch, ToldSlot},
};
use bytes::Bytes;
use formats::{
    metadata::{Group as GroupRecord, GroupMember},
    offsets_topic::{GroupKey, GroupValue, MemberValue, OffsetKey, OffsetValue},
};
use model::{LeaderEpoch, TopicId, TopicName};
use std::collections::HashMap;

/// What a record is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Subject {
    Group(GroupId),
    Offset(GroupId, TopicId, u32),
}

impl ToldSlot for GroupSlot {
    type Subject = Subject;

    fn claim(&self) -> SlotClaim {
        self.claim
    }

    fn journal(&self) -> &Journal {
        self.journal()
    }

    fn take_unwritten(&self, topics: &dyn Topics, limit: usize) -> Option<Batch<Subject>> {
        let mut state = self.open_state().ok()?;
        let SlotState { unwritten, told_names, groups, last, .. } = &mut *state;
        Some(unwritten.take_batch(limit, *last, |subject| {
            if let Subject::Offset(_, topic, _) = subject
                && let Some(name) = topics.name(*topic)
            {
                told_names.insert(*topic, name);
            }
            record(groups, subject, told_names)
        }))
    }

    fn put_back(&self, batch: Batch<Subject>) {
        if let Ok(mut state) = self.open_state() {
            state.unwritten.put_back(batch);
        }
    }

    fn write_everything(&self) {
        let Ok(mut state) = self.open_state() else { return };
        let SlotState { unwritten, groups, .. } = &mut *state;
        unwritten.add_all(groups.values().flat_map(subjects));
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
    groups: &HashMap<GroupId, Group>,
    subject: &Subject,
    names: &HashMap<TopicId, TopicName>,
) -> Option<SlotRecord> {
    match subject {
        Subject::Group(id) => group_record(id, groups.get(id)),
        Subject::Offset(id, topic, partition) => {
            let offset = groups.get(id).and_then(|group| group.offsets().get(*topic, *partition));
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
