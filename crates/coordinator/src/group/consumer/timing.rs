//! Deadlines of a group of the consumer protocol: members that fell silent, or do not give up what is not theirs.

use super::{ConsumerGroup, ConsumerMember, Effects, MemberId, Time, View, leave::Downgraded};

impl ConsumerGroup {
    /// When [`ConsumerGroup::tick`] has something to do, if nothing happens before.
    pub fn next_deadline(&self) -> Option<Time> {
        self.members.values().map(ConsumerMember::deadline).min()
    }

    /// Takes out whose time is over.
    pub(crate) fn tick(&mut self, view: &View<'_>, effects: &mut Effects) -> Downgraded {
        let late = self.members.values().filter(|member| member.deadline() <= view.now.time);
        let late: Vec<MemberId> = late.map(|member| member.id.clone()).collect();
        for id in &late {
            tracing::info!(group = %self.id, member = %id, "a member is removed: its time is over");
        }
        self.fence(&late, view, effects)
    }
}
