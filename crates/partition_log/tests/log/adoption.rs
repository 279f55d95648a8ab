//! Metadata is put back from an older copy: what the bucket has beyond it is adopted, and what was never committed is not.

use crate::{
    cluster::{Broker, Cluster},
    records::{append, append_and_wait, numbered, read_all},
    transactions::{begin, end, finish},
};
use bytes::Bytes;
use formats::{
    metadata::Topic,
    record_batch::TransactionResult::{Abort, Commit},
};
use metadata::{Entry, MemoryStore, MetadataStore, Operation, RangeQuery, families};
use model::{SessionId, config::DurabilityMode};
use partition_log::{
    Acks, Stores,
    adoption::{self, Adopted},
};
use std::{sync::Arc, time::Duration};
use storage::Fault;

/// A cluster whose topic metadata knows.
async fn cluster(mode: DurabilityMode) -> Cluster {
    let cluster = Cluster::new(mode);
    let topic = Topic {
        id: Bytes::copy_from_slice(cluster.topic.as_bytes()),
        name: "orders".to_owned(),
        partitions: 2,
        ..Topic::default()
    };
    let key = cluster.keys.topic(cluster.topic);
    cluster.transact(vec![Operation::put(key, families::encode(topic))]).await;
    cluster
}

/// Metadata as it is now, without sessions.
async fn copy(cluster: &Cluster) -> Vec<Entry> {
    let everything = RangeQuery::prefix(cluster.keys.everything());
    let mut entries = cluster.store.range(everything).await.expect("a store").entries;
    entries.retain(|entry| cluster.keys.snapshot_name(&entry.key).is_some());
    entries
}

/// The cluster loses its metadata, gets the copy, and adopts.
async fn put_back(cluster: &mut Cluster, copy: Vec<Entry>) -> Adopted {
    cluster.store = MemoryStore::new(cluster.clock.clone());
    for entry in copy {
        cluster.transact(vec![Operation::put(entry.key, entry.value)]).await;
    }
    let stores = Stores {
        metadata: Arc::new(cluster.store.clone()),
        keys: cluster.keys.clone(),
        objects: cluster.objects.clone(),
    };
    let session = SessionId::from_random_bytes(cluster.randomness.bytes16());
    adoption::adopt(&stores, session, 0, |_| ()).await.expect("stores that answer")
}

async fn stop(broker: Broker) {
    broker.wal.fail("the machine is gone");
    broker.tasks.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_committed_since_the_copy_is_in_the_log_again() {
    let mut cluster = cluster(DurabilityMode::Object).await;
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    append_and_wait(&partition, &["a"]).await.expect("acknowledged");
    let copy = copy(&cluster).await;
    append_and_wait(&partition, &["b"]).await.expect("acknowledged");
    let broker = cluster.restart_with_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    append_and_wait(&partition, &["c"]).await.expect("acknowledged");
    let broker = cluster.restart_without_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    let other = cluster.open(&broker, 1).await.expect("open");
    append_and_wait(&partition, &["d", "e"]).await.expect("acknowledged");
    append_and_wait(&other, &["x"]).await.expect("acknowledged");
    stop(broker).await;

    let adopted = put_back(&mut cluster, copy).await;
    assert_eq!((adopted.records, adopted.partitions), (5, 2), "{adopted:?}");
    assert!(adopted.refused.is_empty() && adopted.gaps.is_empty(), "{adopted:?}");
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, numbered(&["a", "b", "c", "d", "e"]));
    let other = cluster.open(&broker, 1).await.expect("open");
    assert_eq!(read_all(&other).await, numbered(&["x"]));
    append_and_wait(&partition, &["f"]).await.expect("acknowledged");
    let broker = cluster.restart_without_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, numbered(&["a", "b", "c", "d", "e", "f"]));
}

#[tokio::test(start_paused = true)]
async fn a_segment_that_landed_after_its_owner_was_replaced_is_not_adopted() {
    let mut cluster = cluster(DurabilityMode::Object).await;
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    append_and_wait(&partition, &["a"]).await.expect("acknowledged");
    let copy = copy(&cluster).await;
    cluster.object_faults.fail_always(storage::Operation::Put, Fault::Late);
    let late = append(&partition, &["late"], Acks::All);
    tokio::time::sleep(Duration::from_secs(1)).await;
    cluster.object_faults.heal();
    stop(broker).await;
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    append_and_wait(&partition, &["b", "c"]).await.expect("acknowledged");
    assert!(cluster.object_faults.land_late().await > 0);
    drop(late);
    stop(broker).await;

    let adopted = put_back(&mut cluster, copy).await;
    assert_eq!(adopted.refused.len(), 1, "{adopted:?}");
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, numbered(&["a", "b", "c"]));
}

