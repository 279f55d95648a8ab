//! The `uniform` assignor: everybody gets as much as everybody else, as far as subscriptions allow, and keeps what it has
//! as far as that allows.

use super::{Partitions, Spec, Target};
use model::TopicId;
use std::collections::BTreeMap;

/// Changes the target as little as an even one allows.
pub(super) fn assign(spec: &Spec<'_>, target: &mut Target) {
    if spec.is_homogeneous() {
        level(spec, target);
    } else {
        balance(spec, target);
    }
}

/// All read the same: each gets the average, and some one more. Those that have one more keep it if they can.
fn level(spec: &Spec<'_>, target: &mut Target) {
    let Some(first) = spec.members.first() else { return };
    let read = spec.topics.iter().filter(|(topic, _)| first.topics.contains(topic));
    let read: BTreeMap<TopicId, u32> = read.map(|(topic, count)| (*topic, *count)).collect();
    let total: usize = read.values().map(|partitions| *partitions as usize).sum();
    let members = spec.members.len();
    let (average, mut extra) = (total / members, total % members);
    let mut free = Free::new(&read);
    for member in &spec.members {
        let Some(share) = target.get_mut(member.id) else { continue };
        free.keep(share);
        let allowed = average + usize::from(extra > 0);
        free.give_back(share, allowed);
        if share.len() > average {
            extra -= 1;
        }
    }
    let mut waiting = free.into_partitions();
    for member in &spec.members {
        let Some(share) = target.get_mut(member.id) else { continue };
        if share.len() > average {
            continue;
        }
        let one_more = usize::from(extra > 0);
        let missing = average + one_more - share.len();
        share.extend(waiting.by_ref().take(missing));
        extra -= one_more;
    }
}

/// They read different topics: what is free goes to the reader that has least, then whoever has two more than another
/// reader gives one away.
fn balance(spec: &Spec<'_>, target: &mut Target) {
    let readers = spec.readers();
    let mut free = Free::new(&spec.topics);
    let mut shares: Vec<Partitions> = Vec::with_capacity(spec.members.len());
    for member in &spec.members {
        let mut share = target.remove(member.id).unwrap_or_default();
        share.retain(|topic, _| member.topics.contains(&topic));
        free.keep(&mut share);
        shares.push(share);
    }
    let mut loads: Vec<usize> = shares.iter().map(Partitions::len).collect();
    // Topics with few readers first: those of the others can go elsewhere.
    let mut waiting: Vec<(TopicId, u32)> = free.into_partitions().collect();
    waiting.sort_by_key(|(topic, partition)| {
        (readers.get(topic).map_or(0, Vec::len), *topic, *partition)
    });
    for (topic, partition) in waiting {
        let least = readers.get(&topic).and_then(|readers| least_loaded(readers, &loads));
        if let Some(place) = least {
            give(&mut shares, &mut loads, place, (topic, partition));
        }
    }
    while readers.iter().fold(false, |moved, (topic, readers)| {
        even_out(*topic, readers, &mut shares, &mut loads) || moved
    }) {}
    for (member, share) in spec.members.iter().zip(shares) {
        target.insert(member.id.clone(), share);
    }
}

fn least_loaded(readers: &[usize], loads: &[usize]) -> Option<usize> {
    readers.iter().copied().min_by_key(|place| loads.get(*place))
}

fn give(
    shares: &mut [Partitions],
    loads: &mut [usize],
    place: usize,
    (topic, partition): (TopicId, u32),
) {
    if let (Some(share), Some(load)) = (shares.get_mut(place), loads.get_mut(place)) {
        share.insert(topic, partition);
        *load += 1;
    }
}

/// Moves a topic's partitions between its readers until none that has one has two more than another; whether any moved.
/// The sum of the loads' squares falls with each move, so this ends.
fn even_out(
    topic: TopicId,
    readers: &[usize],
    shares: &mut [Partitions],
    loads: &mut [usize],
) -> bool {
    let mut moved = false;
    let last_of = |share: &Partitions| {
        share.topics().find(|(it, _)| *it == topic).and_then(|(_, it)| it.last().copied())
    };
    loop {
        let holders = readers
            .iter()
            .copied()
            .filter_map(|place| Some((*loads.get(place)?, place, last_of(shares.get(place)?)?)));
        let Some((most, from, partition)) = holders.max_by_key(|(load, ..)| *load) else { break };
        let Some(to) = least_loaded(readers, loads) else { break };
        if most < loads.get(to).copied().unwrap_or(most) + 2 {
            break;
        }
        if let (Some(share), Some(load)) = (shares.get_mut(from), loads.get_mut(from)) {
            share.remove(topic, partition);
            *load -= 1;
        }
        give(shares, loads, to, (topic, partition));
        moved = true;
    }
    moved
}

/// Partitions that nobody has.
struct Free {
    taken: BTreeMap<TopicId, Vec<bool>>,
}

impl Free {
    fn new(topics: &BTreeMap<TopicId, u32>) -> Self {
        let taken = topics.iter().map(|(topic, count)| (*topic, vec![false; *count as usize]));
        Self { taken: taken.collect() }
    }

    /// Takes what is in a share, and out of the share what does not exist or is another's.
    fn keep(&mut self, share: &mut Partitions) {
        let mut lost = Vec::new();
        for (topic, partition) in share.iter() {
            let place = self.taken.get_mut(&topic).and_then(|it| it.get_mut(partition as usize));
            match place {
                Some(taken) if !*taken => *taken = true,
                _ => lost.push((topic, partition)),
            }
        }
        for (topic, partition) in lost {
            share.remove(topic, partition);
        }
    }

    /// Gives back what is in a share beyond so many.
    fn give_back(&mut self, share: &mut Partitions, allowed: usize) {
        if share.len() <= allowed {
            return;
        }
        let beyond: Vec<_> = share.iter().skip(allowed).collect();
        for (topic, partition) in beyond {
            share.remove(topic, partition);
            let place = self.taken.get_mut(&topic).and_then(|it| it.get_mut(partition as usize));
            if let Some(taken) = place {
                *taken = false;
            }
        }
    }

    /// Those that are left, in order.
    fn into_partitions(self) -> impl Iterator<Item = (TopicId, u32)> {
        self.taken.into_iter().flat_map(|(topic, taken)| {
            let free = (0..).zip(taken).filter(|(_, taken)| !taken);
            free.map(move |(partition, _)| (topic, partition)).collect::<Vec<_>>()
        })
    }
}
