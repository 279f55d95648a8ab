//! What a group of the consumer protocol tells of itself.

use super::{ConsumerGroup, InstanceId, MemberId, Partitions, Subscription, View};
use crate::group::{CONSUMER, GroupListing, description::GroupType};
use std::sync::Arc;

/// A group in full.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsumerGroupDescription {
    /// Its id, kind and state.
    pub listing: GroupListing,
    /// Its epoch.
    pub epoch: u32,
    /// That of the target assignment.
    pub assignment_epoch: u32,
    /// Who assigns.
    pub assignor: &'static str,
    /// Its members.
    pub members: Vec<ConsumerMemberDescription>,
}

/// A member in full.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsumerMemberDescription {
    /// Its id.
    pub id: MemberId,
    /// Its instance, when static.
    pub instance: Option<InstanceId>,
    /// Its zone.
    pub rack: Option<Arc<str>>,
    /// The epoch it is in; −2 while it is away.
    pub epoch: i32,
    /// What its client calls itself.
    pub client_id: Arc<str>,
    /// Where its client is.
    pub client_host: Arc<str>,
    /// What it reads.
    pub subscription: Arc<Subscription>,
    /// What it has.
    pub assigned: Partitions,
    /// What it is to have.
    pub target: Partitions,
    /// Whether it follows the classic protocol.
    pub is_classic: bool,
}

impl ConsumerGroup {
    /// The group in a list.
    pub fn listing(&self) -> GroupListing {
        GroupListing {
            id: self.id.clone(),
            protocol_type: CONSUMER.into(),
            state: self.state(),
            group_type: GroupType::Consumer,
        }
    }

    /// The group in full.
    pub fn describe(&self, view: &View<'_>) -> ConsumerGroupDescription {
        let members = self.members.values().map(|member| ConsumerMemberDescription {
            id: member.id.clone(),
            instance: member.instance.clone(),
            rack: member.rack.clone(),
            epoch: if member.away { -2 } else { member.epoch.cast_signed() },
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            subscription: Arc::clone(&member.subscription),
            assigned: member.assigned.clone(),
            target: self.target.get(&member.id).cloned().unwrap_or_default(),
            is_classic: member.classic.is_some(),
        });
        ConsumerGroupDescription {
            listing: self.listing(),
            epoch: self.epoch,
            assignment_epoch: self.assignment_epoch,
            assignor: self.assignor(view).name(),
            members: members.collect(),
        }
    }
}
