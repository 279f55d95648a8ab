//! The next step of one member towards its target: what it gives up first, what it gets.
//!
//! A member first gives up what is not its any more and says so; only then it enters the target's epoch. What others
//! still hold it gets later, as they let go.

use super::{ConsumerMember, MemberState, Partitions};
use model::TopicId;
use std::collections::BTreeSet;

/// Where a member is to go, and what is known of it.
pub(super) struct Goal<'a> {
    /// Epoch of the target assignment.
    pub(super) epoch: u32,
    /// Its target.
    pub(super) target: &'a Partitions,
    /// The topics that it reads.
    pub(super) subscribed: &'a BTreeSet<TopicId>,
    /// Whether it has just changed what it reads.
    pub(super) subscription_changed: bool,
    /// What it says it holds, if it says so.
    pub(super) owned: Option<&'a Partitions>,
    /// Whether another member holds a partition.
    pub(super) is_held: &'a dyn Fn(TopicId, u32) -> bool,
}

/// Where a member stands after a step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Standing {
    pub(super) epoch: u32,
    pub(super) previous_epoch: u32,
    pub(super) state: MemberState,
    pub(super) assigned: Partitions,
    pub(super) revoking: Partitions,
}

impl Goal<'_> {
    /// The member's next standing; `None` when it stays as it is.
    pub(super) fn next(&self, member: &ConsumerMember) -> Option<Standing> {
        let next = match member.state {
            MemberState::Stable if member.epoch == self.epoch => return None,
            MemberState::Revoking if self.still_holds(&member.revoking) => {
                return self.subscription_changed.then(|| self.revoke_unread(member)).flatten();
            }
            // One epoch at a time: a newer target counts from the next step on.
            MemberState::Revoking => self.step(member, (member.epoch + 1).min(self.epoch)),
            MemberState::Stable | MemberState::Waiting => self.step(member, member.epoch),
        };
        (next != Standing::of(member)).then_some(next)
    }

    /// A member that does not say what it holds may hold everything.
    fn still_holds(&self, revoking: &Partitions) -> bool {
        self.owned.is_none_or(|owned| owned.meets(revoking))
    }

    fn step(&self, member: &ConsumerMember, epoch: u32) -> Standing {
        let mut target = self.target.clone();
        target.retain(|topic, _| self.subscribed.contains(&topic));
        let (kept, revoking): (Vec<_>, Vec<_>) =
            member.assigned.iter().partition(|(topic, it)| target.contains(*topic, *it));
        let mut assigned: Partitions = kept.into_iter().collect();
        let revoking: Partitions = revoking.into_iter().collect();
        let previous_epoch = member.epoch;
        if !revoking.is_empty() && self.still_holds(&revoking) {
            let state = MemberState::Revoking;
            return Standing { epoch, previous_epoch, state, assigned, revoking };
        }
        let mut state = MemberState::Stable;
        for (topic, partition) in target.iter() {
            if assigned.contains(topic, partition) {
                continue;
            }
            if (self.is_held)(topic, partition) {
                state = MemberState::Waiting;
            } else {
                assigned.insert(topic, partition);
            }
        }
        let revoking = Partitions::default();
        Standing { epoch: self.epoch, previous_epoch, state, assigned, revoking }
    }

    /// It is revoking and now reads less: that goes too, at once.
    fn revoke_unread(&self, member: &ConsumerMember) -> Option<Standing> {
        let mut standing = Standing::of(member);
        standing.assigned.retain(|topic, _| self.subscribed.contains(&topic));
        let unread = member.assigned.iter().filter(|(topic, _)| !self.subscribed.contains(topic));
        standing.revoking.extend(unread);
        (standing.assigned != member.assigned).then_some(standing)
    }
}

impl Standing {
    fn of(member: &ConsumerMember) -> Self {
        Self {
            epoch: member.epoch,
            previous_epoch: member.previous_epoch,
            state: member.state,
            assigned: member.assigned.clone(),
            revoking: member.revoking.clone(),
        }
    }

    /// Puts the member there.
    pub(super) fn apply(self, member: &mut ConsumerMember) {
        member.epoch = self.epoch;
        member.previous_epoch = self.previous_epoch;
        member.state = self.state;
        member.assigned = self.assigned;
        member.revoking = self.revoking;
    }
}
