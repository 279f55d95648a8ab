//! Synchronizing: the leader brings the assignment, the others ask for their share.

use super::{
    ClassicGroup, Effects, GroupError, GroupLimits, InstanceId, MemberId, Now, Phase, Synced,
    Ticket,
};
use bytes::Bytes;
use std::{collections::BTreeMap, sync::Arc};

/// A request to synchronize.
#[derive(Clone, PartialEq, Debug)]
pub struct Sync {
    /// The member.
    pub member: MemberId,
    /// Its instance, when static.
    pub instance: Option<InstanceId>,
    /// The generation it joined.
    pub generation: i32,
    /// The group's kind, when the client says it (KIP-559).
    pub protocol_type: Option<Arc<str>>,
    /// The protocol, likewise.
    pub protocol_name: Option<Arc<str>>,
    /// From the leader: each member's share.
    pub assignments: BTreeMap<MemberId, Bytes>,
}

impl ClassicGroup {
    /// Synchronizes.
    pub fn sync(&mut self, ticket: Ticket, sync: Sync, limits: &GroupLimits, now: Now) -> Effects {
        let mut effects = Effects::default();
        if let Err(error) = self.try_sync(ticket, sync, limits, now, &mut effects) {
            effects.synced.push((ticket, Err(error)));
        }
        effects
    }

    fn try_sync(
        &mut self,
        ticket: Ticket,
        sync: Sync,
        limits: &GroupLimits,
        now: Now,
        effects: &mut Effects,
    ) -> Result<(), GroupError> {
        self.check_member(&sync.member, sync.instance.as_deref())?;
        self.check_generation(sync.generation)?;
        let differs = |said: &Option<Arc<str>>, is: &Option<Arc<str>>| {
            said.as_ref().is_some_and(|said| Some(said) != is.as_ref())
        };
        if differs(&sync.protocol_type, &self.protocol_type)
            || differs(&sync.protocol_name, &self.protocol_name)
        {
            return Err(GroupError::InconsistentProtocol);
        }
        match self.phase {
            Phase::Empty => Err(GroupError::UnknownMemberId),
            Phase::Preparing { .. } => Err(GroupError::RebalanceInProgress),
            Phase::Completing { deadline } => {
                self.wait_for_assignment(&sync.member, ticket, effects);
                if self.is_leader(&sync.member) {
                    self.assign(sync.assignments, limits, now, effects);
                    if matches!(self.phase, Phase::Stable { .. }) {
                        self.phase = Phase::Stable { deadline: Some(deadline) };
                    }
                    self.note_all_synced();
                }
                Ok(())
            }
            Phase::Stable { .. } => {
                self.wait_for_assignment(&sync.member, ticket, effects);
                self.answer_syncs(now, effects);
                self.note_all_synced();
                Ok(())
            }
        }
    }

    fn wait_for_assignment(&mut self, id: &MemberId, ticket: Ticket, effects: &mut Effects) {
        let Some(member) = self.members.get_mut(id) else { return };
        member.synced = true;
        if let Some(earlier) = member.syncing.replace(ticket) {
            effects.synced.push((earlier, Err(GroupError::RebalanceInProgress)));
        }
    }

    /// Gives every member its share; who has none in the leader's list has an empty one.
    fn assign(
        &mut self,
        mut assignments: BTreeMap<MemberId, Bytes>,
        limits: &GroupLimits,
        now: Now,
        effects: &mut Effects,
    ) {
        let bytes: usize = assignments.values().map(Bytes::len).sum();
        if self.members_bytes() + bytes > limits.max_bytes.saturating_add(limits.max_bytes / 4) {
            self.refuse_syncs(&GroupError::TooLarge, now, effects);
            self.rebalance(limits, now, effects);
            return;
        }
        for member in self.members.values_mut() {
            member.assignment = assignments.remove(&member.id).unwrap_or_default();
        }
        self.enter(Phase::Stable { deadline: None }, now);
        self.answer_syncs(now, effects);
        effects.store = true;
    }

    fn answer_syncs(&mut self, now: Now, effects: &mut Effects) {
        let protocol_type: Arc<str> = self.protocol_type.clone().unwrap_or_default();
        let protocol_name: Arc<str> = self.protocol_name.clone().unwrap_or_default();
        for member in self.members.values_mut() {
            let Some(ticket) = member.syncing.take() else { continue };
            member.refresh(now.time);
            let synced = Synced {
                protocol_type: protocol_type.clone(),
                protocol_name: protocol_name.clone(),
                assignment: member.assignment.clone(),
            };
            effects.synced.push((ticket, Ok(synced)));
        }
    }

    /// Nobody is waited for when everybody has asked.
    fn note_all_synced(&mut self) {
        if let Phase::Stable { deadline } = &mut self.phase
            && self.members.values().all(|member| member.synced)
        {
            *deadline = None;
        }
    }
}
