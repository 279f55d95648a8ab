//! Takeovers: what a controller's write is conditional on, and when nobody is counted dead yet.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use formats::metadata::Owner;
use metadata::{MemoryStore, MetadataStore, Operation, RangeQuery, families::encode};
use model::{PartitionId, TopicId};
use support::{Disk, Node, TTL, Told, World, partition, topic, wrote};

const OBJECT: [(&str, &str); 1] = [("durability.mode", "object")];

/// A takeover from broker 1 to broker 2, the controller, that was sent and has not landed. Both brokers have stopped; what
/// broker 2 registered is still there.
struct Late {
    world: World,
    between: MemoryStore,
    partition: PartitionId,
    before: Owner,
}

impl Late {
    async fn new() -> Self {
        let world = World::new();
        let dead = world.start(1, &Disk::new(1)).await.unwrap();
        let partition = partition(dead.create(topic("t", 1, &OBJECT)).await, 0);
        dead.kill().await;
        world.end_sessions(&[1]).await;
        let between = world.holding_owners();
        let controller = world.start_through(&between, 2, &Disk::new(2)).await.unwrap();
        controller.until("a takeover is on its way", || between.faults().delayed() > 0).await;
        controller.kill().await;
        let before = world.owner(partition).await.unwrap();
        Self { world, between, partition, before }
    }

    /// Whether the takeover, landing now, leaves the record as it is.
    async fn changes_nothing(&self) -> bool {
        let before = self.world.owner(self.partition).await;
        !wrote(self.between.faults().land_delayed())
            && self.world.owner(self.partition).await == before
    }
}

#[tokio::test(start_paused = true)]
async fn a_takeover_that_lands_while_nothing_changed_moves_the_partition() {
    let late = Late::new().await;
    assert!(wrote(late.between.faults().land_delayed()));
    let owner = late.world.owner(late.partition).await.unwrap();
    assert_eq!((owner.broker, owner.leader_epoch), (2, late.before.leader_epoch + 1));
}

#[tokio::test(start_paused = true)]
async fn a_takeover_by_a_controller_no_longer_elected_changes_nothing() {
    let late = Late::new().await;
    late.world.change(vec![Operation::Delete(late.world.keys().controller())]).await;
    assert!(late.changes_nothing().await);
}

#[tokio::test(start_paused = true)]
async fn a_takeover_of_a_record_that_changed_since_changes_nothing() {
    let late = Late::new().await;
    let owner = Owner { leader_epoch: 7, ..late.before.clone() };
    let key = late.world.keys().owner(late.partition);
    late.world.change(vec![Operation::put(key, encode(owner))]).await;
    assert!(late.changes_nothing().await);
}

#[tokio::test(start_paused = true)]
async fn a_takeover_to_a_session_that_ended_meanwhile_changes_nothing() {
    let late = Late::new().await;
    late.world.end_sessions(&[2]).await;
    assert!(late.changes_nothing().await);
}

/// Broker 1 owns a partition and has stopped, but its session runs; broker 2 is the controller. Every call makes the same store, to
/// the revision.
async fn before_a_death() -> (World, MemoryStore, Node, PartitionId) {
    let world = World::new();
    let dying = world.start(1, &Disk::new(1)).await.unwrap();
    let partition = partition(dying.create(topic("t", 1, &OBJECT)).await, 0);
    dying.kill().await;
    world.change(vec![Operation::Delete(world.keys().controller())]).await;
    let between = world.holding_owners();
    let controller = world.start_through(&between, 2, &Disk::new(2)).await.unwrap();
    controller.until_ready().await;
    tokio::time::sleep(TTL / 10).await;
    (world, between, controller, partition)
}

#[tokio::test(start_paused = true)]
async fn a_takeover_that_lands_in_a_backup_where_the_dead_owner_lives_changes_nothing() {
    let (world, between, controller, partition) = before_a_death().await;
    let (backup, _, other, _) = before_a_death().await;
    other.kill().await;
    let everything = RangeQuery::prefix("");
    let backed_up = backup.store.range(everything.clone()).await.unwrap();
    let there = world.store.range(everything).await.unwrap();
    assert_eq!(there.entries, backed_up.entries, "a backup of this store, to the revision");
    world.end_sessions(&[1]).await;
    controller.until("a takeover is on its way", || between.faults().delayed() > 0).await;
    controller.kill().await;
    assert!(!wrote(between.faults().land_delayed_in(&backup.store)));
    assert_eq!(backup.owner(partition).await.unwrap().broker, 1);
}

/// A topic with a partition on every one of the brokers 1 to `count`, of which the first is the controller.
async fn spread(world: &World, count: u32) -> (Vec<Node>, TopicId) {
    let mut nodes = Vec::new();
    for broker in 1..=count {
        let node = world.start(broker, &Disk::new(broker as u8)).await.unwrap();
        node.until_ready().await;
        node.until("a controller", || node.cluster.image().controller.is_some()).await;
        nodes.push(node);
    }
    let id = nodes.first().unwrap().create(topic("t", count, &OBJECT)).await;
    (nodes, id)
}

async fn owners(world: &World, topic: TopicId, count: u32) -> Vec<(u32, u32)> {
    let mut owners = Vec::new();
    for index in 0..count {
        let owner = world.owner(partition(topic, index)).await.unwrap();
        owners.push((owner.broker, owner.leader_epoch));
    }
    owners.sort_unstable();
    owners
}

#[tokio::test(start_paused = true)]
async fn a_controller_back_from_a_stall_waits_one_ttl_for_the_others() {
    let world = World::new();
    let (mut nodes, id) = spread(&world, 2).await;
    assert_eq!(owners(&world, id, 2).await, [(1, 1), (2, 1)]);
    world.store.faults().freeze();
    nodes.pop().unwrap().kill().await;
    tokio::time::sleep(TTL * 2).await;
    world.store.faults().thaw();

    let controller = nodes.pop().unwrap();
    let first = controller.engine.session().id;
    controller.until("back", || controller.engine.session().id != first).await;
    tokio::time::sleep(TTL * 9 / 10).await;
    assert_eq!(owners(&world, id, 2).await, [(1, 2), (2, 1)], "the other is waited for");
    tokio::time::sleep(TTL / 2).await;
    assert_eq!(owners(&world, id, 2).await, [(1, 2), (1, 2)]);
}

#[tokio::test(start_paused = true)]
async fn when_most_sessions_end_at_once_nobody_is_counted_dead_for_one_ttl() {
    let world = World::new();
    let (nodes, id) = spread(&world, 3).await;
    assert_eq!(owners(&world, id, 3).await, [(1, 1), (2, 1), (3, 1)]);
    let mut nodes = nodes.into_iter();
    let controller = nodes.next().unwrap();
    for node in nodes {
        node.kill().await;
    }
    world.end_sessions(&[2, 3]).await;
    tokio::time::sleep(TTL * 9 / 10).await;
    assert_eq!(owners(&world, id, 3).await, [(1, 1), (2, 1), (3, 1)], "they are waited for");
    tokio::time::sleep(TTL / 2).await;
    assert_eq!(owners(&world, id, 3).await, [(1, 1), (1, 2), (1, 2)]);
    assert!(!controller.engine.told().iter().any(|told| matches!(told, Told::Lost(_))));
}
