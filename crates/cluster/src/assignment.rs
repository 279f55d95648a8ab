//! Which broker a partition goes to. Pure.
//!
//! What has no owner goes to the live broker with the fewest partitions of its topic, then with the fewest at all, then where the
//! topic has the fewest in a zone, then of the lowest id. What has one moves only as far as needed for the brokers' numbers of partitions to
//! differ by one at most; of which topic is chosen so that topics are spread, too. When that is so, brokers that carry much change partitions
//! with brokers that carry little ([`even_load`]).

use model::{BrokerId, PartitionId, TopicId};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
};

/// A broker whose load is above the mean by no more than one part in so many is left alone.
const TOLERANCE: u64 = 5;

/// What a broker must carry beyond the mean, in bytes of records a second, for anything to be moved.
const WORTH_MOVING: u64 = 1 << 20;

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

/// What a broker carries, and what of it may move. In bytes of records a second.
#[derive(Clone, Debug)]
pub(crate) struct LoadedBroker {
    pub broker: BrokerId,
    /// With what may not move.
    pub total: u64,
    /// Partitions that carry something.
    pub busy: BTreeMap<PartitionId, u64>,
    /// Partitions that carry next to nothing.
    pub quiet: BTreeSet<PartitionId>,
}

impl LoadedBroker {
    /// Partitions that could be taken in exchange for one of `topic`: all that are busy and, of the others, one that is of the topic if it can be.
    fn offers(&self, topic: TopicId) -> impl Iterator<Item = (PartitionId, u64)> {
        let quiet = self.quiet.iter();
        let of_topic = quiet.clone().find(|it| it.topic == topic);
        let quiet = of_topic.or(self.quiet.first()).map(|it| (*it, 0));
        self.busy.iter().map(|(it, bytes)| (*it, *bytes)).chain(quiet)
    }

    fn forget(&mut self, partition: PartitionId) {
        self.busy.remove(&partition);
        self.quiet.remove(&partition);
    }
}

/// Two partitions that change places.
#[derive(Clone, Copy, Debug)]
struct Swap {
    given: PartitionId,
    taken: PartitionId,
    /// By how much the one that gives then carries less.
    bytes: u64,
}

/// The moves that bring what brokers carry closer together, `limit` at most: each time, the broker that carries the most changes one partition
/// with one that carries little, until it is within a fifth of the mean. Numbers of partitions stay as they are.
pub(crate) fn even_load(
    mut brokers: Vec<LoadedBroker>,
    limit: usize,
) -> Vec<(PartitionId, BrokerId)> {
    let mut moves = Vec::new();
    let count = (brokers.len() as u64).max(1);
    let mean = brokers.iter().map(|it| it.total).sum::<u64>() / count;
    let tolerated = WORTH_MOVING.max(mean / TOLERANCE);
    while moves.len() + 2 <= limit {
        brokers.sort_by_key(|it| (Reverse(it.total), it.broker));
        let Some((heavy, others)) = brokers.split_first_mut() else { break };
        if heavy.total - mean <= tolerated {
            break;
        }
        let swap = others.iter_mut().rev().find_map(|light| {
            let swap = best_swap(heavy, light, tolerated / 4)?;
            Some((light, swap))
        });
        let Some((light, Swap { given, taken, bytes })) = swap else { break };
        moves.extend([(given, light.broker), (taken, heavy.broker)]);
        heavy.total -= bytes;
        light.total += bytes;
        // Neither moves again: what they carry there is to be measured first.
        heavy.forget(given);
        light.forget(taken);
    }
    moves
}

/// The swap after which the two carry as nearly the same as they can; among those that are about as good, one within a topic, so that topics
/// stay spread. `None` when none shifts as much as `least`.
fn best_swap(heavy: &LoadedBroker, light: &LoadedBroker, least: u64) -> Option<Swap> {
    let gap = heavy.total.checked_sub(light.total)?;
    let swaps = heavy.busy.iter().flat_map(|(given, bytes)| {
        let offers = light.offers(given.topic);
        offers.filter_map(|(taken, offered)| {
            let bytes = bytes.checked_sub(offered)?;
            Some(Swap { given: *given, taken, bytes })
        })
    });
    // Beyond the whole gap, the two would only change roles.
    let useful = swaps.filter(|it| it.bytes >= least.max(1) && it.bytes < gap);
    useful.min_by_key(|it| {
        let left = gap.abs_diff(2 * it.bytes);
        let unlike = it.given.topic != it.taken.topic;
        (left / least.max(1), unlike, left, it.bytes, it.given, it.taken)
    })
}

#[cfg(test)]
mod tests;
