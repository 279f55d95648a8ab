//! Brokers that die and return: with their disk, without it, with an old copy of it (DESIGN section 5).

mod support;

use metadata::MetadataStore;
use model::config::DurabilityMode;
use std::time::Duration;
use support::{Disk, Told, World, commit_attempt, partition, topic};

#[tokio::test(start_paused = true)]
async fn a_topic_is_open_when_its_creation_is_answered() {
    let world = World::new();
    let node = world.start(1, &Disk::new(1)).await.unwrap();
    let id = node.create(topic("t", 3, &[])).await;
    for index in 0..3 {
        assert!(node.engine.told().contains(&Told::Opened(partition(id, index), 1)));
    }
    assert!(node.cluster.is_ready());
    assert!(node.cluster.lease_holds(node.engine.session().id));
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_returns_with_its_disk_reclaims_without_waiting_for_its_lease() {
    let world = World::new();
    let disk = Disk::new(1);
    let node = world.start(1, &disk).await.unwrap();
    let id = node.create(topic("t", 2, &[])).await;
    node.kill().await;

    let before = world.clock.boot_time();
    let node = world.start(1, &disk).await.unwrap();
    node.until_told(Told::Opened(partition(id, 0), 2)).await;
    node.until_ready().await;
    assert!(world.clock.boot_time().since(before) < Duration::from_secs(2));
    let owner = world.owner(partition(id, 1)).await.unwrap();
    assert_eq!((owner.leader_epoch, owner.since_epoch), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_restart_creates_topics_at_once_though_the_dead_session_was_controller() {
    let world = World::new();
    let disk = Disk::new(1);
    world.start(1, &disk).await.unwrap().kill().await;
    let before = world.clock.boot_time();
    let node = world.start(1, &disk).await.unwrap();
    node.create(topic("t", 1, &[])).await;
    assert!(world.clock.boot_time().since(before) < Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_double_crash_lists_both_sessions_in_unfolded() {
    let world = World::new();
    let disk = Disk::new(1);
    let node = world.start(1, &disk).await.unwrap();
    let id = node.create(topic("t", 1, &[])).await;
    let first = node.engine.session();
    for seq in 1..=3 {
        assert!(world.commit(&first, seq, 0).await);
    }
    node.kill().await;

    let node = world.start(1, &disk).await.unwrap();
    node.until_told(Told::Opened(partition(id, 0), 2)).await;
    let second = node.engine.session();
    assert!(world.commit(&second, 1, 0).await);
    node.kill().await;

    let node = world.start(1, &disk).await.unwrap();
    node.until_told(Told::Opened(partition(id, 0), 3)).await;
    let owner = world.owner(partition(id, 0)).await.unwrap();
    let listed: Vec<_> = owner
        .unfolded
        .iter()
        .map(|it| (it.session.to_vec(), it.from_seq, it.through_seq))
        .collect();
    assert_eq!(
        listed,
        [(first.id.as_bytes().to_vec(), 1, 3), (second.id.as_bytes().to_vec(), 1, 1)]
    );
}

#[tokio::test(start_paused = true)]
async fn a_commit_of_a_dead_session_that_lands_late_changes_nothing() {
    let world = World::new();
    let disk = Disk::new(1);
    let node = world.start(1, &disk).await.unwrap();
    let id = node.create(topic("t", 1, &[])).await;
    let first = node.engine.session();
    node.kill().await;
    let late = commit_attempt(&first, 1, 0);

    let node = world.start(1, &disk).await.unwrap();
    node.until_told(Told::Opened(partition(id, 0), 2)).await;
    assert!(!world.store.transact(late.transaction(&world.keys())).await.unwrap().succeeded);
    assert!(world.owner(partition(id, 0)).await.unwrap().unfolded.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_reclaim_that_lands_late_cannot_unfence_its_session() {
    let world = World::new();
    let disk = Disk::new(1);
    let node = world.start(1, &disk).await.unwrap();
    let id = node.create(topic("t", 1, &[])).await;
    node.kill().await;

    // The second life's transactions after its registration are held: its re-claim among them.
    let faults = world.store.faults();
    let parts = world.parts();
    let identity = support::identity(1);
    let second =
        cluster::Cluster::join(support::options(&[]), parts.clone(), identity, disk.found(), &disk)
            .await
            .unwrap();
    faults.fail_every(1, metadata::memory::Fault::Delayed);
    second.run(std::sync::Arc::new(support::Engine::default()));
    tokio::time::sleep(Duration::from_secs(1)).await;
    parts.tasks.shut_down().await;
    faults.heal();
    assert!(faults.delayed() > 0);

    let node = world.start(1, &disk).await.unwrap();
    node.until_told(Told::Opened(partition(id, 0), 2)).await;
    let owner = world.owner(partition(id, 0)).await;
    for landed in faults.land_delayed() {
        assert!(landed.is_err() || !landed.unwrap().replies.contains(&metadata::Reply::Put));
    }
    assert_eq!(world.owner(partition(id, 0)).await, owner);
}

#[tokio::test(start_paused = true)]
async fn a_lost_disk_moves_object_partitions_and_takes_wal_partitions_offline() {
    let world = World::new();
    let node = world.start(1, &Disk::new(1)).await.unwrap();
    let object = node.create(topic("object", 1, &[("durability.mode", "object")])).await;
    let wal = node.create(topic("wal", 1, &[("durability.mode", "wal")])).await;
    node.kill().await;

    let node = world.start(1, &Disk::new(2)).await.unwrap();
    node.until_told(Told::Opened(partition(object, 0), 2)).await;
    let moved = world.owner(partition(object, 0)).await.unwrap();
    assert_eq!((moved.since_epoch, moved.given_up_takeovers), (2, 0));
    tokio::time::sleep(Duration::from_secs(600)).await;
    let image = node.cluster.image();
    let shown = image.topic_by_id(wal).unwrap().partitions[0];
    assert!(shown.offline && shown.leader.is_none());
    assert_eq!(shown.mode, Some(DurabilityMode::Wal));
    assert_eq!(world.owner(partition(wal, 0)).await.unwrap().leader_epoch, 1);
}

#[tokio::test(start_paused = true)]
async fn an_allowed_unclean_takeover_happens_after_its_delay_and_is_counted() {
    let world = World::new();
    let node = world.start(1, &Disk::new(1)).await.unwrap();
    let configs = [("durability.mode", "wal"), ("unclean.leader.election.enable", "true")];
    let id = node.create(topic("wal", 1, &configs)).await;
    node.kill().await;

    let node = world.start(1, &Disk::new(2)).await.unwrap();
    node.until_ready().await;
    tokio::time::sleep(Duration::from_secs(50)).await;
    assert_eq!(world.owner(partition(id, 0)).await.unwrap().leader_epoch, 1);
    node.until_told(Told::Opened(partition(id, 0), 2)).await;
    let owner = world.owner(partition(id, 0)).await.unwrap();
    assert_eq!((owner.given_up_takeovers, owner.since_epoch), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_rolled_back_disk_is_a_lost_disk() {
    let world = World::new();
    let disk = Disk::new(1);
    let node = world.start(1, &disk).await.unwrap();
    let id = node.create(topic("wal", 1, &[("durability.mode", "wal")])).await;
    assert!(world.commit(&node.engine.session(), 1, 4_096).await);
    node.kill().await;

    // The same id and generation, but the log ends before what a commit knew synced.
    disk.change(|disk| disk.recovered_end = 4_095);
    let node = world.start(1, &disk).await.unwrap();
    node.until_ready().await;
    assert_ne!(disk.found().id, Disk::new(1).found().id, "the WAL took a new id");
    assert_eq!(world.owner(partition(id, 0)).await.unwrap().leader_epoch, 1);
    node.until("offline", || {
        node.cluster.image().topic_by_id(id).is_some_and(|it| it.partitions[0].offline)
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_older_copy_of_the_disk_is_a_lost_disk() {
    let world = World::new();
    let disk = Disk::new(1);
    let node = world.start(1, &disk).await.unwrap();
    node.kill().await;
    let copy = disk.copy();
    for _ in 0..2 {
        world.start(1, &disk).await.unwrap().kill().await;
    }
    world.start(1, &copy).await.unwrap();
    assert_ne!(copy.found().id, disk.found().id);
}

#[tokio::test(start_paused = true)]
async fn a_disk_given_to_another_broker_id_brings_its_partitions() {
    let world = World::new();
    let disk = Disk::new(1);
    let node = world.start(1, &disk).await.unwrap();
    let id = node.create(topic("wal", 1, &[("durability.mode", "wal")])).await;
    node.kill().await;
    let node = world.start(2, &disk).await.unwrap();
    node.until_told(Told::Opened(partition(id, 0), 2)).await;
    let owner = world.owner(partition(id, 0)).await.unwrap();
    assert_eq!((owner.broker, owner.since_epoch), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_left_in_order_left_its_wal_clean() {
    let world = World::new();
    let node = world.start(1, &Disk::new(1)).await.unwrap();
    let id = node.create(topic("wal", 1, &[("durability.mode", "wal")])).await;
    node.leave().await;
    assert!(world.owner(partition(id, 0)).await.unwrap().clean);
    let node = world.start(2, &Disk::new(2)).await.unwrap();
    node.until_told(Told::Opened(partition(id, 0), 2)).await;
    let owner = world.owner(partition(id, 0)).await.unwrap();
    assert_eq!((owner.since_epoch, owner.given_up_takeovers, owner.clean), (2, 0, false));
}

#[tokio::test(start_paused = true)]
async fn a_partition_whose_last_session_has_no_head_holds_up_no_other() {
    let world = World::new();
    let disk = Disk::new(1);
    let node = world.start(1, &disk).await.unwrap();
    let id = node.create(topic("t", 3, &[])).await;
    node.kill().await;
    // The record of one partition names a session that nobody knows of.
    let key = world.keys().owner(partition(id, 1));
    let mut owner = world.owner(partition(id, 1)).await.unwrap();
    owner.session = vec![0xEE; 16].into();
    let put = metadata::Operation::put(key, metadata::families::encode(owner.clone()));
    let lose = metadata::Transaction { then: vec![put], ..metadata::Transaction::default() };
    world.store.transact(lose).await.unwrap();

    for disk in [disk, Disk::new(2)] {
        let node = world.start(1, &disk).await.unwrap();
        let opened = |index| {
            let is =
                |told: &Told| matches!(told, Told::Opened(it, _) if *it == partition(id, index));
            node.engine.told().iter().any(is)
        };
        node.until("the others are open", || opened(0) && opened(2)).await;
        node.until_ready().await;
        tokio::time::sleep(Duration::from_secs(120)).await;
        assert!(!opened(1));
        assert_eq!(world.owner(partition(id, 1)).await.unwrap(), owner, "left as it is");
        node.kill().await;
    }
}
