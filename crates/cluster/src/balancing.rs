//! What the controller has moved by itself: everything away from brokers that leave, and a share to those that have too little. Pure.

use crate::{
    assignment::{LoadedBroker, Spread, even_load, even_out},
    loads::Carried,
    view::View,
};
use formats::metadata::Owner;
use model::{BrokerId, PartitionId};
use std::collections::{BTreeMap, BTreeSet};

/// Moves away from brokers that leave, in progress at the same time: their owners hand them over in batches.
const EVACUATIONS: usize = 400;

/// Moves for the sake of balance in progress at the same time: nobody waits for them.
const BALANCING: usize = 20;

/// A partition whose record lists so many sessions is left where it is until some of them have ended.
const LONG_HISTORY: usize = 64;

/// Brokers that may be given partitions, with their zones. Those on their way out get nothing.
pub(crate) fn eligible(view: &View) -> BTreeMap<BrokerId, Option<String>> {
    let live = view.sessions.keys().filter(|id| view.takes_partitions(id.get()));
    let zone = |id: &BrokerId| view.brokers.get(id).and_then(|it| it.value.rack.clone());
    live.map(|id| (*id, zone(id))).collect()
}

/// How partitions are spread now; those that move count for the broker that they move to.
pub(crate) fn spread(view: &View) -> Spread {
    let mut spread = Spread::over(eligible(view));
    for (partition, stored) in &view.owners {
        if let Some(broker) = destination(view, *partition, &stored.value) {
            spread.add(*partition, broker);
        }
    }
    spread
}

/// The broker that has a partition, or is about to get it; `None` for one whose owner is gone.
fn destination(view: &View, partition: PartitionId, record: &Owner) -> Option<BrokerId> {
    if view.is_over(record) {
        return None;
    }
    let moving = view.moves.get(&partition).map(|it| it.value.to);
    BrokerId::new(moving.unwrap_or(record.broker))
}

/// Where partitions of brokers that leave go next.
pub(crate) fn evacuations(view: &View) -> Vec<(PartitionId, BrokerId)> {
    let room = EVACUATIONS.saturating_sub(view.moves.len());
    let leaves = |record: &Owner| {
        let owner = BrokerId::new(record.broker).and_then(|id| view.brokers.get(&id));
        owner.is_some_and(|it| it.value.draining) && !view.is_over(record)
    };
    let left = view
        .owners
        .iter()
        .filter(|(partition, stored)| leaves(&stored.value) && !view.moves.contains_key(partition));
    let left: Vec<_> = left.map(|(partition, _)| *partition).take(room).collect();
    if left.is_empty() {
        return Vec::new();
    }
    crate::assignment::assign(left, spread(view))
}

/// Moves that make the spread more even.
pub(crate) fn balance(view: &View) -> Vec<(PartitionId, BrokerId)> {
    even_out(spread(view), movable(view), BALANCING.saturating_sub(view.moves.len()))
}

/// Moves between brokers that carry too much and others, where numbers of partitions are even. Who has told nothing is idle.
pub(crate) fn balance_by_load(
    view: &View,
    carried: &BTreeMap<BrokerId, Carried>,
) -> Vec<(PartitionId, BrokerId)> {
    let loaded = |broker| {
        let total = carried.get(&broker).map_or(0, |it| it.total);
        let (busy, quiet) = (BTreeMap::new(), BTreeSet::new());
        (broker, LoadedBroker { broker, total, busy, quiet })
    };
    let mut brokers: BTreeMap<_, _> = eligible(view).into_keys().map(loaded).collect();
    for (partition, owner) in movable(view) {
        let Some(broker) = brokers.get_mut(&owner) else { continue };
        match carried.get(&owner).and_then(|it| it.busiest.get(&partition)) {
            Some(bytes) => drop(broker.busy.insert(partition, *bytes)),
            None => drop(broker.quiet.insert(partition)),
        }
    }
    even_load(brokers.into_values().collect(), BALANCING.saturating_sub(view.moves.len()))
}

/// Partitions that may move for the sake of balance, with their owners.
fn movable(view: &View) -> impl Iterator<Item = (PartitionId, BrokerId)> {
    view.owners.iter().filter_map(|(partition, stored)| {
        let rests = !view.moves.contains_key(partition) && !view.is_over(&stored.value);
        let owner = BrokerId::new(stored.value.broker)?;
        let short = stored.value.unfolded.len() < LONG_HISTORY;
        (rests && short).then_some((*partition, owner))
    })
}
