//! Moves between living brokers: what a handover writes, what it is conditional on, and who serves when it fails.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use cluster::ClusterError;
use metadata::{MemoryStore, MetadataStore, RangeQuery, memory::Fault};
use model::{BrokerId, PartitionId};
use std::time::Duration;
use support::{Disk, Node, TTL, Told, World, partition, topic, wrote};

const OBJECT: [(&str, &str); 1] = [("durability.mode", "object")];

fn broker(number: u32) -> BrokerId {
    BrokerId::new(number).unwrap()
}

/// Broker 1, the controller, owns a partition; broker 2 lives, too.
struct Pair {
    world: World,
    from: Node,
    to: Node,
    partition: PartitionId,
}

impl Pair {
    async fn start() -> Self {
        let world = World::new();
        let store = world.store.clone();
        Self::start_through(world, &store).await
    }

    /// Broker 1 reaches the store through `between`.
    async fn start_through(world: World, between: &MemoryStore) -> Self {
        let from = world.start_through(between, 1, &Disk::new(1)).await.unwrap();
        let partition = partition(from.create(topic("t", 1, &OBJECT)).await, 0);
        from.until_told(Told::Opened(partition, 1)).await;
        let to = world.start(2, &Disk::new(2)).await.unwrap();
        to.until_ready().await;
        from.until("the other in sight", || from.cluster.image().brokers.len() == 2).await;
        Self { world, from, to, partition }
    }

    async fn ask(&self) {
        self.from.cluster.move_partition(self.partition, Some(broker(2))).await.unwrap();
    }

    async fn moves(&self) -> usize {
        let moves = RangeQuery::prefix(self.world.keys().moves());
        self.world.store.range(moves).await.unwrap().entries.len()
    }

    /// Owner and epoch.
    async fn owner(&self) -> (u32, u32) {
        let owner = self.world.owner(self.partition).await.unwrap();
        (owner.broker, owner.leader_epoch)
    }

    fn was_closed(&self) -> bool {
        self.from.engine.told().contains(&Told::Closed(self.partition))
    }
}

#[tokio::test(start_paused = true)]
async fn a_move_seals_hands_over_and_opens_in_the_next_epoch() {
    let pair = Pair::start().await;
    pair.ask().await;
    pair.to.until_told(Told::Opened(pair.partition, 2)).await;
    assert_eq!(pair.owner().await, (2, 2));
    assert_eq!(pair.moves().await, 0);
    let told = pair.from.engine.told();
    let sealed = told.iter().position(|it| *it == Told::Sealed(pair.partition)).unwrap();
    let closed = told.iter().position(|it| *it == Told::Closed(pair.partition)).unwrap();
    assert!(sealed < closed && !told.contains(&Told::Unsealed(pair.partition)), "{told:?}");
    let leader = pair.from.cluster.image().topic("t").unwrap().partitions[0].leader;
    assert_eq!(leader, Some(broker(2)), "the last owner knows where to send clients");
}

