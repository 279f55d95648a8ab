//! Sessions: stalls, losses, and two brokers that claim to be one.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use cluster::{ClusterError, Endpoint};
use formats::metadata::{Broker, Cluster, Owner};
use metadata::{
    MemoryStore, MetadataStore, Operation, RangeQuery, Transaction,
    families::{decode, encode},
};
use model::BrokerId;
use std::time::Duration;
use support::{Disk, TTL, Told, World, partition, topic};

#[tokio::test(start_paused = true)]
async fn a_lease_lost_in_a_stall_is_followed_by_a_new_session_and_new_claims() {
    let world = World::new();
    let node = world.start(1, &Disk::new(1)).await.unwrap();
    let id = node.create(topic("t", 1, &[])).await;
    let first = node.engine.session().id;

    world.store.faults().freeze();
    tokio::time::sleep(TTL * 4 / 5).await;
    assert!(!node.cluster.lease_holds(first), "the lease rule ends before the lease");
    tokio::time::sleep(TTL * 3).await;
    world.store.faults().thaw();

    node.until_told(Told::Opened(partition(id, 0), 2)).await;
    let second = node.engine.session().id;
    assert_ne!(first, second);
    assert_eq!(
        node.engine.told(),
        [
            Told::Began(first),
            Told::Opened(partition(id, 0), 1),
            Told::Lost(first),
            Told::Began(second),
            Told::Opened(partition(id, 0), 2),
        ]
    );
    assert!(node.cluster.lease_holds(second) && !node.cluster.lease_holds(first));
}

