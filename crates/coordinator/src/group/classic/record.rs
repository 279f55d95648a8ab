//! A group as it is stored: as of its last completed rebalance, or since it is empty.

use super::{ClassicGroup, GroupId, Member, Now, Phase};
use crate::group::record::{duration, milliseconds, protocol_records, protocols};
use formats::metadata as records;
use std::sync::Arc;

impl ClassicGroup {
    /// What is stored of it, besides its offsets.
    pub fn record(&self) -> records::Group {
        let members = if self.is_empty() {
            Vec::new()
        } else {
            self.members.values().map(member_record).collect()
        };
        let text = |text: &Arc<str>| text.to_string();
        records::Group {
            format: 1,
            protocol_type: self.protocol_type.as_ref().map(text).unwrap_or_default(),
            generation: self.generation,
            protocol_name: self.protocol_name.as_ref().map(text),
            leader: self.leader.as_ref().map(text),
            state_since_unix_ms: self.since_unix_ms,
            members,
            consumer: None,
        }
    }

    /// A group as it was stored. Its members' sessions begin anew.
    pub fn from_record(id: GroupId, record: records::Group, now: Now) -> Self {
        let mut group = Self::new(id, now);
        group.protocol_type = Some(record.protocol_type.into());
        group.generation = record.generation;
        group.since_unix_ms = record.state_since_unix_ms;
        if record.members.is_empty() {
            return group;
        }
        group.phase = Phase::Stable { deadline: None };
        group.protocol_name = record.protocol_name.map(Arc::from);
        group.leader = record.leader.map(Arc::from);
        for stored in record.members {
            let member = member(stored, now);
            if let Some(instance) = &member.instance {
                group.instances.insert(instance.clone(), member.id.clone());
            }
            group.members.insert(member.id.clone(), member);
        }
        group
    }
}

fn member_record(member: &Member) -> records::GroupMember {
    records::GroupMember {
        id: member.id.to_string(),
        instance_id: member.instance.as_ref().map(ToString::to_string),
        client_id: member.client_id.to_string(),
        client_host: member.client_host.to_string(),
        session_timeout_ms: milliseconds(member.session_timeout),
        rebalance_timeout_ms: milliseconds(member.rebalance_timeout),
        protocols: protocol_records(&member.protocols),
        assignment: member.assignment.clone(),
    }
}

fn member(stored: records::GroupMember, now: Now) -> Member {
    let mut member = Member {
        id: stored.id.into(),
        instance: stored.instance_id.map(Arc::from),
        client_id: stored.client_id.into(),
        client_host: stored.client_host.into(),
        session_timeout: duration(stored.session_timeout_ms),
        rebalance_timeout: duration(stored.rebalance_timeout_ms),
        protocols: protocols(stored.protocols),
        assignment: stored.assignment,
        joining: None,
        syncing: None,
        synced: true,
        is_new: false,
        deadline: now.time,
    };
    member.refresh(now.time);
    member
}
