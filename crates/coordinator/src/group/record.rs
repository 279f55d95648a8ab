//! A group as it is stored.

use super::{ClassicGroup, ConsumerGroup, Group, GroupId, Kind, MemberId, Now, Protocol};
use formats::metadata as records;
use std::time::Duration;

/// The stored members of a group of the consumer protocol.
pub type MemberRecords = Vec<(MemberId, records::ConsumerGroupMember)>;

impl Group {
    /// What is stored of it, besides its offsets and single members.
    pub fn record(&self) -> records::Group {
        match &self.kind {
            Kind::Classic(group) => group.record(),
            Kind::Consumer(group) => group.record(),
        }
    }

    /// What is stored of one of its members apart from the group.
    pub fn member_record(&self, member: &str) -> Option<records::ConsumerGroupMember> {
        match &self.kind {
            Kind::Classic(_) => None,
            Kind::Consumer(group) => group.member_record(member),
        }
    }

    /// A group as it was stored. Its members' sessions begin anew; those without a time-out of their own have
    /// `session_timeout`.
    pub fn from_records(
        id: GroupId,
        group: records::Group,
        members: MemberRecords,
        session_timeout: Duration,
        now: Now,
    ) -> Self {
        let kind = if group.consumer.is_some() {
            Kind::Consumer(ConsumerGroup::from_records(id, group, members, session_timeout, now))
        } else {
            // What lies there of members is left from a change of protocols that did not come to its end.
            Kind::Classic(ClassicGroup::from_record(id, group, now))
        };
        Self::of(kind)
    }
}

/// A duration as it is stored.
pub(super) fn milliseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

/// A duration as it was stored.
pub(super) fn duration(milliseconds: u32) -> Duration {
    Duration::from_millis(u64::from(milliseconds))
}

/// What a member of the classic protocol knows, as it is stored.
pub(super) fn protocol_records(protocols: &[Protocol]) -> Vec<records::GroupProtocol> {
    let records = protocols.iter().map(|protocol| records::GroupProtocol {
        name: protocol.name.to_string(),
        metadata: protocol.metadata.clone(),
    });
    records.collect()
}

/// The same as it was stored.
pub(super) fn protocols(stored: Vec<records::GroupProtocol>) -> Vec<Protocol> {
    let protocols = stored.into_iter();
    protocols.map(|it| Protocol { name: it.name.into(), metadata: it.metadata }).collect()
}
