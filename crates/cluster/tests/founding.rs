//! Identity: metadata and bucket must be one cluster's, and neither may have gone back.

mod support;

use bytes::Bytes;
use cluster::{Cluster, ClusterError};
use metadata::{MemoryStore, MetadataStore, Operation, Transaction, families::encode};
use storage::ObjectName;
use support::{Disk, World, identity};

fn refusal<T: std::fmt::Debug>(result: Result<T, ClusterError>) -> String {
    match result {
        Err(ClusterError::Identity(text)) => text,
        other => panic!("not an identity error: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_founded_cluster_is_found_again() {
    let world = World::new();
    let founded = Cluster::identify(&world.parts(), &identity(1)).await.unwrap();
    assert_eq!(founded.as_str().len(), 22);
    assert_eq!(Cluster::identify(&world.parts(), &identity(2)).await, Ok(founded));
}

#[tokio::test(start_paused = true)]
async fn lost_metadata_beside_a_marked_bucket_names_recover() {
    let world = World::new();
    let id = Cluster::identify(&world.parts(), &identity(1)).await.unwrap();
    let emptied = World { store: MemoryStore::new(world.clock.clone()), ..world };
    let text = refusal(Cluster::identify(&emptied.parts(), &identity(1)).await);
    assert!(text.contains("alluvium recover") && text.contains(id.as_str()), "{text}");
}

#[tokio::test(start_paused = true)]
async fn two_clusters_on_one_prefix_are_refused_and_both_named() {
    let one = World::new();
    let two = World::new();
    let first = Cluster::identify(&one.parts(), &identity(1)).await.unwrap();
    let asked = cluster::Identity {
        cluster_id: Some(model::ClusterId::new("second").unwrap()),
        ..identity(1)
    };
    Cluster::identify(&two.parts(), &asked).await.unwrap();
    let mixed = World { objects: one.objects.clone(), ..two };
    let text = refusal(Cluster::identify(&mixed.parts(), &identity(1)).await);
    assert!(text.contains(first.as_str()) && text.contains("second"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn metadata_restored_from_an_older_backup_is_refused_and_nothing_is_written() {
    let world = World::new();
    let node = world.start(1, &Disk::new(1)).await.unwrap();
    node.until_ready().await;
    tokio::time::sleep(std::time::Duration::from_secs(11)).await;
    let noted = world.objects.list("marker/").await.unwrap().len();
    assert_eq!(noted, 2, "the revision is noted within ten seconds");
    node.kill().await;

    // The backup: only the cluster's record, at a lower revision.
    let backup = MemoryStore::new(world.clock.clone());
    let record = metadata::families::decode::<formats::metadata::Cluster>(
        &world
            .store
            .range(metadata::RangeQuery::key(world.keys().cluster()))
            .await
            .unwrap()
            .entries[0],
    )
    .unwrap();
    let restore = Transaction {
        then: vec![Operation::put(world.keys().cluster(), encode(record))],
        ..Transaction::default()
    };
    let revision = backup.transact(restore).await.unwrap().revision;
    let restored = World { store: backup.clone(), ..world };
    let text = refusal(restored.start(1, &Disk::new(1)).await.map(|_| ()));
    assert!(text.contains("older backup"), "{text}");
    let after = backup.range(metadata::RangeQuery::key(restored.keys().cluster())).await.unwrap();
    assert_eq!(after.revision, revision);
}

#[tokio::test(start_paused = true)]
async fn an_idle_broker_notes_nothing() {
    let world = World::new();
    let node = world.start(1, &Disk::new(1)).await.unwrap();
    node.until_ready().await;
    tokio::time::sleep(std::time::Duration::from_secs(30)).await;
    let before = world.objects.request_counts().puts;
    tokio::time::sleep(std::time::Duration::from_secs(3_600)).await;
    assert_eq!(world.objects.request_counts().puts, before);
}

#[tokio::test(start_paused = true)]
async fn a_marker_of_a_newer_format_refuses_to_start() {
    let world = World::new();
    let name = ObjectName::new("marker/0000000000/cluster").unwrap();
    world.objects.put(&name, vec![Bytes::from_static(b"format 2\n")]).await.unwrap();
    let refused = Cluster::identify(&world.parts(), &identity(1)).await.unwrap_err();
    assert!(matches!(refused, ClusterError::Version(_)), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_finalised_level_that_is_unknown_refuses_to_start() {
    let world = World::new();
    Cluster::identify(&world.parts(), &identity(1)).await.unwrap();
    let features = formats::metadata::Features { format: 1, level: 99 };
    let raise = Transaction {
        then: vec![Operation::put(world.keys().features(), encode(features))],
        ..Transaction::default()
    };
    world.store.transact(raise).await.unwrap();
    let refused = world.start(1, &Disk::new(1)).await.map(|_| ()).unwrap_err();
    assert!(matches!(refused, ClusterError::Version(_)), "{refused}");
}
