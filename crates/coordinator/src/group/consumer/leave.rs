//! Leaving a group of the consumer protocol: for good, for a while (static members), or removed.

use super::{
    ConsumerAnswer, ConsumerGroup, Effects, GroupError, InstanceId, MemberId, Partitions, View,
};
use crate::group::{ClassicGroup, Leaver};
use std::time::Duration;

/// A member that leaves by a heartbeat.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsumerLeave {
    /// Its id.
    pub member: MemberId,
    /// Its instance, when static.
    pub instance: Option<InstanceId>,
    /// Whether it will be back: its share is kept for as long as its session lasts.
    pub for_a_while: bool,
}

/// What a group becomes by the loss of members: a classic one, if only such members are left.
pub(crate) type Downgraded = Option<ClassicGroup>;

impl ConsumerGroup {
    /// A member leaves.
    ///
    /// # Errors
    /// `UnknownMemberId`, `FencedInstanceId`.
    pub fn consumer_leave(
        &mut self,
        leave: &ConsumerLeave,
        view: &View<'_>,
        effects: &mut Effects,
    ) -> Result<(ConsumerAnswer, Downgraded), GroupError> {
        let id = self.speaker(&leave.member, leave.instance.as_deref())?.id.clone();
        let for_a_while = leave.for_a_while && leave.instance.is_some();
        let answer = ConsumerAnswer {
            member: id.clone(),
            epoch: if for_a_while { -2 } else { -1 },
            interval: Duration::ZERO,
            assignment: None,
        };
        if !for_a_while {
            return Ok((answer, self.fence(&[id], view, effects)));
        }
        if let Some(mut member) = self.take(&id) {
            member.away = true;
            // Nobody is there who would still use it.
            member.revoking = Partitions::default();
            self.put(member);
            effects.put(&id);
        }
        Ok((answer, None))
    }

    /// Members leave by the request of the classic protocol, which an operator uses too; one answer for each.
    pub fn leave(
        &mut self,
        leavers: &[Leaver],
        view: &View<'_>,
        effects: &mut Effects,
    ) -> (Vec<Result<(), GroupError>>, Downgraded) {
        let found: Vec<_> = leavers.iter().map(|leaver| self.leaving(leaver)).collect();
        let ids: Vec<MemberId> = found.iter().flatten().cloned().collect();
        let downgraded = self.fence(&ids, view, effects);
        (found.into_iter().map(|found| found.map(drop)).collect(), downgraded)
    }

    fn leaving(&self, leaver: &Leaver) -> Result<MemberId, GroupError> {
        if let Some(instance) = &leaver.instance
            && leaver.member.is_empty()
        {
            let member = self.static_member(instance).ok_or(GroupError::UnknownMemberId)?;
            return Ok(member.id.clone());
        }
        Ok(self.speaker(&leaver.member, leaver.instance.as_deref())?.id.clone())
    }

    /// Takes members out. The others get their share when the next one of them is heard from.
    pub(super) fn fence(
        &mut self,
        ids: &[MemberId],
        view: &View<'_>,
        effects: &mut Effects,
    ) -> Downgraded {
        let mut any = false;
        for id in ids {
            any |= self.take(id).is_some();
            self.target.remove(id);
            effects.delete(id);
        }
        if !any {
            return None;
        }
        if let Some(classic) = self.downgraded(true, view, effects) {
            return Some(classic);
        }
        self.follow_changes(true, view, effects);
        if self.is_empty() {
            self.empty_since_unix_ms = view.now.unix_ms;
        }
        None
    }
}
