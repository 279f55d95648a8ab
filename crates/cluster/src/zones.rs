//! Which brokers serve an owner's partitions to the consumers of other zones (KIP-392). Pure.
//!
//! An owner has one reader in each zone but its own, so that what it commits is told once to each zone. Readers are no record of
//! metadata: every broker draws the same from who lives where.

use crate::{BrokerInfo, Image, TopicInfo};
use model::{BrokerId, PartitionIndex};
use std::collections::BTreeMap;

/// The value of `replica.selector.class` under which consumers are sent to readers of their zones.
pub(crate) const RACK_AWARE: &str = "org.apache.kafka.common.replica.RackAwareReplicaSelector";

/// The readers of each owner, by zone.
pub(crate) type ZoneReaders = BTreeMap<BrokerId, Vec<BrokerId>>;

/// Draws them: a reader lives and stays; an owner that is gone keeps its readers, as what it committed can be read.
pub(crate) fn zone_readers<'a>(
    live: &BTreeMap<BrokerId, BrokerInfo>,
    owners: impl Iterator<Item = &'a BrokerInfo>,
) -> ZoneReaders {
    let mut zones: BTreeMap<&str, Vec<BrokerId>> = BTreeMap::new();
    for broker in live.values().filter(|broker| !broker.draining) {
        if let Some(rack) = &broker.rack {
            zones.entry(rack).or_default().push(broker.id);
        }
    }
    let readers = |owner: &BrokerInfo| {
        let others = zones.iter().filter(|(zone, _)| owner.rack.as_deref() != Some(**zone));
        let chosen = others.filter_map(|(_, brokers)| {
            let brokers = brokers.iter().filter(|id| **id != owner.id);
            brokers.max_by_key(|id| score(owner.id, **id)).copied()
        });
        chosen.collect()
    };
    owners.map(|owner| (owner.id, readers(owner))).collect()
}

/// Spreads owners over a zone's brokers so that one that comes or goes changes the readers of its own share only.
fn score(owner: BrokerId, reader: BrokerId) -> u64 {
    let pair = u64::from(owner.get()) << 32 | u64::from(reader.get());
    // The finaliser of splitmix64.
    let mixed = (pair ^ (pair >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl Image {
    /// The brokers that serve a partition to other zones, at most as many as its replication factor leaves room for.
    pub fn readers(
        &self,
        topic: &TopicInfo,
        partition: PartitionIndex,
    ) -> impl Iterator<Item = BrokerId> {
        let info = topic.partitions.get(partition.get() as usize);
        let owner = info.and_then(|info| info.owner);
        let readers = owner.and_then(|owner| self.zone_readers.get(&owner));
        let readers = readers.map_or(&[][..], Vec::as_slice);
        let count = readers.len().min(usize::from(topic.replication_factor).saturating_sub(1));
        let first = partition.get() as usize % readers.len().max(1);
        readers.iter().copied().cycle().skip(first).take(count)
    }

    /// Whether `broker` serves the partition to its zone.
    pub fn is_reader(
        &self,
        broker: BrokerId,
        topic: &TopicInfo,
        partition: PartitionIndex,
    ) -> bool {
        self.readers(topic, partition).any(|reader| reader == broker)
    }

    /// The live owners whose partitions `broker` serves to its zone.
    pub fn followed_by(&self, broker: BrokerId) -> impl Iterator<Item = &BrokerInfo> {
        let followed = self.zone_readers.iter().filter(move |(_, it)| it.contains(&broker));
        followed.filter_map(|(owner, _)| self.brokers.get(owner))
    }

    /// A broker's zone.
    pub fn rack_of(&self, broker: BrokerId) -> Option<&str> {
        self.brokers.get(&broker)?.rack.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(id: u32) -> BrokerId {
        BrokerId::new(id).unwrap()
    }

    fn brokers(racks: &[(u32, Option<&str>)]) -> BTreeMap<BrokerId, BrokerInfo> {
        let info = |&(number, rack): &(u32, Option<&str>)| BrokerInfo {
            id: id(number),
            endpoints: Vec::new(),
            rack: rack.map(str::to_owned),
            draining: false,
        };
        racks.iter().map(|it| (id(it.0), info(it))).collect()
    }

    fn readers(live: &BTreeMap<BrokerId, BrokerInfo>, owner: u32) -> Vec<u32> {
        let drawn = zone_readers(live, live.values());
        drawn[&id(owner)].iter().map(|it| it.get()).collect()
    }

    #[test]
    fn an_owner_has_one_reader_in_each_other_zone() {
        let live = brokers(&[(1, Some("a")), (2, Some("b")), (3, Some("c")), (4, Some("a"))]);
        assert_eq!(readers(&live, 1), [2, 3]);
        let of_b = readers(&live, 2);
        assert!(of_b == [1, 3] || of_b == [4, 3], "{of_b:?}");
    }

    #[test]
    fn brokers_without_a_zone_read_for_nobody() {
        assert!(readers(&brokers(&[(1, None), (2, None)]), 1).is_empty());
        let live = brokers(&[(1, None), (2, Some("b"))]);
        assert_eq!(readers(&live, 1), [2], "an owner may have none");
        assert!(readers(&live, 2).is_empty());
    }

    #[test]
    fn one_that_leaves_reads_for_nobody_any_more() {
        let mut live = brokers(&[(1, Some("a")), (2, Some("b"))]);
        live.get_mut(&id(2)).unwrap().draining = true;
        assert!(readers(&live, 1).is_empty());
        assert_eq!(readers(&live, 2), [1]);
    }

    #[test]
    fn owners_are_spread_over_the_brokers_of_a_zone_and_few_change_readers() {
        let mut racks: Vec<_> = (1..=90).map(|number| (number, Some("a"))).collect();
        racks.extend((101..=103).map(|number| (number, Some("b"))));
        let before = zone_readers(&brokers(&racks), brokers(&racks).values());
        let count = |reader: u32| before.values().filter(|it| it.contains(&id(reader))).count();
        assert!((101..=103).all(|reader| (15..=45).contains(&count(reader))));
        racks.pop();
        let after = zone_readers(&brokers(&racks), brokers(&racks).values());
        let kept = before.iter().filter(|(owner, readers)| after.get(owner) == Some(readers));
        assert!(kept.count() >= 90 - count(103));
    }
}