#[tokio::test(start_paused = true)]
async fn adopting_again_changes_nothing() {
    let mut cluster = cluster(DurabilityMode::Object).await;
    let broker = cluster.start().await;
    let before = copy(&cluster).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    append_and_wait(&partition, &["a"]).await.expect("acknowledged");
    stop(broker).await;
    assert_eq!(put_back(&mut cluster, before).await.records, 1);
    let adopted = copy(&cluster).await;
    let again = put_back(&mut cluster, adopted).await;
    assert_eq!(again, Adopted::default());
}

#[tokio::test(start_paused = true)]
async fn a_segment_that_is_gone_ends_the_log_and_is_told() {
    let mut cluster = cluster(DurabilityMode::Object).await;
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    append_and_wait(&partition, &["a"]).await.expect("acknowledged");
    let copy = copy(&cluster).await;
    let before = cluster.objects.list("data/").await.expect("a list");
    append_and_wait(&partition, &["lost"]).await.expect("acknowledged");
    let after = cluster.objects.list("data/").await.expect("a list");
    append_and_wait(&partition, &["c"]).await.expect("acknowledged");
    stop(broker).await;
    let lost = after.into_iter().map(|it| it.name);
    let lost = lost.filter(|name| before.iter().all(|it| it.name != *name)).collect::<Vec<_>>();
    cluster.objects.delete(&lost).await.expect("deleted");

    let adopted = put_back(&mut cluster, copy).await;
    assert_eq!(adopted.gaps, [(cluster.partition_id(0), 1..2)]);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, numbered(&["a"]));
    append_and_wait(&partition, &["d"]).await.expect("acknowledged");
    let broker = cluster.restart_without_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, numbered(&["a", "d"]));
}

#[tokio::test(start_paused = true)]
async fn a_commit_marker_of_one_partition_tells_how_the_transaction_ended() {
    for (result, ended) in [(Some(Commit), true), (Some(Abort), false), (None, false)] {
        let mut cluster = cluster(DurabilityMode::Object).await;
        let broker = cluster.start().await;
        let partition = cluster.open(&broker, 0).await.expect("open");
        let other = cluster.open(&broker, 1).await.expect("open");
        // One partition had its part in the copy, the other got it since.
        begin(&partition, 7, 0, "a").await;
        let copy = copy(&cluster).await;
        begin(&other, 7, 0, "b").await;
        if let Some(result) = result {
            finish(&partition, end(result)).await;
        }
        stop(broker).await;
        let adopted = put_back(&mut cluster, copy).await;
        let traced = adopted.producers.first().expect("a producer");
        let open = traced.open.as_ref().expect("an open transaction");
        assert_eq!((traced.first_end, open.was_committed), (result, ended), "{adopted:?}");
        let partitions: Vec<_> = open.partitions.iter().map(|it| it.partition.get()).collect();
        assert_eq!(partitions, [1], "the other one has its marker, or nothing new");
    }
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_the_copy_does_not_know_comes_back_under_another_name() {
    let mut cluster = cluster(DurabilityMode::Object).await;
    let broker = cluster.start().await;
    let mut copy = copy(&cluster).await;
    copy.retain(|entry| cluster.keys.parse_topic(&entry.key).is_none());
    let partition = cluster.open(&broker, 1).await.expect("open");
    append_and_wait(&partition, &["a", "b"]).await.expect("acknowledged");
    stop(broker).await;

    let adopted = put_back(&mut cluster, copy).await;
    let lost = adopted.lost.first().expect("a lost topic");
    assert_eq!((lost.partitions, lost.records, lost.is_known), (Some(2), 2, false));
    assert!(lost.bytes > 0 && lost.name.starts_with("recovered-"), "{lost:?}");
    let topic = RangeQuery::key(cluster.keys.topic(cluster.topic));
    let stored = cluster.store.range(topic).await.expect("a store").entries;
    let stored: Topic = families::decode(&stored[0]).expect("a topic");
    assert_eq!((stored.name.as_str(), stored.partitions), (lost.name.as_str(), 2));
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 1).await.expect("open");
    assert_eq!(read_all(&partition).await, numbered(&["a", "b"]));
}

#[tokio::test(start_paused = true)]
async fn what_begins_no_log_of_an_unknown_topic_is_told_and_left() {
    let mut cluster = cluster(DurabilityMode::Object).await;
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    append_and_wait(&partition, &["a"]).await.expect("acknowledged");
    let mut copy = copy(&cluster).await;
    copy.retain(|entry| {
        let keys = &cluster.keys;
        keys.parse_topic(&entry.key).is_none() && keys.parse_owner(&entry.key).is_none()
    });
    append_and_wait(&partition, &["b"]).await.expect("acknowledged");
    stop(broker).await;
    let adopted = put_back(&mut cluster, copy).await;
    let lost = adopted.lost.first().expect("a lost topic");
    assert_eq!((lost.partitions, lost.records), (None, 0), "{adopted:?}");
    let topics = RangeQuery::prefix(cluster.keys.topics());
    assert!(cluster.store.range(topics).await.expect("a store").entries.is_empty());
}
