//! What a group tells of itself: to lists, and in full.

use super::{GroupId, InstanceId, MemberId};
use bytes::Bytes;
use std::sync::Arc;

/// Where a group is between two assignments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GroupState {
    /// It has no members.
    Empty,
    /// Members of a classic group join the next generation.
    PreparingRebalance,
    /// They joined; the leader's assignment is awaited.
    CompletingRebalance,
    /// The target assignment of a consumer group is older than the group's epoch.
    Assigning,
    /// Some of its members are not where the target assignment wants them.
    Reconciling,
    /// Every member has, or can have, its assignment.
    Stable,
}

/// The protocol that a group follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GroupType {
    /// Members join generations, and one of them assigns.
    Classic,
    /// The coordinator assigns (KIP-848).
    Consumer,
}

/// A group in a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupListing {
    /// Its id.
    pub id: GroupId,
    /// Its kind; empty when it never had members.
    pub protocol_type: Arc<str>,
    /// Its state.
    pub state: GroupState,
    /// Its protocol.
    pub group_type: GroupType,
}

/// A classic group in full.
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
    /// Its share, of the generation before while it has no other.
    pub assignment: Bytes,
}
