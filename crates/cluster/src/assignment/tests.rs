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

/// Brokers that carry these bytes in partitions of topic 1, and have `quiet` partitions of topic 2 each.
fn carrying(loads: &[&[u64]], quiet: u32) -> Vec<LoadedBroker> {
    let mut next = 0..;
    let mut index = || next.next().unwrap();
    let brokers = loads.iter().enumerate().map(|(number, loads)| LoadedBroker {
        broker: broker(number as u32),
        total: loads.iter().sum(),
        busy: loads.iter().map(|bytes| (partition(1, index()), *bytes)).collect(),
        quiet: (0..quiet).map(|_| partition(2, index())).collect(),
    });
    brokers.collect()
}

/// What brokers carry after moves; numbers of partitions must be what they were.
fn totals(before: &[LoadedBroker], moves: &[(PartitionId, BrokerId)]) -> Vec<u64> {
    let place = |partition: &PartitionId, at: BrokerId| {
        moves.iter().rev().find(|(it, _)| it == partition).map_or(at, |(_, to)| *to)
    };
    let count = |at: BrokerId| {
        let held = before.iter().flat_map(|it| {
            it.busy.keys().chain(&it.quiet).map(move |partition| (partition, it.broker))
        });
        held.filter(|(partition, from)| place(partition, *from) == at).count()
    };
    for it in before {
        assert_eq!(count(it.broker), it.busy.len() + it.quiet.len());
    }
    let busy = || before.iter().flat_map(|it| it.busy.iter().map(move |load| (it.broker, load)));
    let carried = |at: BrokerId| {
        busy().filter(|(from, (it, _))| place(it, *from) == at).map(|(_, (_, bytes))| *bytes).sum()
    };
    before.iter().map(|it| carried(it.broker)).collect()
}

const MB: u64 = 1_000_000;

#[test]
fn busy_partitions_change_places_with_quiet_ones() {
    let before = carrying(&[&[20 * MB, 20 * MB, 20 * MB], &[], &[]], 4);
    let moves = even_load(before.clone(), usize::MAX);
    assert_eq!(totals(&before, &moves), [20 * MB; 3]);
    assert_eq!(moves.len(), 4);
}

#[test]
fn one_that_is_of_the_same_topic_goes_first() {
    let mut before = carrying(&[&[20 * MB, 20 * MB], &[]], 2);
    before[1].quiet.insert(partition(1, 99));
    let moves = even_load(before, usize::MAX);
    assert_eq!(moves, [(partition(1, 0), broker(1)), (partition(1, 99), broker(0))]);
}

#[test]
fn what_is_about_even_or_little_stays() {
    for loads in [[24 * MB, 18 * MB], [MB, 0], [0, 0]] {
        let before = carrying(&[&[loads[0] / 2, loads[0] / 2], &[loads[1]]], 3);
        assert_eq!(even_load(before, usize::MAX), [], "{loads:?}");
    }
    assert_eq!(even_load(Vec::new(), usize::MAX), []);
}

#[test]
fn one_partition_that_carries_more_than_a_share_gets_room() {
    let before = carrying(&[&[90 * MB, 10 * MB, 10 * MB], &[10 * MB]], 3);
    let moves = even_load(before.clone(), usize::MAX);
    assert_eq!(totals(&before, &moves).into_iter().max(), Some(90 * MB));
    let alone = carrying(&[&[90 * MB], &[]], 3);
    assert_eq!(even_load(alone, usize::MAX), [], "the two would only change roles");
}

#[test]
fn a_limit_is_kept_by_whole_swaps() {
    let before = carrying(&[&[4 * MB; 30], &[]], 40);
    assert_eq!(even_load(before.clone(), 5).len(), 4);
    let moves = even_load(before.clone(), usize::MAX);
    assert!(totals(&before, &moves)[0] <= 72 * MB);
}

proptest! {
    #[test]
    fn the_broker_that_carries_the_most_carries_no_more_than_before(
        loads in proptest::collection::vec(proptest::collection::vec(0..50 * MB, 0..12), 1..7),
        quiet in 0..5_u32,
    ) {
        let loads: Vec<&[u64]> = loads.iter().map(Vec::as_slice).collect();
        let before = carrying(&loads, quiet);
        let moves = even_load(before.clone(), usize::MAX);
        let after = totals(&before, &moves);
        let most = before.iter().map(|it| it.total).max().unwrap();
        prop_assert!(after.iter().max().unwrap() <= &most);
        let moved: BTreeSet<_> = moves.iter().map(|(it, _)| *it).collect();
        prop_assert_eq!(moved.len(), moves.len(), "a partition moves once");
    }

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
