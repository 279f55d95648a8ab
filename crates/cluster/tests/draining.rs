//! A broker that leaves hands everything over; one that is new or returns gets its share, when that is wanted.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use model::{BrokerId, PartitionId, TopicId};
use std::{collections::BTreeMap, time::Duration};
use support::{Disk, Node, PATIENCE, World, partition, topic};

const OBJECT: [(&str, &str); 1] = [("durability.mode", "object")];
const INTERVAL: Duration = Duration::from_secs(30);
/// How long others are waited for when a broker came.
const SETTLING: Duration = Duration::from_secs(10);

async fn join(world: &World, broker: u32) -> Node {
    let node = world.start_balancing(broker, &Disk::new(broker as u8), INTERVAL).await.unwrap();
    node.until_ready().await;
    node.until("a controller", || node.cluster.image().controller.is_some()).await;
    node
}

/// Brokers 1 to `count`, of which the first is the controller and knows the others.
async fn cluster_of(world: &World, count: u32) -> Vec<Node> {
    let mut nodes = Vec::new();
    for broker in 1..=count {
        nodes.push(join(world, broker).await);
    }
    see(nodes.first().unwrap(), count).await;
    nodes
}

async fn see(node: &Node, count: u32) {
    node.until("all in sight", || node.cluster.image().brokers.len() == count as usize).await;
}

