//! Which broker a partition goes to. Pure.
//!
//! What has no owner goes to the live broker with the fewest partitions of its topic, then with the fewest at all, then where the
//! topic has the fewest in a zone, then of the lowest id. What has one moves only as far as needed for the brokers' numbers of partitions to
//! differ by one at most; of which topic is chosen so that topics are spread, too.

use model::{BrokerId, PartitionId, TopicId};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How partitions are spread over the brokers that may have some.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spread {
    brokers: Vec<Load>,
    /// How many partitions of a topic each of `brokers` has, in their order.
    topics: HashMap<TopicId, Vec<u32>>,
}

/// A broker.
#[derive(Clone, Debug)]
struct Load {
    id: BrokerId,
    zone: Option<String>,
    partitions: usize,
}

impl Spread {
    /// No partitions yet, over these brokers and their zones.
    pub(crate) fn over(brokers: BTreeMap<BrokerId, Option<String>>) -> Self {
        let brokers = brokers.into_iter().map(|(id, zone)| Load { id, zone, partitions: 0 });
        Self { brokers: brokers.collect(), topics: HashMap::new() }
    }

    /// Counts a partition that a broker has; one that may not have any is left out.
    pub(crate) fn add(&mut self, partition: PartitionId, broker: BrokerId) {
        if let Ok(at) = self.brokers.binary_search_by_key(&broker, |load| load.id) {
            self.change(partition.topic, at, |count| count + 1);
        }
    }

    /// Gives a partition to the broker that is best for it; `None` without brokers.
    pub(crate) fn place(&mut self, partition: PartitionId) -> Option<BrokerId> {
        let none = vec![0; self.brokers.len()];
        let of_topic = self.topics.get(&partition.topic).unwrap_or(&none);
        let in_zone = |zone: &Option<String>| -> u32 {
            let loads = self.brokers.iter().zip(of_topic);
            loads.filter(|(load, _)| load.zone == *zone).map(|(_, count)| count).sum()
        };
        let best = self.brokers.iter().zip(of_topic).enumerate().min_by(|(_, a), (_, b)| {
            let counts = |(load, count): (&Load, &u32)| (*count, load.partitions);
            let by_counts = counts(*a).cmp(&counts(*b));
            by_counts.then_with(|| in_zone(&a.0.zone).cmp(&in_zone(&b.0.zone)))
        });
        let at = best.map(|(at, _)| at)?;
        self.change(partition.topic, at, |count| count + 1);
        self.brokers.get(at).map(|load| load.id)
    }

    fn change(&mut self, topic: TopicId, at: usize, change: impl Fn(usize) -> usize) {
        let none = || vec![0; self.brokers.len()];
        let of_topic = self.topics.entry(topic).or_insert_with(none);
        if let (Some(count), Some(load)) = (of_topic.get_mut(at), self.brokers.get_mut(at)) {
            *count = change(*count as usize) as u32;
            load.partitions = change(load.partitions);
        }
    }

    /// The places of the brokers with the most and the fewest partitions, when they differ by more than one.
    fn extremes(&self) -> Option<(usize, usize)> {
        let loads = || self.brokers.iter().enumerate();
        let (most, heavy) = loads().max_by_key(|(at, load)| (load.partitions, usize::MAX - at))?;
        let (least, light) = loads().min_by_key(|(_, load)| load.partitions)?;
        (heavy.partitions > light.partitions + 1).then_some((most, least))
    }

    fn surplus(&self, topic: TopicId, most: usize, least: usize) -> i64 {
        let count = |at: usize| self.topics.get(&topic).and_then(|it| it.get(at)).copied();
        i64::from(count(most).unwrap_or(0)) - i64::from(count(least).unwrap_or(0))
    }
}

/// Gives each partition a broker. With none that may have some, nothing is assigned.
pub(crate) fn assign(
    unassigned: impl IntoIterator<Item = PartitionId>,
    mut spread: Spread,
) -> Vec<(PartitionId, BrokerId)> {
    let placed = unassigned.into_iter().map_while(|it| Some((it, spread.place(it)?)));
    placed.collect()
}

/// The moves that even out `spread`, `limit` at most. `movable` are partitions that may move, with the brokers that have them.
pub(crate) fn even_out(
    mut spread: Spread,
    movable: impl IntoIterator<Item = (PartitionId, BrokerId)>,
    limit: usize,
) -> Vec<(PartitionId, BrokerId)> {
    let mut held: BTreeMap<BrokerId, BTreeMap<TopicId, BTreeSet<PartitionId>>> = BTreeMap::new();
    for (partition, broker) in movable {
        let of_broker = held.entry(broker).or_default();
        of_broker.entry(partition.topic).or_default().insert(partition);
    }
    let mut moves = Vec::new();
    while moves.len() < limit {
        let Some((most, least)) = spread.extremes() else { break };
        let (Some(from), Some(to)) = (spread.brokers.get(most), spread.brokers.get(least)) else {
            break;
        };
        let to = to.id;
        let Some(topics) = held.get_mut(&from.id) else { break };
        let best = topics.keys().copied().max_by_key(|topic| spread.surplus(*topic, most, least));
        let Some(topic) = best else { break };
        let Some(partitions) = topics.get_mut(&topic) else { break };
        let Some(partition) = partitions.pop_last() else { break };
        if partitions.is_empty() {
            topics.remove(&topic);
        }
        spread.change(topic, most, |count| count.saturating_sub(1));
        spread.change(topic, least, |count| count + 1);
        moves.push((partition, to));
    }
    moves
}

#[cfg(test)]
mod tests;
