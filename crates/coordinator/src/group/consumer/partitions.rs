//! [`Partitions`]: a set of partitions, by topic.

use model::TopicId;
use std::collections::{BTreeMap, BTreeSet};

/// A set of partitions. No topic in it is without any.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Partitions(BTreeMap<TopicId, BTreeSet<u32>>);

impl Partitions {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.values().map(BTreeSet::len).sum()
    }

    /// Whether a partition is among them.
    pub fn contains(&self, topic: TopicId, partition: u32) -> bool {
        self.0.get(&topic).is_some_and(|partitions| partitions.contains(&partition))
    }

    /// Every partition, in order.
    pub fn iter(&self) -> impl Iterator<Item = (TopicId, u32)> {
        self.topics().flat_map(|(topic, partitions)| partitions.iter().map(move |it| (topic, *it)))
    }

    /// Every topic with its partitions, in order.
    pub fn topics(&self) -> impl Iterator<Item = (TopicId, &BTreeSet<u32>)> {
        self.0.iter().map(|(topic, partitions)| (*topic, partitions))
    }

    /// Adds one.
    pub fn insert(&mut self, topic: TopicId, partition: u32) {
        self.0.entry(topic).or_default().insert(partition);
    }

    /// Takes one out; whether it was there.
    pub fn remove(&mut self, topic: TopicId, partition: u32) -> bool {
        let Some(partitions) = self.0.get_mut(&topic) else { return false };
        let removed = partitions.remove(&partition);
        if partitions.is_empty() {
            self.0.remove(&topic);
        }
        removed
    }

    /// Keeps those that pass.
    pub fn retain(&mut self, passes: impl Fn(TopicId, u32) -> bool) {
        self.0.retain(|topic, partitions| {
            partitions.retain(|partition| passes(*topic, *partition));
            !partitions.is_empty()
        });
    }

    /// Whether all of them are among `others`.
    pub fn is_within(&self, others: &Self) -> bool {
        self.iter().all(|(topic, partition)| others.contains(topic, partition))
    }

    /// Whether any of them is among `others`.
    pub fn meets(&self, others: &Self) -> bool {
        self.iter().any(|(topic, partition)| others.contains(topic, partition))
    }
}

impl Extend<(TopicId, u32)> for Partitions {
    fn extend<I: IntoIterator<Item = (TopicId, u32)>>(&mut self, partitions: I) {
        for (topic, partition) in partitions {
            self.insert(topic, partition);
        }
    }
}

impl FromIterator<(TopicId, u32)> for Partitions {
    fn from_iter<I: IntoIterator<Item = (TopicId, u32)>>(partitions: I) -> Self {
        let mut all = Self::default();
        all.extend(partitions);
        all
    }
}
