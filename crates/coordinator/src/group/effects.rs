//! [`Effects`]: what an event of a group comes to, besides the change of its state.

use super::{GroupError, InstanceId, MemberId, Time};
use bytes::Bytes;
use std::{collections::BTreeMap, sync::Arc};

/// Names a request that waits for its answer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ticket(pub u64);

/// What is to be done, after which nothing is left of the event.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Effects {
    /// Joins to answer.
    pub joined: Vec<(Ticket, Result<Joined, GroupError>)>,
    /// Synchronizations to answer.
    pub synced: Vec<(Ticket, Result<Synced, GroupError>)>,
    /// Whether the group's record is to be stored before anything is answered.
    pub store: bool,
    /// Whether a stored record is to be deleted instead: the group has none any more.
    pub erase: bool,
    /// Whether all stored records of members are to be deleted first.
    pub clear_members: bool,
    /// Records of single members to be stored or deleted.
    pub members: BTreeMap<MemberId, MemberChange>,
    /// When the group must be looked at, if that is all that can have come nearer; `None`: look for it.
    pub deadline: Option<Time>,
}

/// What becomes of a member's record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemberChange {
    /// It is put.
    Put,
    /// It is deleted.
    Delete,
}

impl Effects {
    /// Adds what a further step comes to.
    pub fn and(&mut self, more: Self) {
        self.joined.extend(more.joined);
        self.synced.extend(more.synced);
        self.store |= more.store;
        self.erase |= more.erase;
        self.clear_members |= more.clear_members;
        self.members.extend(more.members);
        self.deadline = None;
    }

    /// A member's record is to be put.
    pub(super) fn put(&mut self, member: &MemberId) {
        self.members.insert(member.clone(), MemberChange::Put);
    }

    /// A member's record is to be deleted.
    pub(super) fn delete(&mut self, member: &MemberId) {
        self.members.insert(member.clone(), MemberChange::Delete);
    }

    /// Whether anything is to be stored.
    pub fn stores(&self) -> bool {
        self.store || self.erase || self.clear_members || !self.members.is_empty()
    }
}

/// The answer to a join.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Joined {
    /// The generation joined.
    pub generation: u32,
    /// The group's kind.
    pub protocol_type: Arc<str>,
    /// What it chose of the protocols that all members have.
    pub protocol_name: Arc<str>,
    /// Who assigns.
    pub leader: MemberId,
    /// Who joined.
    pub member: MemberId,
    /// The leader joined again and all stays as it is: it is not to assign (KIP-814).
    pub skip_assignment: bool,
    /// For the leader: everybody.
    pub members: Vec<JoinedMember>,
}

/// A member as the leader sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JoinedMember {
    /// Its id.
    pub id: MemberId,
    /// Its instance, when static.
    pub instance: Option<InstanceId>,
    /// What it said of itself under the chosen protocol.
    pub metadata: Bytes,
}

/// The answer to a synchronization.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Synced {
    /// The group's kind.
    pub protocol_type: Arc<str>,
    /// The chosen protocol.
    pub protocol_name: Arc<str>,
    /// What the leader assigned to the member.
    pub assignment: Bytes,
}
