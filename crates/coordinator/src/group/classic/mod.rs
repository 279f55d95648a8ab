//! [`ClassicGroup`]: one group of the classic protocol: members, generations, assignments that its leader makes.
//!
//! Behaviour is that of Kafka's group coordinator (KIP-62, KIP-134, KIP-345, KIP-389, KIP-394, KIP-559, KIP-814).

mod commit;
mod description;
mod heartbeat;
mod join;
mod leave;
mod member;
mod rebalance;
mod record;
mod sync;
#[cfg(test)]
mod tests;
mod timing;

pub use heartbeat::MemberRef;
pub use join::Join;
pub use leave::Leaver;
pub use member::{Member, Protocol};
pub use sync::Sync;

use super::{
    CONSUMER, Committer, Effects, GroupDescription, GroupError, GroupId, GroupLimits, GroupListing,
    GroupState, InstanceId, Joined, JoinedMember, MemberDescription, MemberId, Now, Synced, Ticket,
    Time, description::GroupType, embedded,
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Where a group is between two generations, with what belongs to it.
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
pub struct ClassicGroup {
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
}

impl ClassicGroup {
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

    /// Whether it has no members.
    pub fn is_empty(&self) -> bool {
        self.phase == Phase::Empty
    }

    /// Whether nobody is in it or on the way.
    pub fn is_unused(&self) -> bool {
        self.is_empty() && self.pending.is_empty()
    }

    /// Whether it ever had members, so that something of it but offsets is stored.
    pub fn has_record(&self) -> bool {
        self.protocol_type.is_some()
    }

    /// Its members.
    pub(super) fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    /// Its generation.
    pub(super) fn generation(&self) -> u32 {
        self.generation
    }

    /// The protocol that was chosen last; empty when none was.
    pub(super) fn protocol_name(&self) -> &str {
        self.protocol_name.as_deref().unwrap_or_default()
    }

    /// Whether its members are consumers, whose subscriptions and assignments can be read.
    pub(super) fn is_of_consumers(&self) -> bool {
        self.protocol_type.as_deref() == Some(CONSUMER)
    }

    /// Answers all that wait that they must begin anew: the group is about to follow the other protocol.
    pub(super) fn refuse_waiting(&mut self, now: Now, effects: &mut Effects) {
        self.refuse_syncs(&GroupError::RebalanceInProgress, now, effects);
        for member in self.members.values_mut() {
            if let Some(ticket) = member.joining.take() {
                effects.joined.push((ticket, Err(GroupError::RebalanceInProgress)));
            }
        }
    }

    /// Goes on with the members of a group of the other protocol, who know nothing of a leader.
    pub(super) fn begin_again(
        &mut self,
        rebalances: bool,
        limits: &GroupLimits,
        now: Now,
    ) -> Effects {
        let mut effects = Effects::default();
        self.protocol_name = self.select_protocol();
        if rebalances {
            self.rebalance(limits, now, &mut effects);
        }
        effects
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
