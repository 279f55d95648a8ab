//! [`Group`]: one classic group as a pure state machine: members, generations, assignments, committed offsets.
//!
//! Methods take an event and the time, change the state and answer with [`Effects`]: which waiting requests to answer,
//! and whether the group must be stored first. They know neither clock nor store; deadlines are data
//! ([`Group::next_deadline`], [`Group::tick`]). Behaviour is that of Kafka's group coordinator (KIP-62, KIP-134,
//! KIP-345, KIP-389, KIP-394, KIP-559, KIP-814).

mod commit;
mod description;
mod effects;
mod error;
mod heartbeat;
mod join;
mod leave;
mod member;
pub mod offsets;
mod rebalance;
mod record;
mod subscription;
mod sync;
#[cfg(test)]
mod tests;
mod timing;

pub use commit::Committer;
pub use description::{GroupDescription, GroupListing, MemberDescription};
pub use effects::{Effects, Joined, JoinedMember, Synced, Ticket};
pub use error::GroupError;
pub use heartbeat::MemberRef;
pub use join::Join;
pub use leave::Leaver;
pub use member::{Member, Protocol};
pub use offsets::{CommittedOffset, Offsets};
pub use sync::Sync;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Names a group.
pub type GroupId = Arc<str>;
/// Names a member in one life of it; given by the coordinator.
pub type MemberId = Arc<str>;
/// Names a static member over its lives; given by its operator (KIP-345).
pub type InstanceId = Arc<str>;

/// Time since the coordinator started, as deadlines count it.
pub type Time = Duration;

/// The protocol type of consumers, whose subscriptions the coordinator can read.
pub const CONSUMER: &str = "consumer";

/// What time it is for an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Now {
    /// For deadlines.
    pub time: Time,
    /// For what is stored: milliseconds since 1970.
    pub unix_ms: i64,
}

/// Limits of every group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupLimits {
    /// `group.initial.rebalance.delay.ms`.
    pub initial_rebalance_delay: Duration,
    /// `group.min.session.timeout.ms`.
    pub min_session_timeout: Duration,
    /// `group.max.session.timeout.ms`.
    pub max_session_timeout: Duration,
    /// `group.max.size`.
    pub max_size: usize,
    /// Bytes of a group's members: ids, subscriptions, assignments. What is stored of a group must fit into one value.
    pub max_bytes: usize,
}

impl Default for GroupLimits {
    fn default() -> Self {
        Self {
            initial_rebalance_delay: Duration::from_secs(3),
            min_session_timeout: Duration::from_secs(6),
            max_session_timeout: Duration::from_mins(30),
            max_size: i32::MAX as usize,
            max_bytes: 1 << 20,
        }
    }
}

/// Where a group is between two generations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GroupState {
    /// It has no members.
    Empty,
    /// Members join the next generation.
    PreparingRebalance,
    /// They joined; the leader's assignment is awaited.
    CompletingRebalance,
    /// Every member has, or can have, its assignment.
    Stable,
}

/// The same, with what belongs to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Empty,
    Preparing {
        /// Who has not joined by then is out.
        deadline: Time,
        /// In an empty group's first rebalance: how much longer the wait may become when further members join.
        extensible: Option<Duration>,
        /// Whether a member joined since the wait was last prolonged.
        newcomer: bool,
    },
    Completing {
        /// Who has not synchronized by then is out.
        deadline: Time,
    },
    Stable {
        /// The same, while some member has not.
        deadline: Option<Time>,
    },
}

/// A group.
#[derive(Clone, PartialEq, Debug)]
pub struct Group {
    id: GroupId,
    phase: Phase,
    /// In this state since then, in milliseconds since 1970.
    since_unix_ms: i64,
    /// What kind of members it has; it keeps that of its last ones. `None` when it never had any.
    protocol_type: Option<Arc<str>>,
    protocol_name: Option<Arc<str>>,
    generation: u32,
    leader: Option<MemberId>,
    members: BTreeMap<MemberId, Member>,
    instances: BTreeMap<InstanceId, MemberId>,
    /// Ids that were given out and have not joined, with the time until which they may (KIP-394).
    pending: BTreeMap<MemberId, Time>,
    offsets: Offsets,
}

impl Group {
    /// A group that nobody is in.
    pub fn new(id: GroupId, now: Now) -> Self {
        Self {
            id,
            phase: Phase::Empty,
            since_unix_ms: now.unix_ms,
            protocol_type: None,
            protocol_name: None,
            generation: 0,
            leader: None,
            members: BTreeMap::new(),
            instances: BTreeMap::new(),
            pending: BTreeMap::new(),
            offsets: Offsets::default(),
        }
    }

    /// Its id.
    pub fn id(&self) -> &GroupId {
        &self.id
    }

    /// Its state.
    pub fn state(&self) -> GroupState {
        match self.phase {
            Phase::Empty => GroupState::Empty,
            Phase::Preparing { .. } => GroupState::PreparingRebalance,
            Phase::Completing { .. } => GroupState::CompletingRebalance,
            Phase::Stable { .. } => GroupState::Stable,
        }
    }

    /// Its offsets.
    pub fn offsets(&self) -> &Offsets {
        &self.offsets
    }

    /// Its offsets, to be changed.
    pub fn offsets_mut(&mut self) -> &mut Offsets {
        &mut self.offsets
    }

    /// Whether it has no members.
    pub fn is_empty(&self) -> bool {
        self.phase == Phase::Empty
    }

    /// Whether nothing would be lost with it: no members, none on their way, no offsets.
    pub fn is_forgettable(&self) -> bool {
        self.is_empty() && self.pending.is_empty() && self.offsets.is_empty()
    }

    /// Whether it ever had members, so that something of it but offsets is stored.
    pub fn has_record(&self) -> bool {
        self.protocol_type.is_some()
    }

    fn enter(&mut self, phase: Phase, now: Now) {
        if std::mem::discriminant(&self.phase) != std::mem::discriminant(&phase) {
            self.since_unix_ms = now.unix_ms;
        }
        self.phase = phase;
    }

    /// The longest of its members' rebalance time-outs.
    fn rebalance_timeout(&self) -> Duration {
        let timeouts = self.members.values().map(|member| member.rebalance_timeout);
        timeouts.max().unwrap_or_default()
    }

    fn is_leader(&self, member: &str) -> bool {
        self.leader.as_deref() == Some(member)
    }

    /// Checks who speaks: a static member's id must be the one that its instance has now.
    fn check_member(&self, id: &str, instance: Option<&str>) -> Result<(), GroupError> {
        if let Some(instance) = instance {
            match self.instances.get(instance) {
                Some(current) if &**current != id => return Err(GroupError::FencedInstanceId),
                Some(_) => {}
                None => return Err(GroupError::UnknownMemberId),
            }
        }
        if self.members.contains_key(id) { Ok(()) } else { Err(GroupError::UnknownMemberId) }
    }

    fn check_generation(&self, generation: i32) -> Result<(), GroupError> {
        if i64::from(generation) == i64::from(self.generation) {
            Ok(())
        } else {
            Err(GroupError::IllegalGeneration)
        }
    }

    /// Bytes of its members.
    fn members_bytes(&self) -> usize {
        self.members.values().map(Member::bytes).sum()
    }
}
