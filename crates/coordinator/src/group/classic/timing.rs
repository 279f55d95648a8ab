//! Deadlines of a group: members that fell silent, ids never used, waits that are over.

use super::{ClassicGroup, Effects, GroupLimits, MemberId, Now, Phase, Time};

impl ClassicGroup {
    /// When [`ClassicGroup::tick`] has something to do, if nothing happens before.
    pub fn next_deadline(&self) -> Option<Time> {
        let waits = |member: &&super::Member| {
            member.is_new || (member.joining.is_none() && member.syncing.is_none())
        };
        let members = self.members.values().filter(waits).map(|member| member.deadline);
        let phase = match self.phase {
            Phase::Empty => None,
            Phase::Preparing { deadline, .. } | Phase::Completing { deadline } => Some(deadline),
            Phase::Stable { deadline } => deadline,
        };
        members.chain(self.pending.values().copied()).chain(phase).min()
    }

    /// Does what is due.
    pub fn tick(&mut self, limits: &GroupLimits, now: Now) -> Effects {
        let mut effects = Effects::default();
        self.pending.retain(|_, deadline| *deadline > now.time);
        let silent = |member: &super::Member| member.is_expired(now.time);
        if self.remove_where(silent, &mut effects) {
            self.rebalance(limits, now, &mut effects);
        } else {
            self.complete_when_all_joined(now, &mut effects);
        }
        match self.phase {
            Phase::Preparing { deadline, .. } if deadline <= now.time => {
                self.join_deadline_passed(limits, now, &mut effects);
            }
            Phase::Completing { deadline } | Phase::Stable { deadline: Some(deadline) }
                if deadline <= now.time =>
            {
                self.remove_where(|member| !member.synced, &mut effects);
                self.rebalance(limits, now, &mut effects);
            }
            _ => {}
        }
        effects
    }

    /// Removes members; whether there were any.
    fn remove_where(
        &mut self,
        condition: impl Fn(&super::Member) -> bool,
        effects: &mut Effects,
    ) -> bool {
        let matching = self.members.values().filter(|member| condition(member));
        let ids: Vec<MemberId> = matching.map(|member| member.id.clone()).collect();
        for id in &ids {
            tracing::info!(group = %self.id, member = %id, "a member is removed: its time is over");
            self.remove(id, effects);
        }
        !ids.is_empty()
    }
}
