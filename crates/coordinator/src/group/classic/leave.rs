//! Leaving: of a member's own will, or removed by an operator (KIP-345).

use super::{ClassicGroup, Effects, GroupError, GroupLimits, InstanceId, MemberId, Now};

/// Who leaves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leaver {
    /// Its id; may be empty when the instance is named.
    pub member: MemberId,
    /// Its instance.
    pub instance: Option<InstanceId>,
}

impl ClassicGroup {
    /// Members leave; one answer for each.
    pub fn leave(
        &mut self,
        leavers: &[Leaver],
        limits: &GroupLimits,
        now: Now,
    ) -> (Vec<Result<(), GroupError>>, Effects) {
        let mut effects = Effects::default();
        let members = self.members.len();
        let results = leavers.iter().map(|leaver| self.leave_one(leaver, &mut effects)).collect();
        if self.members.len() < members {
            self.rebalance(limits, now, &mut effects);
        } else {
            self.complete_when_all_joined(now, &mut effects);
        }
        (results, effects)
    }

    fn leave_one(&mut self, leaver: &Leaver, effects: &mut Effects) -> Result<(), GroupError> {
        if leaver.instance.is_none() && self.pending.remove(&leaver.member).is_some() {
            return Ok(());
        }
        let by_instance = match &leaver.instance {
            Some(instance) if leaver.member.is_empty() => {
                Some(self.instances.get(instance).cloned().ok_or(GroupError::UnknownMemberId)?)
            }
            _ => None,
        };
        let id = by_instance.unwrap_or_else(|| leaver.member.clone());
        self.check_member(&id, leaver.instance.as_deref())?;
        self.remove(&id, effects);
        Ok(())
    }
}
