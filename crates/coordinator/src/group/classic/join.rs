//! Joining a group: new members, returning ones, static ones that come back under a new id.

use super::{
    ClassicGroup, Effects, GroupError, GroupLimits, InstanceId, Joined, JoinedMember, Member,
    MemberId, Now, Phase, Protocol, Ticket,
};
use std::{sync::Arc, time::Duration};

/// How long a new member may wait for its first rebalance: it can't send heartbeats meanwhile.
const NEW_MEMBER_TIMEOUT: Duration = Duration::from_mins(5);

/// Ids that were given out and have not joined, at most.
const MOST_PENDING: usize = 10_000;

/// A request to join.
#[derive(Clone, PartialEq, Debug)]
pub struct Join {
    /// To be answered.
    pub ticket: Ticket,
    /// The member's id; empty for a new member.
    pub member: MemberId,
    /// Its instance, when static.
    pub instance: Option<InstanceId>,
    /// What its client calls itself.
    pub client_id: Arc<str>,
    /// Where its client is.
    pub client_host: Arc<str>,
    /// Silent for longer, it is out.
    pub session_timeout: Duration,
    /// How long it may take to join again.
    pub rebalance_timeout: Duration,
    /// The group's kind.
    pub protocol_type: Arc<str>,
    /// What it knows, in its order of preference.
    pub protocols: Vec<Protocol>,
    /// Whether a new dynamic member gets an id first, and joins with that (KIP-394).
    pub requires_known_id: bool,
    /// Whether its client understands that it need not assign (KIP-814).
    pub skips_assignment: bool,
    /// Makes ids of new members unique.
    pub unique: Arc<str>,
}

impl ClassicGroup {
    /// Joins.
    pub fn join(&mut self, join: Join, limits: &GroupLimits, now: Now) -> Effects {
        let ticket = join.ticket;
        let mut effects = Effects::default();
        if let Err(error) = self.try_join(join, limits, now, &mut effects) {
            effects.joined.push((ticket, Err(error)));
        }
        effects
    }

    fn try_join(
        &mut self,
        join: Join,
        limits: &GroupLimits,
        now: Now,
        effects: &mut Effects,
    ) -> Result<(), GroupError> {
        self.check_room(&join, limits)?;
        self.check_protocols(&join)?;
        if !join.member.is_empty() {
            return self.join_with_id(join, limits, now, effects);
        }
        let prefix = join.instance.as_ref().unwrap_or(&join.client_id);
        let id: MemberId = format!("{prefix}-{}", join.unique).into();
        let known = join.instance.as_ref().and_then(|it| self.instances.get(it).cloned());
        if let Some(old) = known {
            self.replace_static(&old, &id, join, limits, now, effects);
            return Ok(());
        }
        if join.requires_known_id && join.instance.is_none() {
            if self.pending.len() >= MOST_PENDING {
                return Err(GroupError::GroupMaxSizeReached);
            }
            self.pending.insert(id.clone(), now.time.saturating_add(join.session_timeout));
            return Err(GroupError::MemberIdRequired(id));
        }
        self.add(id, join, limits, now, effects);
        Ok(())
    }

    fn join_with_id(
        &mut self,
        join: Join,
        limits: &GroupLimits,
        now: Now,
        effects: &mut Effects,
    ) -> Result<(), GroupError> {
        if join.instance.is_none() && self.pending.remove(&join.member).is_some() {
            self.add(join.member.clone(), join, limits, now, effects);
            return Ok(());
        }
        self.check_member(&join.member, join.instance.as_deref())?;
        let Some(member) = self.members.get(&join.member) else {
            return Err(GroupError::UnknownMemberId);
        };
        let unchanged = member.protocols == join.protocols;
        let stays = match self.phase {
            Phase::Empty => return Err(GroupError::UnknownMemberId),
            Phase::Preparing { .. } => false,
            Phase::Completing { .. } => unchanged,
            // The leader joins again because it wants to assign anew.
            Phase::Stable { .. } => unchanged && !self.is_leader(&join.member),
        };
        let id = join.member.clone();
        if stays {
            if let Some(member) = self.members.get_mut(&id) {
                member.refresh(now.time);
            }
            effects.joined.push((join.ticket, Ok(self.joined(&id, false))));
            return Ok(());
        }
        self.update(&id, join, effects);
        self.rebalance(limits, now, effects);
        Ok(())
    }

    /// A group that is full lets nobody in but who is in it (KIP-389).
    fn check_room(&self, join: &Join, limits: &GroupLimits) -> Result<(), GroupError> {
        let member = self.members.get(&join.member);
        let replaced = join.instance.as_ref().and_then(|it| self.instances.get(it));
        let taken = match self.phase {
            Phase::Preparing { .. } => {
                self.members.values().filter(|member| member.joining.is_some()).count()
            }
            _ => self.members.len(),
        };
        let has_place = match self.phase {
            Phase::Preparing { .. } => member.is_some_and(|member| member.joining.is_some()),
            _ => member.is_some() || replaced.is_some(),
        };
        let bytes: usize = join.protocols.iter().map(|it| it.name.len() + it.metadata.len()).sum();
        let before = member.map_or(0, Member::bytes);
        let too_large = self.members_bytes() + bytes > limits.max_bytes + before;
        if too_large || (!has_place && taken >= limits.max_size) {
            return Err(GroupError::GroupMaxSizeReached);
        }
        Ok(())
    }

