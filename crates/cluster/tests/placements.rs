//! Who leads a new partition: the broker that was asked for, if it lives, from the first epoch on.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use cluster::NewTopic;
use metadata::{MetadataStore, RangeQuery};
use model::{BrokerId, TopicId};
use support::{Disk, Node, PATIENCE, World, partition, topic};

/// Brokers 1, the controller, and 2.
struct Pair {
    world: World,
    first: Node,
    second: Node,
}

impl Pair {
    async fn start() -> Self {
        let world = World::new();
        let first = world.start(1, &Disk::new(1)).await.unwrap();
        first.until_ready().await;
        let second = world.start(2, &Disk::new(2)).await.unwrap();
        second.until_ready().await;
        first.until("the other in sight", || first.cluster.image().brokers.len() == 2).await;
        Self { world, first, second }
    }

    async fn create(&self, partitions: u32, leaders: &[u32]) -> TopicId {
        let leaders = brokers(leaders);
        self.second.create(NewTopic { leaders, ..topic("t", partitions, &[]) }).await
    }

    /// Owner and epoch of each partition.
    async fn owners(&self, topic: TopicId, partitions: u32) -> Vec<(u32, u32)> {
        let mut owners = Vec::new();
        for index in 0..partitions {
            let owner = self.world.owner(partition(topic, index)).await.unwrap();
            owners.push((owner.broker, owner.leader_epoch));
        }
        owners
    }

    /// Waits until nothing is to move.
    async fn until_settled(&self) {
        for _ in 0..100 {
            let moves = RangeQuery::prefix(self.world.keys().moves());
            if self.world.store.range(moves).await.unwrap().entries.is_empty() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        panic!("a move is left");
    }
}

fn brokers(numbers: &[u32]) -> Vec<BrokerId> {
    numbers.iter().map(|number| BrokerId::new(*number).unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn new_partitions_are_led_by_who_was_asked_for() {
    let pair = Pair::start().await;
    let topic = pair.create(4, &[2, 2, 2, 1]).await;
    pair.until_settled().await;
    assert_eq!(pair.owners(topic, 4).await, [(2, 1), (2, 1), (2, 1), (1, 1)]);
}

#[tokio::test(start_paused = true)]
async fn more_partitions_than_fit_a_transaction_are_led_by_who_was_asked_for() {
    const COUNT: u32 = 250;
    let pair = Pair::start().await;
    let topic = pair.create(COUNT, &[2; COUNT as usize]).await;
    pair.until_settled().await;
    let owners = pair.owners(topic, COUNT).await;
    assert!(owners.iter().all(|(broker, _)| *broker == 2), "{owners:?}");
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_is_gone_leads_nothing_although_it_was_asked_for() {
    let pair = Pair::start().await;
    let topic = pair.create(2, &[7, 7]).await;
    pair.until_settled().await;
    let mut owners = pair.owners(topic, 2).await;
    owners.sort_unstable();
    assert_eq!(owners, [(1, 1), (2, 1)]);
}

#[tokio::test(start_paused = true)]
async fn partitions_added_later_are_led_by_who_was_asked_for() {
    let pair = Pair::start().await;
    let topic = pair.create(1, &[1]).await;
    let leaders = brokers(&[1, 1]);
    let cluster = &pair.first.cluster;
    cluster.create_partitions("t", 3, &leaders, false, PATIENCE).await.unwrap();
    pair.until_settled().await;
    assert_eq!(pair.owners(topic, 3).await, [(1, 1); 3]);
}