/// How many partitions each broker owns.
async fn shares(world: &World, topic: TopicId, count: u32) -> BTreeMap<u32, usize> {
    let mut shares = BTreeMap::new();
    for index in 0..count {
        let owner = world.owner(partition(topic, index)).await.unwrap();
        *shares.entry(owner.broker).or_default() += 1;
    }
    shares
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_leaves_hands_everything_over_before() {
    let world = World::new();
    let mut nodes = cluster_of(&world, 3).await;
    let id = nodes[0].create(topic("t", 90, &OBJECT)).await;
    assert_eq!(shares(&world, id, 90).await, [(1, 30), (2, 30), (3, 30)].into());
    // The controller itself.
    let first = nodes.remove(0);
    assert_eq!(first.cluster.hand_off(PATIENCE).await.unwrap(), 0);
    assert!(!first.cluster.is_ready());
    assert_eq!(shares(&world, id, 90).await, [(2, 45), (3, 45)].into());
    assert_eq!(first.cluster.hand_off(PATIENCE).await.unwrap(), 0, "it may be asked again");
    first.leave().await;
    see(&nodes[0], 2).await;
    let next = [BrokerId::new(2), BrokerId::new(3)];
    nodes[0].until("a controller", || next.contains(&nodes[0].cluster.image().controller)).await;
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_is_alone_leaves_without_waiting() {
    let world = World::new();
    let nodes = cluster_of(&world, 1).await;
    nodes[0].create(topic("t", 5, &OBJECT)).await;
    let started = tokio::time::Instant::now();
    assert_eq!(nodes[0].cluster.hand_off(PATIENCE).await.unwrap(), 5);
    assert!(started.elapsed() < PATIENCE);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_handed_over_in_time_is_left() {
    let world = World::new();
    let nodes = cluster_of(&world, 2).await;
    let id = nodes[0].create(topic("t", 10, &OBJECT)).await;
    *nodes[0].engine.seals.lock() = Err("the store is slow".to_owned());
    assert_eq!(nodes[0].cluster.hand_off(Duration::from_secs(5)).await.unwrap(), 5);
    assert_eq!(shares(&world, id, 10).await, [(1, 5), (2, 5)].into());
}

#[tokio::test(start_paused = true)]
async fn a_new_broker_gets_its_share_soon() {
    let world = World::new();
    let nodes = cluster_of(&world, 2).await;
    let id = nodes[0].create(topic("t", 90, &OBJECT)).await;
    let _third = join(&world, 3).await;
    see(&nodes[0], 3).await;
    tokio::time::sleep(SETTLING / 2).await;
    assert_eq!(shares(&world, id, 90).await, [(1, 45), (2, 45)].into());
    tokio::time::sleep(SETTLING).await;
    assert_eq!(shares(&world, id, 90).await, [(1, 30), (2, 30), (3, 30)].into());
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_returns_gets_its_share_after_a_while() {
    let world = World::new();
    let mut nodes = cluster_of(&world, 3).await;
    let id = nodes[0].create(topic("t", 90, &OBJECT)).await;
    let third = nodes.remove(2);
    assert_eq!(third.cluster.hand_off(PATIENCE).await.unwrap(), 0);
    third.leave().await;
    see(&nodes[0], 2).await;
    let _third = join(&world, 3).await;
    see(&nodes[0], 3).await;
    tokio::time::sleep(SETTLING * 2).await;
    assert_eq!(shares(&world, id, 90).await, [(1, 45), (2, 45)].into());
    tokio::time::sleep(INTERVAL * 2).await;
    assert_eq!(shares(&world, id, 90).await, [(1, 30), (2, 30), (3, 30)].into());
}

/// Has partitions carry so many bytes a second each, where they are, for a while.
async fn carry(nodes: &[Node], world: &World, rates: &BTreeMap<PartitionId, u64>, seconds: u64) {
    for _ in 0..seconds {
        tokio::time::sleep(Duration::from_secs(1)).await;
        for (partition, bytes) in rates {
            let owner = world.owner(*partition).await.unwrap().broker;
            let mut carried = nodes.get(owner as usize - 1).unwrap().engine.carried.lock();
            *carried.entry(*partition).or_default() += bytes;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn brokers_that_carry_much_change_partitions_with_others() {
    let world = World::new();
    let nodes = cluster_of(&world, 3).await;
    let id = nodes[0].create(topic("t", 30, &OBJECT)).await;
    let mut of_second = Vec::new();
    for index in 0..30 {
        if world.owner(partition(id, index)).await.unwrap().broker == 2 {
            of_second.push(partition(id, index));
        }
    }
    let busy: BTreeMap<_, _> = of_second.iter().take(6).map(|it| (*it, 5_000_000)).collect();
    carry(&nodes, &world, &busy, 3 * INTERVAL.as_secs()).await;
    assert_eq!(shares(&world, id, 30).await, [(1, 10), (2, 10), (3, 10)].into());
    let mut carried = BTreeMap::new();
    for (partition, bytes) in &busy {
        *carried.entry(world.owner(*partition).await.unwrap().broker).or_default() += bytes;
    }
    assert_eq!(carried, [(1, 10_000_000), (2, 10_000_000), (3, 10_000_000)].into());
    // It stays so.
    let epochs = || async {
        let mut epochs = Vec::new();
        for index in 0..30 {
            epochs.push(world.owner(partition(id, index)).await.unwrap().leader_epoch);
        }
        epochs
    };
    let before = epochs().await;
    carry(&nodes, &world, &busy, 3 * INTERVAL.as_secs()).await;
    assert_eq!(epochs().await, before);
}

#[tokio::test(start_paused = true)]
async fn without_balancing_partitions_stay() {
    let world = World::new();
    let first = world.start(1, &Disk::new(1)).await.unwrap();
    let id = first.create(topic("t", 10, &OBJECT)).await;
    let _second = world.start(2, &Disk::new(2)).await.unwrap();
    see(&first, 2).await;
    tokio::time::sleep(INTERVAL * 20).await;
    assert_eq!(shares(&world, id, 10).await, [(1, 10)].into());
}

#[tokio::test(start_paused = true)]
async fn a_dead_broker_that_owns_nothing_can_be_forgotten() {
    let world = World::new();
    let mut nodes = cluster_of(&world, 2).await;
    let number = BrokerId::new(2).unwrap();
    let (second, first) = (nodes.pop().unwrap(), nodes.pop().unwrap());
    assert!(first.cluster.unregister_broker(number).await.is_err(), "it lives");
    second.leave().await;
    first.until("fenced", || first.cluster.image().fenced_brokers.contains_key(&number)).await;
    first.cluster.unregister_broker(number).await.unwrap();
    first.until("forgotten", || first.cluster.image().fenced_brokers.is_empty()).await;
    assert!(first.cluster.unregister_broker(number).await.is_err(), "it is unknown");
}
