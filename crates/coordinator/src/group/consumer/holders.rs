//! [`Holders`]: which member has a partition, or has yet to give it up. Nobody else gets it before.

use super::{ConsumerMember, MemberId};
use model::TopicId;
use std::collections::BTreeMap;

/// The holder of each partition that has one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Holders(BTreeMap<TopicId, BTreeMap<u32, MemberId>>);

impl Holders {
    /// Whether somebody else than the member holds a partition.
    pub(super) fn is_held_by_another(
        &self,
        member: &MemberId,
        topic: TopicId,
        partition: u32,
    ) -> bool {
        let holder = self.0.get(&topic).and_then(|partitions| partitions.get(&partition));
        holder.is_some_and(|holder| holder != member)
    }

    /// Notes what a member holds.
    pub(super) fn add(&mut self, member: &ConsumerMember) {
        for (topic, partition) in held(member) {
            self.0.entry(topic).or_default().insert(partition, member.id.clone());
        }
    }

    /// Forgets it.
    pub(super) fn remove(&mut self, member: &ConsumerMember) {
        for (topic, partition) in held(member) {
            let Some(partitions) = self.0.get_mut(&topic) else { continue };
            if partitions.get(&partition) == Some(&member.id) {
                partitions.remove(&partition);
            }
            if partitions.is_empty() {
                self.0.remove(&topic);
            }
        }
    }
}

fn held(member: &ConsumerMember) -> impl Iterator<Item = (TopicId, u32)> {
    member.assigned.iter().chain(member.revoking.iter())
}