    /// All members must have the group's kind, and a protocol in common.
    fn check_protocols(&self, join: &Join) -> Result<(), GroupError> {
        if join.protocol_type.is_empty() || join.protocols.is_empty() {
            return Err(GroupError::InconsistentProtocol);
        }
        if self.members.is_empty() {
            return Ok(());
        }
        let same_kind = self.protocol_type.as_deref() == Some(&*join.protocol_type);
        let common = join
            .protocols
            .iter()
            .any(|protocol| self.members.values().all(|member| member.knows(&protocol.name)));
        if same_kind && common { Ok(()) } else { Err(GroupError::InconsistentProtocol) }
    }

    fn add(
        &mut self,
        id: MemberId,
        join: Join,
        limits: &GroupLimits,
        now: Now,
        effects: &mut Effects,
    ) {
        if self.members.is_empty() {
            self.protocol_type = Some(join.protocol_type.clone());
        }
        self.leader.get_or_insert_with(|| id.clone());
        if let Some(instance) = &join.instance {
            self.instances.insert(instance.clone(), id.clone());
        }
        if let Phase::Preparing { newcomer, .. } = &mut self.phase {
            *newcomer = true;
        }
        let member = Member {
            id: id.clone(),
            instance: join.instance,
            client_id: join.client_id,
            client_host: join.client_host,
            session_timeout: join.session_timeout,
            rebalance_timeout: join.rebalance_timeout,
            protocols: join.protocols,
            assignment: bytes::Bytes::new(),
            joining: Some(join.ticket),
            syncing: None,
            synced: false,
            is_new: true,
            deadline: now.time.saturating_add(NEW_MEMBER_TIMEOUT),
        };
        self.members.insert(id, member);
        self.rebalance(limits, now, effects);
    }

    /// Takes over what a member says of itself, and lets its join wait.
    fn update(&mut self, id: &MemberId, join: Join, effects: &mut Effects) {
        let Some(member) = self.members.get_mut(id) else { return };
        member.client_id = join.client_id;
        member.client_host = join.client_host;
        member.session_timeout = join.session_timeout;
        member.rebalance_timeout = join.rebalance_timeout;
        member.protocols = join.protocols;
        // An earlier join that waits comes from a connection that the client gave up.
        if let Some(earlier) = member.joining.replace(join.ticket) {
            effects.joined.push((earlier, Err(GroupError::RebalanceInProgress)));
        }
    }

    /// A static member is back under a new id. A stable group stays as it is, as long as it would choose the same protocol.
    fn replace_static(
        &mut self,
        old: &MemberId,
        id: &MemberId,
        join: Join,
        limits: &GroupLimits,
        now: Now,
        effects: &mut Effects,
    ) {
        let Some(mut member) = self.members.remove(old) else { return };
        if let Some(ticket) = member.joining.take() {
            effects.joined.push((ticket, Err(GroupError::FencedInstanceId)));
        }
        if let Some(ticket) = member.syncing.take() {
            effects.synced.push((ticket, Err(GroupError::FencedInstanceId)));
        }
        let led = self.is_leader(old);
        if led {
            self.leader = Some(id.clone());
        }
        if let Some(instance) = &join.instance {
            self.instances.insert(instance.clone(), id.clone());
        }
        member.id = id.clone();
        member.refresh(now.time);
        self.members.insert(id.clone(), member);
        let (ticket, skips) = (join.ticket, join.skips_assignment);
        self.update(id, join, effects);
        let stable = matches!(self.phase, Phase::Stable { .. });
        if !stable || self.select_protocol() != self.protocol_name {
            self.rebalance(limits, now, effects);
            return;
        }
        if let Some(member) = self.members.get_mut(id) {
            member.joining = None;
        }
        effects.store = true;
        let mut joined = self.joined(id, led && skips);
        if led && !skips {
            // A client that can't be told to skip the assignment must not take itself for the leader.
            joined.leader = old.clone();
            joined.members = Vec::new();
        }
        effects.joined.push((ticket, Ok(joined)));
    }

    /// What a member is told of the current generation.
    pub(super) fn joined(&self, id: &MemberId, skip_assignment: bool) -> Joined {
        let protocol_name: Arc<str> = self.protocol_name.clone().unwrap_or_default();
        let members =
            if self.is_leader(id) { self.joined_members(&protocol_name) } else { Vec::new() };
        Joined {
            generation: self.generation,
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            leader: self.leader.clone().unwrap_or_default(),
            member: id.clone(),
            skip_assignment,
            members,
            protocol_name,
        }
    }

    fn joined_members(&self, protocol: &str) -> Vec<JoinedMember> {
        let members = self.members.values().map(|member| JoinedMember {
            id: member.id.clone(),
            instance: member.instance.clone(),
            metadata: member.metadata(protocol),
        });
        members.collect()
    }
}
