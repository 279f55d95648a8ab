//! Which broker an unassigned partition goes to. Pure.
//!
//! Nothing that has an owner moves; what has none goes to the live broker with the fewest partitions, the lowest id first.

use model::{BrokerId, PartitionId};
use std::collections::BTreeMap;

/// Gives each partition a broker. `load` is how many partitions each eligible broker has; with none, nothing is assigned.
pub(crate) fn assign(
    unassigned: impl IntoIterator<Item = PartitionId>,
    mut load: BTreeMap<BrokerId, usize>,
) -> Vec<(PartitionId, BrokerId)> {
    let mut assigned = Vec::new();
    for partition in unassigned {
        let Some((broker, count)) =
            load.iter_mut().min_by_key(|(broker, count)| (**count, **broker))
        else {
            break;
        };
        *count += 1;
        assigned.push((partition, *broker));
    }
    assigned
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{PartitionIndex, TopicId};
    use proptest::prelude::*;

    fn partitions(count: u32) -> Vec<PartitionId> {
        let topic = TopicId::from_bytes([1; 16]);
        (0..count)
            .map(|index| PartitionId { topic, partition: PartitionIndex::new(index).unwrap() })
            .collect()
    }

    fn loads(counts: &[usize]) -> BTreeMap<BrokerId, usize> {
        counts.iter().enumerate().map(|(i, n)| (BrokerId::new(i as u32).unwrap(), *n)).collect()
    }

    #[test]
    fn without_a_broker_nothing_is_assigned() {
        assert!(assign(partitions(3), loads(&[])).is_empty());
    }

    #[test]
    fn the_least_loaded_broker_is_filled_first() {
        let targets: Vec<_> =
            assign(partitions(3), loads(&[5, 3])).into_iter().map(|(_, b)| b.get()).collect();
        assert_eq!(targets, [1, 1, 0]);
    }

    proptest! {
        #[test]
        fn every_partition_gets_one_broker_and_new_ones_differ_by_at_most_one(count in 0..200_u32, brokers in 1..9_usize) {
            let assigned = assign(partitions(count), loads(&vec![0; brokers]));
            prop_assert_eq!(assigned.len(), count as usize);
            let mut per_broker = loads(&vec![0; brokers]);
            for (_, broker) in assigned {
                *per_broker.get_mut(&broker).unwrap() += 1;
            }
            let (least, most) = (per_broker.values().min().unwrap(), per_broker.values().max().unwrap());
            prop_assert!(most - least <= 1);
        }
    }
}
