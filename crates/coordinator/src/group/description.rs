//! What a group tells of itself: to lists, and in full.

use super::{Group, GroupId, GroupState, InstanceId, MemberId};
use bytes::Bytes;
use std::sync::Arc;

/// A group in a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupListing {
    /// Its id.
    pub id: GroupId,
    /// Its kind; empty when it never had members.
    pub protocol_type: Arc<str>,
    /// Its state.
    pub state: GroupState,
}

/// A group in full.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupDescription {
    /// Its id, kind and state.
    pub listing: GroupListing,
    /// The chosen protocol, when it is stable; else empty.
    pub protocol_name: Arc<str>,
    /// Its members.
    pub members: Vec<MemberDescription>,
}

/// A member in full.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemberDescription {
    /// Its id.
    pub id: MemberId,
    /// Its instance, when static.
    pub instance: Option<InstanceId>,
    /// What its client calls itself.
    pub client_id: Arc<str>,
    /// Where its client is.
    pub client_host: Arc<str>,
    /// What it says of itself under the chosen protocol; empty unless the group is stable.
    pub metadata: Bytes,
    /// Its share; empty unless the group is stable.
    pub assignment: Bytes,
}

impl Group {
    /// The group in a list.
    pub fn listing(&self) -> GroupListing {
        GroupListing {
            id: self.id.clone(),
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            state: self.state(),
        }
    }

    /// The group in full.
    pub fn describe(&self) -> GroupDescription {
        let stable = self.state() == GroupState::Stable;
        let protocol_name = self.protocol_name.clone().filter(|_| stable).unwrap_or_default();
        let members = self.members.values().map(|member| MemberDescription {
            id: member.id.clone(),
            instance: member.instance.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            metadata: if stable { member.metadata(&protocol_name) } else { Bytes::new() },
            assignment: if stable { member.assignment.clone() } else { Bytes::new() },
        });
        let members = members.collect();
        GroupDescription { listing: self.listing(), protocol_name, members }
    }
}
