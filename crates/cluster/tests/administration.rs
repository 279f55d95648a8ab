//! Topics, configs and producer ids.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use cluster::{ClusterError, ConfigChange, ConfigResource};
use metadata::{MetadataStore, RangeQuery, memory::Fault};
use model::config::DurabilityMode;
use std::{collections::BTreeSet, time::Duration};
use support::{Disk, PATIENCE, Told, World, map, partition, topic};

async fn broker(world: &World) -> support::Node {
    let node = world.start(1, &Disk::new(1)).await.unwrap();
    node.until_ready().await;
    node
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_exists_is_not_created_again() {
    let node = broker(&World::new()).await;
    node.create(topic("t", 1, &[])).await;
    let again = node.cluster.create_topic(topic("t", 1, &[]), false, PATIENCE).await;
    assert_eq!(again.map(|_| ()), Err(ClusterError::TopicExists("t".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn names_that_differ_only_in_dot_and_underscore_collide() {
    let node = broker(&World::new()).await;
    node.create(topic("a.b", 1, &[])).await;
    let refused = node.cluster.create_topic(topic("a_b", 1, &[]), false, PATIENCE).await;
    assert!(matches!(refused, Err(ClusterError::InvalidTopicName(_))));
}

#[tokio::test(start_paused = true)]
async fn bad_requests_are_refused_by_what_is_wrong_with_them() {
    let node = broker(&World::new()).await;
    let refused =
        |new| async { node.cluster.create_topic(new, false, PATIENCE).await.unwrap_err() };
    assert!(matches!(refused(topic("", 1, &[])).await, ClusterError::InvalidTopicName(_)));
    assert!(matches!(refused(topic("t", 0, &[])).await, ClusterError::InvalidPartitions(_)));
    let unknown = refused(topic("t", 1, &[("retention.m", "1")])).await;
    assert_eq!(
        unknown,
        ClusterError::InvalidConfig(
            "unknown config retention.m; did you mean retention.ms?".to_owned()
        )
    );
    let factor = cluster::NewTopic { replication_factor: Some(0), ..topic("t", 1, &[]) };
    assert!(matches!(refused(factor).await, ClusterError::InvalidReplicationFactor(_)));
}

#[tokio::test(start_paused = true)]
async fn no_acknowledgement_rests_on_a_wal_that_goes_away() {
    let world = World::new();
    let node = world.start_with(1, &Disk::new(1), &[("wal.ephemeral", "true")]).await.unwrap();
    node.until_ready().await;
    let wal = &[("durability.mode", "wal")];
    let refused = node.cluster.create_topic(topic("t", 1, wal), false, PATIENCE).await;
    assert!(
        matches!(&refused, Err(ClusterError::InvalidConfig(why)) if why.contains("wal.ephemeral"))
    );
    node.create(topic("t", 1, &[])).await;
    let change = [ConfigChange::Set("durability.mode".to_owned(), "wal".to_owned())];
    for resource in [ConfigResource::Topic("t".to_owned()), ConfigResource::Broker(None)] {
        let refused = node.cluster.change_configs(&resource, &change, false).await;
        assert!(matches!(refused, Err(ClusterError::InvalidConfig(_))), "{resource:?}");
    }
    let settings = node.cluster.image().topic("t").unwrap().settings.clone();
    assert_eq!(settings.durability_mode, DurabilityMode::Object);
}

#[tokio::test(start_paused = true)]
async fn validating_only_creates_nothing() {
    let node = broker(&World::new()).await;
    let planned = node.cluster.create_topic(topic("t", 7, &[]), true, PATIENCE).await.unwrap();
    assert_eq!(planned.partitions.len(), 7);
    assert!(node.cluster.image().topic("t").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_creation_of_unknown_outcome_makes_one_topic() {
    for fault in [Fault::UnknownApplied, Fault::UnknownNotApplied, Fault::Delayed] {
        let world = World::new();
        let node = broker(&world).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        world.store.faults().fail_next(fault);
        let id = node.create(topic("t", 1, &[])).await;
        world.store.faults().land_delayed();
        let range = RangeQuery::prefix(world.keys().topics());
        let entries = world.store.range(range).await.unwrap().entries;
        assert_eq!(entries.len(), 1, "{fault:?}");
        assert_eq!(world.keys().parse_topic(&entries[0].key), Some(id));
    }
}

#[tokio::test(start_paused = true)]
async fn a_deleted_topic_is_closed_and_its_owner_records_go() {
    let world = World::new();
    let node = broker(&world).await;
    let id = node.create(topic("t", 2, &[("retention.ms", "5")])).await;
    node.cluster.delete_topic(id).await.unwrap();
    assert!(node.cluster.image().topic("t").is_none());
    node.until_told(Told::Closed(partition(id, 1))).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(world.owner(partition(id, 0)).await, None);
    assert_eq!(
        node.cluster.delete_topic(id).await,
        Err(ClusterError::UnknownTopic(id.to_string()))
    );
    let again = node.create(topic("t", 1, &[])).await;
    assert_ne!(again, id);
}

#[tokio::test(start_paused = true)]
async fn partitions_can_be_added_and_not_taken_away() {
    let node = broker(&World::new()).await;
    let id = node.create(topic("t", 2, &[])).await;
    node.cluster.create_partitions("t", 4, &[], false, PATIENCE).await.unwrap();
    node.until_told(Told::Opened(partition(id, 3), 1)).await;
    for total in [4, 3] {
        let refused = node.cluster.create_partitions("t", total, &[], false, PATIENCE).await;
        assert!(matches!(refused, Err(ClusterError::InvalidPartitions(_))));
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_setting_is_shown_and_told_to_the_engine() {
    let node = broker(&World::new()).await;
    let id = node.create(topic("t", 1, &[])).await;
    let resource = ConfigResource::Topic("t".to_owned());
    let set = [ConfigChange::Set("retention.ms".to_owned(), "1000".to_owned())];
    node.cluster.change_configs(&resource, &set, false).await.unwrap();
    let image = node.cluster.image();
    assert_eq!(image.topic("t").unwrap().settings.retention_ms, Some(1_000));
    node.until_told(Told::Settings(id)).await;
    let unset = [ConfigChange::Delete("retention.ms".to_owned())];
    node.cluster.change_configs(&resource, &unset, false).await.unwrap();
    assert!(node.cluster.image().topic("t").unwrap().configs.is_empty());
}

#[tokio::test(start_paused = true)]
async fn lists_are_appended_to_and_taken_from() {
    let node = broker(&World::new()).await;
    node.create(topic("t", 1, &[])).await;
    let resource = ConfigResource::Topic("t".to_owned());
    let change = |change: ConfigChange| {
        let (cluster, resource) = (node.cluster.clone(), resource.clone());
        async move { cluster.change_configs(&resource, &[change], false).await }
    };
    let key = || "cleanup.policy".to_owned();
    change(ConfigChange::Append(key(), "compact".to_owned())).await.unwrap();
    let shown = |node: &support::Node| {
        node.cluster.image().topic("t").unwrap().configs.get("cleanup.policy").cloned()
    };
    assert_eq!(shown(&node).as_deref(), Some("delete,compact"));
    change(ConfigChange::Subtract(key(), "delete".to_owned())).await.unwrap();
    assert_eq!(shown(&node).as_deref(), Some("compact"));
    let scalar = ConfigChange::Append("retention.ms".to_owned(), "1".to_owned());
    assert!(matches!(change(scalar).await, Err(ClusterError::InvalidConfig(_))));
}

#[tokio::test(start_paused = true)]
async fn a_cluster_default_reaches_topics_that_do_not_say_otherwise() {
    let world = World::new();
    let node = world.start_with(1, &Disk::new(1), &[("log.retention.ms", "1")]).await.unwrap();
    node.create(topic("t", 1, &[])).await;
    let shown = || node.cluster.image().topic("t").unwrap().settings.retention_ms;
    assert_eq!(shown(), Some(1));
    let default = ConfigResource::Broker(None);
    node.cluster.replace_configs(&default, map(&[("log.retention.ms", "2")]), false).await.unwrap();
    assert_eq!(shown(), Some(2));
    let fixed = map(&[("listeners", "PLAINTEXT://:1")]);
    assert!(matches!(
        node.cluster.replace_configs(&default, fixed, false).await,
        Err(ClusterError::InvalidConfig(_))
    ));
}

#[tokio::test(start_paused = true)]
async fn the_mode_in_force_is_that_of_the_owner_record() {
    let node = broker(&World::new()).await;
    node.create(topic("t", 1, &[("durability.mode", "wal")])).await;
    let shown = node.cluster.image().topic("t").unwrap().partitions[0];
    assert_eq!(shown.mode, Some(DurabilityMode::Wal));
}

#[tokio::test(start_paused = true)]
async fn a_changed_default_mode_is_told_to_the_engine_for_topics_that_do_not_say_otherwise() {
    let node = broker(&World::new()).await;
    let follows = node.create(topic("follows", 1, &[])).await;
    let says = node.create(topic("says", 1, &[("durability.mode", "object")])).await;
    let set = [ConfigChange::Set("durability.mode".to_owned(), "wal".to_owned())];
    node.cluster.change_configs(&ConfigResource::Broker(None), &set, false).await.unwrap();
    node.until_told(Told::Mode(follows, DurabilityMode::Wal)).await;
    assert!(!node.engine.told().contains(&Told::Mode(says, DurabilityMode::Wal)));
}

#[tokio::test(start_paused = true)]
async fn producer_ids_are_given_once_among_all_brokers() {
    let world = World::new();
    let one = broker(&world).await;
    let two = world.start(2, &Disk::new(2)).await.unwrap();
    world.store.faults().fail_every(3, Fault::UnknownApplied);
    let mut given = BTreeSet::new();
    for _ in 0..1_500 {
        assert!(given.insert(one.cluster.next_producer_id().await.unwrap()));
        assert!(given.insert(two.cluster.next_producer_id().await.unwrap()));
    }
}

#[tokio::test(start_paused = true)]
async fn new_partitions_are_spread_over_live_brokers() {
    let world = World::new();
    let one = broker(&world).await;
    let two = world.start(2, &Disk::new(2)).await.unwrap();
    two.until_ready().await;
    let id = one.create(topic("t", 10, &[])).await;
    let image = one.cluster.image();
    let partitions = &image.topic_by_id(id).unwrap().partitions;
    let mine = partitions.iter().filter(|it| it.leader == Some(one.cluster.broker())).count();
    assert_eq!(mine, 5);
}
