//! The group's epoch and its target assignment: when they move on.

use super::{
    Assignor, ConsumerGroup, Effects, View,
    assignor::{Spec, SpecMember},
};
use model::TopicId;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// About what a partition takes in a stored target, and what a member does beside its id.
const PARTITION_BYTES: usize = 3;
const MEMBER_BYTES: usize = 16;

impl ConsumerGroup {
    /// Raises the epoch, if members changed (`must`) or what they read has.
    pub(super) fn follow_changes(&mut self, must: bool, view: &View<'_>, effects: &mut Effects) {
        let topics_changed = self.follow_topics(must, view);
        if must || topics_changed || self.epoch == 0 {
            self.epoch += 1;
            effects.store = true;
        }
    }

    /// Learns of the topics that members read; whether that is news. A look at the catalog's version is all it takes
    /// mostly.
    fn follow_topics(&mut self, must: bool, view: &View<'_>) -> bool {
        if !must && self.catalog_version == Some(view.catalog.version()) {
            return false;
        }
        let all_know = self.subscriptions.resolve(view);
        self.catalog_version = all_know.then(|| view.catalog.version());
        let read: BTreeSet<TopicId> =
            self.subscriptions.all_topics(view).into_values().flatten().collect();
        let counted =
            read.into_iter().filter_map(|id| Some((id, view.catalog.by_id(id)?.partitions)));
        let topics: BTreeMap<TopicId, u32> = counted.collect();
        if topics == self.topics {
            return false;
        }
        if !self.fits(&topics, view) {
            tracing::warn!(group = %self.id, "the partitions of the topics it reads can't be stored; it keeps those it had");
            return false;
        }
        self.topics = topics;
        true
    }

    /// Whether a target for these topics can be stored.
    pub(super) fn fits(&self, topics: &BTreeMap<TopicId, u32>, view: &View<'_>) -> bool {
        let partitions: usize = topics.values().map(|count| *count as usize).sum();
        let members: usize = self.members.keys().map(|id| id.len() + MEMBER_BYTES).sum();
        // A topic is named once, and referred to by each member that has some of it.
        let topics = topics.len() * (MEMBER_BYTES + 2 * PARTITION_BYTES);
        members + topics + 2 * PARTITION_BYTES * partitions <= view.limits.max_bytes
    }

    /// Computes a new target when the group's epoch is ahead of it.
    pub(super) fn assign(&mut self, view: &View<'_>, effects: &mut Effects) {
        if self.epoch <= self.assignment_epoch {
            return;
        }
        let assignor = self.assignor(view);
        let mut topics_of = self.subscriptions.all_topics(view);
        for topics in topics_of.values_mut() {
            topics.retain(|topic| self.topics.contains_key(topic));
        }
        let none = BTreeSet::new();
        let members = self.members.values().map(|member| SpecMember {
            id: &member.id,
            instance: member.instance.as_ref(),
            topics: topics_of.get(&member.subscription).unwrap_or(&none),
        });
        let spec = Spec { members: members.collect(), topics: self.topics.clone() };
        assignor.assign(&spec, &mut self.target);
        self.assignment_epoch = self.epoch;
        effects.store = true;
    }

    /// The assignor that most members ask for, else the broker's first.
    pub(super) fn assignor(&self, view: &View<'_>) -> Assignor {
        let mut votes: BTreeMap<Assignor, usize> = BTreeMap::new();
        for assignor in self.members.values().filter_map(|member| member.assignor) {
            *votes.entry(assignor).or_default() += 1;
        }
        let first = view.limits.consumer.assignors.first().copied().unwrap_or(Assignor::Uniform);
        votes.into_iter().max_by_key(|(_, members)| *members).map_or(first, |(most, _)| most)
    }

    /// The topics of a member that the group knows of.
    pub(super) fn topics_of(
        &self,
        subscription: &Arc<super::Subscription>,
        view: &View<'_>,
    ) -> BTreeSet<TopicId> {
        let mut topics = self.subscriptions.topics(subscription, view);
        topics.retain(|topic| self.topics.contains_key(topic));
        topics
    }
}
