use super::*;
use model::PartitionIndex;
use proptest::prelude::*;

fn partition(topic: u8, index: u32) -> PartitionId {
    let topic = TopicId::from_bytes([topic; 16]);
    PartitionId { topic, partition: PartitionIndex::new(index).unwrap() }
}

fn partitions(topic: u8, count: u32) -> Vec<PartitionId> {
    (0..count).map(|index| partition(topic, index)).collect()
}

fn broker(number: u32) -> BrokerId {
    BrokerId::new(number).unwrap()
}

fn spread_over(count: u32) -> Spread {
    Spread::over((0..count).map(|number| (broker(number), None)).collect())
}

/// Brokers with so many partitions, each of a topic of its own.
fn loaded(counts: &[u8]) -> Spread {
    let mut spread = spread_over(counts.len() as u32);
    let mut topic = 100;
    for (number, count) in counts.iter().enumerate() {
        for _ in 0..*count {
            spread.add(partition(topic, 0), broker(number as u32));
            topic += 1;
        }
    }
    spread
}

fn targets(assigned: &[(PartitionId, BrokerId)]) -> Vec<u32> {
    assigned.iter().map(|(_, broker)| broker.get()).collect()
}

fn counts(placed: &[(PartitionId, BrokerId)], brokers: u32) -> Vec<usize> {
    let count = |number| placed.iter().filter(|(_, it)| *it == broker(number)).count();
    (0..brokers).map(count).collect()
}

fn apply(placed: &mut [(PartitionId, BrokerId)], moves: &[(PartitionId, BrokerId)]) {
    let to: BTreeMap<_, _> = moves.iter().copied().collect();
    for (partition, broker) in placed {
        *broker = to.get(partition).copied().unwrap_or(*broker);
    }
}

fn spread_of(placed: &[(PartitionId, BrokerId)], brokers: u32) -> Spread {
    let mut spread = spread_over(brokers);
    for (partition, broker) in placed {
        spread.add(*partition, *broker);
    }
    spread
}

#[test]
fn without_a_broker_nothing_is_assigned() {
    assert!(assign(partitions(1, 3), spread_over(0)).is_empty());
}

#[test]
fn the_least_loaded_broker_is_filled_first() {
    let alone = [partition(1, 0), partition(2, 0), partition(3, 0)];
    assert_eq!(targets(&assign(alone, loaded(&[5, 3]))), [1, 1, 0]);
}

#[test]
fn a_topic_is_spread_even_over_brokers_of_unlike_load() {
    assert_eq!(targets(&assign(partitions(1, 4), loaded(&[9, 0]))), [1, 0, 1, 0]);
}

#[test]
fn a_topic_is_spread_over_zones_among_brokers_of_like_load() {
    let zones = [(0, "a"), (1, "a"), (2, "b")];
    let zones = zones.map(|(number, zone)| (broker(number), Some(zone.to_owned())));
    let assigned = assign(partitions(1, 2), Spread::over(zones.into()));
    assert_eq!(targets(&assigned), [0, 2]);
}

#[test]
fn a_new_broker_gets_its_share_and_nothing_else_moves() {
    let mut placed = assign(partitions(1, 9), spread_over(2));
    let moves = even_out(spread_of(&placed, 3), placed.clone(), usize::MAX);
    assert!(moves.iter().all(|(_, to)| *to == broker(2)));
    assert_eq!(moves.len(), 3);
    apply(&mut placed, &moves);
    assert_eq!(counts(&placed, 3), [3, 3, 3]);
}

#[test]
fn a_new_broker_gets_a_share_of_each_topic() {
    let mut placed = assign(partitions(1, 6), spread_over(2));
    let second = assign(partitions(2, 6), spread_of(&placed, 2));
    placed.extend(second);
    let moves = even_out(spread_of(&placed, 3), placed.clone(), usize::MAX);
    let of_first = moves.iter().filter(|(it, _)| it.topic == partition(1, 0).topic).count();
    assert_eq!((moves.len(), of_first), (4, 2));
}

#[test]
fn no_more_moves_are_made_than_allowed() {
    let placed = assign(partitions(1, 90), spread_over(1));
    assert_eq!(even_out(spread_of(&placed, 3), placed.clone(), 4).len(), 4);
}

#[test]
fn what_may_not_move_stays() {
    let placed = assign(partitions(1, 10), spread_over(1));
    let movable = placed.iter().copied().take(2);
    assert_eq!(even_out(spread_of(&placed, 2), movable, usize::MAX).len(), 2);
}

proptest! {
    #[test]
    fn every_partition_gets_one_broker_and_loads_differ_by_at_most_one(
        topics in proptest::collection::vec(1..20_u32, 0..20),
        brokers in 1..9_u32,
    ) {
        let all = topics.iter().zip(1..).flat_map(|(count, topic)| partitions(topic, *count));
        let all: Vec<_> = all.collect();
        let placed = assign(all.clone(), spread_over(brokers));
        prop_assert_eq!(placed.len(), all.len());
        let counts = counts(&placed, brokers);
        prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1);
    }

    #[test]
    fn evening_out_moves_each_partition_once_and_no_more_than_needed(
        owners in proptest::collection::vec((1..6_u8, 0..8_u32), 0..120),
        brokers in 1..8_u32,
    ) {
        let placed = owners.iter().zip(0..).map(|((topic, owner), index)| {
            (partition(*topic, index), broker(owner % brokers))
        });
        let mut placed: Vec<_> = placed.collect();
        let before = counts(&placed, brokers);
        let moves = even_out(spread_of(&placed, brokers), placed.clone(), usize::MAX);
        let moved: BTreeSet<_> = moves.iter().map(|(partition, _)| *partition).collect();
        prop_assert_eq!(moved.len(), moves.len());
        apply(&mut placed, &moves);
        let after = counts(&placed, brokers);
        prop_assert!(after.iter().max().unwrap() - after.iter().min().unwrap() <= 1);
        let gained: usize = before.iter().zip(&after).map(|(b, a)| a.saturating_sub(*b)).sum();
        prop_assert_eq!(gained, moves.len());
    }
}

/// Not an assertion of time: `cargo test -p cluster --release assignment -- --ignored --nocapture` prints it.
#[test]
#[ignore = "prints how long decisions about 100,000 partitions take"]
#[expect(clippy::disallowed_methods, reason = "it measures")]
fn decisions_about_100_000_partitions() {
    let all: Vec<_> = (0..250).flat_map(|topic| partitions(topic, 400)).collect();
    let started = std::time::Instant::now();
    let placed = assign(all, spread_over(30));
    println!("{} assigned in {:?}", placed.len(), started.elapsed());
    let started = std::time::Instant::now();
    let moves = even_out(spread_of(&placed, 31), placed.clone(), usize::MAX);
    println!("{} moves to a 31st broker in {:?}", moves.len(), started.elapsed());
}
