//! Re-claims: what a broker's write is conditional on when it takes its partitions into a new session.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use formats::metadata::Owner;
use metadata::{MemoryStore, Operation, families::encode};
use model::PartitionId;
use support::{Disk, TTL, Told, World, partition, topic, wrote};

/// A re-claim by broker 1 in its second life that was sent and has not landed. The broker has stopped; its session is still there.
async fn late_reclaim() -> (World, MemoryStore, PartitionId) {
    let world = World::new();
    let disk = Disk::new(1);
    let node = world.start(1, &disk).await.unwrap();
    let partition = partition(node.create(topic("t", 1, &[])).await, 0);
    node.kill().await;
    let between = world.holding_owners();
    let node = world.start_through(&between, 1, &disk).await.unwrap();
    node.until("a re-claim is on its way", || between.faults().delayed() > 0).await;
    node.kill().await;
    (world, between, partition)
}

#[tokio::test(start_paused = true)]
async fn a_reclaim_that_lands_while_nothing_changed_takes_the_partition() {
    let (world, between, partition) = late_reclaim().await;
    assert!(wrote(between.faults().land_delayed()));
    assert_eq!(world.owner(partition).await.unwrap().leader_epoch, 2);
}

#[tokio::test(start_paused = true)]
async fn a_reclaim_of_a_session_that_ended_changes_nothing() {
    let (world, between, partition) = late_reclaim().await;
    world.end_sessions(&[1]).await;
    assert!(!wrote(between.faults().land_delayed()));
    assert_eq!(world.owner(partition).await.unwrap().leader_epoch, 1);
}

#[tokio::test(start_paused = true)]
async fn a_reclaim_of_a_record_that_changed_since_changes_nothing() {
    let (world, between, partition) = late_reclaim().await;
    let changed = Owner { leader_epoch: 7, ..world.owner(partition).await.unwrap() };
    let put = Operation::put(world.keys().owner(partition), encode(changed.clone()));
    world.change(vec![put]).await;
    assert!(!wrote(between.faults().land_delayed()));
    assert_eq!(world.owner(partition).await, Some(changed));
}

#[tokio::test(start_paused = true)]
async fn a_reclaim_counts_what_its_predecessor_commits_until_the_end() {
    let world = World::new();
    let disk = Disk::new(1);
    let first = world.start(1, &disk).await.unwrap();
    let id = first.create(topic("wal", 1, &[("durability.mode", "wal")])).await;
    let session = first.engine.session();
    first.kill().await;
    // The disk moves to broker 2 while the session of broker 1 still runs, and goes on committing.
    let between = world.holding_owners();
    let node = world.start_through(&between, 2, &disk).await.unwrap();
    tokio::time::sleep(TTL / 5).await;
    assert!(world.commit(&session, 1, 0).await);
    world.end_sessions(&[1]).await;
    between.faults().land_delayed();
    between.faults().heal();
    node.until_told(Told::Opened(partition(id, 0), 2)).await;
    let owner = world.owner(partition(id, 0)).await.unwrap();
    let ranges: Vec<_> = owner.unfolded.iter().map(|it| (it.from_seq, it.through_seq)).collect();
    assert_eq!(ranges, [(1, 1)]);
}
