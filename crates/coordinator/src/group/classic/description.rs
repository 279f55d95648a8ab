//! What a classic group tells of itself.

use super::{
    ClassicGroup, GroupDescription, GroupListing, GroupState, GroupType, MemberDescription,
};
use bytes::Bytes;

impl ClassicGroup {
    /// The group in a list.
    pub fn listing(&self) -> GroupListing {
        GroupListing {
            id: self.id.clone(),
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            state: self.state(),
            group_type: GroupType::Classic,
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
            assignment: member.assignment.clone(),
        });
        let members = members.collect();
        GroupDescription { listing: self.listing(), protocol_name, members }
    }
}