#[tokio::test(start_paused = true)]
async fn the_next_record_names_what_the_last_owner_committed() {
    let pair = Pair::start().await;
    let (from, to) = (pair.from.engine.session(), pair.to.engine.session());
    for seq in 1..=3 {
        assert!(pair.world.commit(&from, seq, 0).await);
    }
    assert!(pair.world.commit(&to, 1, 0).await);
    *pair.from.engine.seals.lock() = Ok(3);
    pair.ask().await;
    pair.to.until_told(Told::Opened(pair.partition, 2)).await;
    let owner = pair.world.owner(pair.partition).await.unwrap();
    let unfolded: Vec<_> = owner
        .unfolded
        .iter()
        .map(|it| (it.session.to_vec(), it.from_seq, it.through_seq))
        .collect();
    assert_eq!(unfolded, [(from.id.as_bytes().to_vec(), 1, 3)]);
    assert_eq!((owner.from_seq, owner.since_epoch), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_cannot_be_sealed_is_served_on_and_tried_again() {
    let pair = Pair::start().await;
    *pair.from.engine.seals.lock() = Err("the store is slow".to_owned());
    pair.ask().await;
    pair.from.until_told(Told::Unsealed(pair.partition)).await;
    assert_eq!((pair.owner().await, pair.was_closed()), ((1, 1), false));
    *pair.from.engine.seals.lock() = Ok(0);
    pair.to.until_told(Told::Opened(pair.partition, 2)).await;
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_is_to_move_before_it_is_open_goes_once_it_is() {
    let pair = Pair::start().await;
    pair.to.engine.refuses.lock().insert(pair.partition);
    pair.ask().await;
    let image = || pair.to.cluster.image().topic("t").unwrap().partitions[0];
    pair.to.until("its record in sight", || image().owner == Some(broker(2))).await;
    pair.from.cluster.move_partition(pair.partition, Some(broker(1))).await.unwrap();
    pair.to.until("the move in sight", || image().moving_to == Some(broker(1))).await;
    assert!(!pair.to.engine.told().contains(&Told::Sealed(pair.partition)));
    pair.to.engine.refuses.lock().clear();
    pair.from.until_told(Told::Opened(pair.partition, 3)).await;
}

#[tokio::test(start_paused = true)]
async fn a_move_can_be_called_off_before_it_happened() {
    let pair = Pair::start().await;
    *pair.from.engine.seals.lock() = Err("the store is slow".to_owned());
    pair.ask().await;
    pair.from.until_told(Told::Unsealed(pair.partition)).await;
    let image = pair.from.cluster.image();
    assert_eq!(image.topic("t").unwrap().partitions[0].moving_to, Some(broker(2)));
    pair.from.cluster.move_partition(pair.partition, None).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    *pair.from.engine.seals.lock() = Ok(0);
    tokio::time::sleep(TTL).await;
    assert_eq!(pair.owner().await, (1, 1));
    let again = pair.from.cluster.move_partition(pair.partition, None).await;
    assert!(matches!(again, Err(ClusterError::NotMoving(_))), "{again:?}");
}

#[tokio::test(start_paused = true)]
async fn a_handover_whose_answer_is_lost_happens_once() {
    for fault in [Fault::UnknownApplied, Fault::UnknownNotApplied] {
        let world = World::new();
        let between = world.store.another_line();
        let pair = Pair::start_through(world, &between).await;
        *pair.from.engine.seals.lock() = Err("not yet".to_owned());
        pair.ask().await;
        pair.from.until_told(Told::Unsealed(pair.partition)).await;
        // What follows the seal is the read of the target's head, then the handover.
        between.faults().fail_next(fault);
        *pair.from.engine.seals.lock() = Ok(0);
        pair.to.until_told(Told::Opened(pair.partition, 2)).await;
        assert_eq!(pair.owner().await, (2, 2), "{fault:?}");
        pair.from.until("closed", || pair.was_closed()).await;
        let told = pair.from.engine.told();
        let sealed = told.iter().rposition(|it| *it == Told::Sealed(pair.partition)).unwrap();
        let unsealed = told.iter().rposition(|it| *it == Told::Unsealed(pair.partition)).unwrap();
        assert!(unsealed < sealed, "{fault:?}: it was not served again: {told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handover_that_is_on_its_way_keeps_the_partition_sealed() {
    let world = World::new();
    let between = world.store.another_line();
    let pair = Pair::start_through(world, &between).await;
    between.faults().delay_puts_below(pair.world.keys().owners());
    pair.ask().await;
    pair.from.until("a handover is on its way", || between.faults().delayed() > 0).await;
    tokio::time::sleep(TTL * 3).await;
    assert!(!pair.from.engine.told().contains(&Told::Unsealed(pair.partition)));
    assert!(wrote(between.faults().land_delayed()));
    pair.to.until_told(Told::Opened(pair.partition, 2)).await;
    assert_eq!(pair.owner().await, (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_handover_to_a_session_that_ended_meanwhile_changes_nothing() {
    let world = World::new();
    let between = world.store.another_line();
    let pair = Pair::start_through(world, &between).await;
    between.faults().delay_puts_below(pair.world.keys().owners());
    pair.ask().await;
    pair.from.until("a handover is on its way", || between.faults().delayed() > 0).await;
    let Pair { world, from, to, partition } = pair;
    to.kill().await;
    world.end_sessions(&[2]).await;
    assert!(!wrote(between.faults().land_delayed()));
    between.faults().heal();
    from.until_told(Told::Unsealed(partition)).await;
    assert_eq!(world.owner(partition).await.unwrap().broker, 1);
    from.until("called off", || {
        from.cluster.image().topic("t").unwrap().partitions[0].moving_to.is_none()
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn partitions_move_only_to_brokers_that_live() {
    let pair = Pair::start().await;
    let refused = pair.from.cluster.move_partition(pair.partition, Some(broker(3))).await;
    assert!(matches!(refused, Err(ClusterError::UnknownBroker(_))), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn many_partitions_move_and_come_back() {
    let world = World::new();
    let first = world.start(1, &Disk::new(1)).await.unwrap();
    let id = first.create(topic("t", 100, &OBJECT)).await;
    let second = world.start(2, &Disk::new(2)).await.unwrap();
    first.until("the other in sight", || first.cluster.image().brokers.len() == 2).await;
    for (to, epoch, node) in [(2, 2, &second), (1, 3, &first)] {
        for index in 0..100 {
            first.cluster.move_partition(partition(id, index), Some(broker(to))).await.unwrap();
        }
        for index in 0..100 {
            node.until_told(Told::Opened(partition(id, index), epoch)).await;
        }
    }
}