#[tokio::test(start_paused = true)]
async fn what_another_broker_took_while_a_session_was_lost_is_closed() {
    let world = World::new();
    let stalled = world.start(1, &Disk::new(1)).await.unwrap();
    let taken = partition(stalled.create(topic("t", 1, &[])).await, 0);
    stalled.until_told(Told::Opened(taken, 1)).await;
    let other = world.start(2, &Disk::new(2)).await.unwrap();
    other.until_ready().await;
    let theirs = partition(other.create(topic("u", 1, &[])).await, 0);
    other.until_told(Told::Opened(theirs, 1)).await;
    let session = world.keys().session(BrokerId::new(1).unwrap());
    let owner = Owner { leader_epoch: 2, since_epoch: 2, ..world.owner(theirs).await.unwrap() };
    let takeover = Operation::put(world.keys().owner(taken), encode(owner));
    world.change(vec![Operation::Delete(session), takeover]).await;
    stalled.until_told(Told::Closed(taken)).await;
    let told = stalled.engine.told();
    assert!(!told.contains(&Told::Opened(taken, 2)), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stall_shorter_than_the_lease_keeps_the_session() {
    let world = World::new();
    let node = world.start(1, &Disk::new(1)).await.unwrap();
    node.until_ready().await;
    let session = node.engine.session().id;
    world.store.faults().freeze();
    tokio::time::sleep(TTL / 2).await;
    world.store.faults().thaw();
    tokio::time::sleep(TTL * 2).await;
    assert_eq!(node.engine.told(), [Told::Began(session)]);
    assert!(node.cluster.lease_holds(session));
}

#[tokio::test(start_paused = true)]
async fn a_keep_alive_answered_late_counts_from_when_it_was_sent() {
    let world = World::new();
    let node = world.start(1, &Disk::new(1)).await.unwrap();
    node.until_ready().await;
    let session = node.engine.session().id;
    // Keep-alives go out at a third of the TTL: the second one is sent into the freeze and answered half a TTL after the first.
    tokio::time::sleep(TTL / 10).await;
    world.store.faults().freeze();
    tokio::time::sleep(TTL * 4 / 10).await;
    world.store.faults().thaw();
    tokio::time::sleep(Duration::from_millis(10)).await;
    world.store.faults().freeze();
    tokio::time::sleep(TTL / 2).await;
    assert!(node.cluster.lease_holds(session), "it counts");
    tokio::time::sleep(TTL / 5).await;
    assert!(!node.cluster.lease_holds(session), "TTL / 3 + TTL - margin has passed");
}

#[tokio::test(start_paused = true)]
async fn clients_are_told_of_a_broker_whose_session_lapsed_for_the_length_of_a_lease() {
    let world = World::new();
    let first = world.start(1, &Disk::new(1)).await.unwrap();
    let second = world.start(2, &Disk::new(2)).await.unwrap();
    let third = world.start(3, &Disk::new(3)).await.unwrap();
    let listed = || -> Vec<u32> {
        let image = first.cluster.image();
        first.cluster.listed_brokers(&image).map(|broker| broker.id.get()).collect()
    };
    first.until("all in sight", || listed() == [1, 2, 3]).await;
    third.leave().await;
    first.until("the one that left is not named", || listed() == [1, 2]).await;
    second.kill().await;
    world.end_sessions(&[2]).await;
    first.until("it is fenced", || first.cluster.image().brokers.len() == 1).await;
    assert_eq!(listed(), [1, 2], "it may be back in a moment");
    tokio::time::sleep(TTL / 2).await;
    // Whatever changes meanwhile.
    first.create(topic("t", 1, &[])).await;
    assert_eq!(listed(), [1, 2]);
    tokio::time::sleep(TTL).await;
    assert_eq!(listed(), [1]);
}

#[tokio::test(start_paused = true)]
async fn the_first_broker_of_a_cluster_that_starts_again_names_the_others_for_a_while() {
    let world = World::new();
    let mut nodes = Vec::new();
    for broker in 1..=3 {
        nodes.push(world.start(broker, &Disk::new(broker as u8)).await.unwrap());
    }
    nodes.pop().unwrap().leave().await;
    for node in nodes {
        node.kill().await;
    }
    world.end_sessions(&[1, 2]).await;
    let first = world.start(1, &Disk::new(1)).await.unwrap();
    let listed = || -> Vec<u32> {
        let image = first.cluster.image();
        first.cluster.listed_brokers(&image).map(|broker| broker.id.get()).collect()
    };
    first.until("it sees itself", || first.cluster.image().brokers.len() == 1).await;
    assert_eq!(listed(), [1, 2], "not the one that left");
    tokio::time::sleep(TTL * 2).await;
    assert_eq!(listed(), [1]);
}

#[tokio::test(start_paused = true)]
async fn two_brokers_with_one_id_do_not_run_at_once() {
    let world = World::new();
    let node = world.start(1, &Disk::new(1)).await.unwrap();
    node.until_ready().await;
    let refused = world.start(1, &Disk::new(2)).await.unwrap_err();
    assert!(matches!(&refused, ClusterError::AlreadyRunning(text) if text.contains("broker 1")));
    assert!(node.cluster.lease_holds(node.engine.session().id), "the first one is not disturbed");
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_key_was_deleted_does_not_live_on_its_lease() {
    let world = World::new();
    let disk = Disk::new(1);
    let node = world.start(1, &disk).await.unwrap();
    node.until_ready().await;
    let first = node.engine.session().id;
    // A process on a copy of the disk becomes the broker: the lease of the first lives on, its key does not.
    let thief = world.start(1, &disk.copy()).await.unwrap();
    node.until_told(Told::Lost(first)).await;
    assert!(!node.cluster.lease_holds(first));
    let reason = node.cluster.failed().await;
    assert!(reason.contains("broker 1 is already running"), "{reason}");
    tokio::time::sleep(TTL * 3).await;
    assert!(thief.cluster.lease_holds(thief.engine.session().id), "the first one stays away");
}

/// A store at `revision` that holds the record of the cluster in `world`, changed.
async fn other_store(world: &World, revision: u64, change: fn(&mut Cluster)) -> MemoryStore {
    let key = world.keys().cluster();
    let range = world.store.range(RangeQuery::key(key.clone())).await.unwrap();
    let mut record: Cluster = decode(&range.entries[0]).unwrap();
    change(&mut record);
    let other = MemoryStore::new(world.clock.clone());
    for _ in 0..revision {
        let put = Operation::put(key.clone(), encode(record.clone()));
        other.transact(Transaction { then: vec![put], ..Transaction::default() }).await.unwrap();
    }
    other
}

#[tokio::test(start_paused = true)]
async fn a_store_restored_from_an_older_backup_ends_the_broker() {
    let world = World::new();
    let node = world.start(1, &Disk::new(1)).await.unwrap();
    node.create(topic("t", 1, &[])).await;
    let session = node.engine.session().id;
    let backup = other_store(&world, 2, |_| ()).await;
    world.store.faults().replace_with(&backup);
    let reason = node.cluster.failed().await;
    assert!(reason.contains("went back") && reason.contains("alluvium recover"), "{reason}");
    node.until_told(Told::Lost(session)).await;
    assert!(!node.cluster.lease_holds(session) && !node.cluster.is_ready());
    assert_eq!(world.store.range(RangeQuery::prefix("")).await.unwrap().revision.0, 2);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_went_back_unseen_by_watches_is_found_out_by_a_keep_alive() {
    let world = World::new();
    let between = world.store.another_line();
    let node = world.start_through(&between, 1, &Disk::new(1)).await.unwrap();
    node.until_ready().await;
    let session = node.engine.session();
    // Session and lease are in the backup too, as when it is seconds old.
    between.faults().tell_revision(session.create_revision);
    let reason = tokio::time::timeout(TTL, node.cluster.failed()).await.unwrap();
    assert!(reason.contains("went back"), "{reason}");
    assert!(!node.cluster.lease_holds(session.id));
}

#[tokio::test(start_paused = true)]
async fn another_clusters_store_at_the_same_address_ends_the_broker() {
    let world = World::new();
    let node = world.start(1, &Disk::new(1)).await.unwrap();
    node.until_ready().await;
    let session = node.engine.session().id;
    let rename = |record: &mut Cluster| "other".clone_into(&mut record.cluster_id);
    let other = other_store(&world, 1_000, rename).await;
    world.store.faults().replace_with(&other);
    let reason = node.cluster.failed().await;
    assert!(reason.contains("holds cluster other"), "{reason}");
    assert!(node.engine.told().contains(&Told::Lost(session)));
    assert_eq!(world.store.range(RangeQuery::prefix("")).await.unwrap().revision.0, 1_000);
}

#[tokio::test(start_paused = true)]
async fn a_stall_is_no_reason_to_end_the_broker() {
    let world = World::new();
    let node = world.start(1, &Disk::new(1)).await.unwrap();
    node.until_ready().await;
    world.store.faults().freeze();
    let failed = tokio::time::timeout(TTL * 20, node.cluster.failed()).await;
    assert!(failed.is_err());
    world.store.faults().thaw();
    node.until_ready().await;
    let failed = tokio::time::timeout(TTL * 20, node.cluster.failed()).await;
    assert!(failed.is_err());
}

#[tokio::test(start_paused = true)]
async fn listeners_are_registered_with_their_protocol() {
    let world = World::new();
    let parts = world.parts();
    let listener = Endpoint { listener: "PLAINTEXT".to_owned(), host: "h".to_owned(), port: 1 };
    let identity = cluster::Identity { endpoints: vec![listener], ..support::identity(1) };
    cluster::Cluster::identify(&parts, &identity).await.unwrap();
    let disk = Disk::new(1);
    cluster::Cluster::join(support::options(&[]), parts, identity, disk.found(), &disk)
        .await
        .unwrap();
    let key = world.keys().broker(BrokerId::new(1).unwrap());
    let range = world.store.range(RangeQuery::key(key)).await.unwrap();
    let record: Broker = decode(&range.entries[0]).unwrap();
    assert_eq!(record.endpoints[0].protocol, "PLAINTEXT");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_registration_outcome_is_settled_by_what_is_stored() {
    use metadata::memory::Fault;
    for fault in [Fault::UnknownApplied, Fault::UnknownNotApplied, Fault::Delayed] {
        let world = World::new();
        let disk = Disk::new(1);
        world.start(1, &disk).await.unwrap().leave().await;
        world.store.faults().fail_next(fault);
        let node = world.start(1, &disk).await.unwrap();
        node.until_ready().await;
        let session = node.engine.session().id;
        world.store.faults().land_delayed();
        tokio::time::sleep(TTL * 2).await;
        assert!(node.cluster.lease_holds(session), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn cut_watches_are_followed_by_reading_anew() {
    let world = World::new();
    let node = world.start(1, &Disk::new(1)).await.unwrap();
    node.create(topic("before", 1, &[])).await;
    world.store.faults().cut_watches();
    let id = node.create(topic("after", 1, &[])).await;
    node.until_told(Told::Opened(partition(id, 0), 1)).await;
}

#[tokio::test(start_paused = true)]
async fn transactions_of_unknown_outcome_leave_every_partition_open_once() {
    let world = World::new();
    let disk = Disk::new(1);
    let node = world.start(1, &disk).await.unwrap();
    let id = node.create(topic("t", 70, &[])).await;
    node.kill().await;
    let node = world.start(1, &disk).await.unwrap();
    world.store.faults().fail_every(2, metadata::memory::Fault::UnknownApplied);
    for index in 0..70 {
        node.until_told(Told::Opened(partition(id, index), 2)).await;
    }
    let opened = node.engine.told().iter().filter(|it| matches!(it, Told::Opened(..))).count();
    assert_eq!(opened, 70);
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_does_not_open_is_tried_again() {
    let world = World::new();
    let disk = Disk::new(1);
    let node = world.start(1, &disk).await.unwrap();
    let id = node.create(topic("t", 2, &[])).await;
    let grown = partition(id, 2);
    node.engine.refuses.lock().insert(grown);
    let answered = node.cluster.create_partitions("t", 3, &[], false, Duration::from_secs(3)).await;
    assert_eq!(answered, Ok(()));
    assert!(!node.engine.told().contains(&Told::Opened(grown, 1)));
    node.engine.refuses.lock().clear();
    node.until_told(Told::Opened(grown, 1)).await;
}
