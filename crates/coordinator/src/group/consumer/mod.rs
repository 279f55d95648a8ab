//! [`ConsumerGroup`]: one group of the consumer protocol (KIP-848): members say what they read, the coordinator assigns.
//!
//! Three epochs: the group's is raised by every change of members, subscriptions or topics; the assignment's follows when
//! a new target is computed; a member's follows when it has given up what the target takes from it. A member gets a
//! partition when nobody else holds it any more. Members of the classic protocol are served off the same assignment.
//! Behaviour is that of Kafka's group coordinator.

mod answer;
mod assignor;
mod classic;
mod commit;
mod conversion;
mod description;
mod heartbeat;
mod holders;
mod leave;
mod member;
mod partitions;
mod reconcile;
mod record;
mod subscription;
mod targeting;
#[cfg(test)]
pub(crate) mod tests;
mod timing;

pub use answer::ConsumerAnswer;
pub use assignor::{Assignor, Target};
pub use description::{ConsumerGroupDescription, ConsumerMemberDescription};
pub use heartbeat::ConsumerHeartbeat;
pub use leave::ConsumerLeave;
pub use member::{ClassicSide, ConsumerMember, MemberState};
pub use partitions::Partitions;
pub use subscription::Subscription;

use super::{Effects, GroupError, GroupId, GroupState, InstanceId, MemberId, Now, Time, View};
use holders::Holders;
use model::TopicId;
use std::collections::BTreeMap;
use subscription::Subscriptions;

/// A group of the consumer protocol.
#[derive(Clone, Debug)]
pub struct ConsumerGroup {
    id: GroupId,
    epoch: u32,
    /// Of the target.
    assignment_epoch: u32,
    target: Target,
    /// The topics that members read, with their partitions, as the epoch counts them.
    topics: BTreeMap<TopicId, u32>,
    /// Without members since then, in milliseconds since 1970.
    empty_since_unix_ms: i64,
    members: BTreeMap<MemberId, ConsumerMember>,
    instances: BTreeMap<InstanceId, MemberId>,
    subscriptions: Subscriptions,
    holders: Holders,
    /// The catalog that `topics` was made from.
    catalog_version: Option<u64>,
}

impl ConsumerGroup {
    /// A group that nobody is in.
    pub fn new(id: GroupId, now: Now) -> Self {
        Self {
            id,
            epoch: 0,
            assignment_epoch: 0,
            target: Target::new(),
            topics: BTreeMap::new(),
            empty_since_unix_ms: now.unix_ms,
            members: BTreeMap::new(),
            instances: BTreeMap::new(),
            subscriptions: Subscriptions::default(),
            holders: Holders::default(),
            catalog_version: None,
        }
    }

    /// Its id.
    pub fn id(&self) -> &GroupId {
        &self.id
    }

    /// Whether it has no members.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Its state.
    pub fn state(&self) -> GroupState {
        let reconciled = |member: &ConsumerMember| member.is_reconciled_to(self.assignment_epoch);
        if self.members.is_empty() {
            GroupState::Empty
        } else if self.epoch > self.assignment_epoch {
            GroupState::Assigning
        } else if self.members.values().all(reconciled) {
            GroupState::Stable
        } else {
            GroupState::Reconciling
        }
    }

    /// Since when it has no members, in milliseconds since 1970; `None` when it has some.
    pub fn empty_since_unix_ms(&self) -> Option<i64> {
        self.is_empty().then_some(self.empty_since_unix_ms)
    }

    /// Puts a member in, in place of what is known under its id.
    fn put(&mut self, member: ConsumerMember) {
        drop(self.take(&member.id));
        self.subscriptions.add(&member.subscription);
        self.holders.add(&member);
        if let Some(instance) = &member.instance {
            self.instances.insert(instance.clone(), member.id.clone());
        }
        self.members.insert(member.id.clone(), member);
    }

    /// Takes a member out, and whatever was derived from it.
    fn take(&mut self, id: &str) -> Option<ConsumerMember> {
        let member = self.members.remove(id)?;
        self.subscriptions.remove(&member.subscription);
        self.holders.remove(&member);
        if let Some(instance) = &member.instance
            && self.instances.get(instance) == Some(&member.id)
        {
            self.instances.remove(instance);
        }
        Some(member)
    }

    /// The member that has an instance.
    fn static_member(&self, instance: &str) -> Option<&ConsumerMember> {
        self.members.get(self.instances.get(instance)?)
    }

    /// The member that speaks: of an instance, the one that has it now.
    fn speaker(&self, id: &str, instance: Option<&str>) -> Result<&ConsumerMember, GroupError> {
        let Some(instance) = instance else {
            return self.members.get(id).ok_or(GroupError::UnknownMemberId);
        };
        let member = self.static_member(instance).ok_or(GroupError::UnknownMemberId)?;
        if &*member.id == id { Ok(member) } else { Err(GroupError::FencedInstanceId) }
    }
}
