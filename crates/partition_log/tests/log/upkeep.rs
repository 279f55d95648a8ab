//! Folding, log starts and garbage.

use crate::{
    cluster::{BROKER, Cluster},
    records::{append_and_wait, numbered, read_all},
};
use formats::metadata::{DeletedTopic, LastSnapshot};
use metadata::{MetadataStore, Operation, RangeQuery, families, memory::Fault};
use model::{Offset, config::DurabilityMode};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn folds_keep_metadata_small_and_every_record_readable() {
    let mut cluster = Cluster::new(DurabilityMode::Object);
    cluster.options.fold_fan_in = 4;
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    let values: Vec<_> = (0..150).map(|number| number.to_string()).collect();
    let values: Vec<_> = values.iter().map(String::as_str).collect();
    for value in &values {
        append_and_wait(&partition, &[value]).await.expect("acknowledged");
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    let keys = &cluster.keys;
    assert!(cluster.count(keys.commits(broker.session.id)).await < 4);
    assert!(cluster.count(keys.indexes(broker.session.id)).await < 12);
    assert_eq!(read_all(&partition).await, numbered(&values));

    let broker = cluster.restart_without_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, numbered(&values));
}

#[tokio::test(start_paused = true)]
async fn folds_of_unknown_outcome_keep_every_record_once() {
    for fault in [Fault::UnknownApplied, Fault::UnknownNotApplied, Fault::Delayed] {
        let mut cluster = Cluster::new(DurabilityMode::Object);
        cluster.options.fold_fan_in = 4;
        let broker = cluster.start().await;
        let partition = cluster.open(&broker, 0).await.expect("open");
        let values: Vec<_> = (0..100).map(|number| number.to_string()).collect();
        let values: Vec<_> = values.iter().map(String::as_str).collect();
        for (value, number) in values.iter().zip(1..) {
            append_and_wait(&partition, &[value]).await.expect("acknowledged");
            // What follows the fourth commit is a fold.
            if number % 4 == 0 {
                cluster.store.faults().fail_next(fault);
                tokio::time::sleep(Duration::from_secs(2)).await;
                cluster.store.faults().heal();
                cluster.store.faults().land_delayed();
            }
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        let session = broker.session.id;
        assert!(cluster.count(cluster.keys.commits(session)).await < 4, "{fault:?}");
        assert_eq!(read_all(&partition).await, numbered(&values), "{fault:?}");
        let broker = cluster.restart_without_disk(broker).await;
        let partition = cluster.open(&broker, 0).await.expect("open");
        assert_eq!(read_all(&partition).await, numbered(&values), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_fold_that_lands_after_a_higher_one_changes_nothing() {
    let mut cluster = Cluster::new(DurabilityMode::Object);
    cluster.options.fold_fan_in = 2;
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    // The fold after the second commit is sent twice: its first sending is on its way for long.
    cluster.store.faults().plan([None, None, Some(Fault::Delayed)]);
    for value in ["a", "b", "c", "d"] {
        append_and_wait(&partition, &[value]).await.expect("acknowledged");
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let indexes = cluster.keys.indexes(broker.session.id);
    assert_eq!(cluster.count(indexes.clone()).await, 1);
    assert_eq!(cluster.store.faults().land_delayed().len(), 1);
    assert_eq!(cluster.count(indexes).await, 1);
    let broker = cluster.restart_without_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, numbered(&["a", "b", "c", "d"]));
}

/// What is there of an ended session is final: whoever has read it refers to its index objects.
#[tokio::test(start_paused = true)]
async fn a_fold_of_a_dead_session_that_lands_late_is_refused() {
    let mut cluster = Cluster::new(DurabilityMode::Object);
    cluster.options.fold_fan_in = 2;
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    for value in ["a", "b", "c"] {
        append_and_wait(&partition, &[value]).await.expect("acknowledged");
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    // The fourth commit and its fold pass, the fold of the two index objects does not.
    cluster.store.faults().plan([None, None]);
    cluster.store.faults().fail_every(1, Fault::Delayed);
    append_and_wait(&partition, &["d"]).await.expect("acknowledged");
    tokio::time::sleep(Duration::from_secs(2)).await;
    cluster.store.faults().heal();
    let indexes = cluster.keys.indexes(broker.session.id);
    assert_eq!(cluster.count(indexes.clone()).await, 2);

    let broker = cluster.restart_without_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert!(!cluster.store.faults().land_delayed().is_empty());
    assert_eq!(cluster.count(indexes).await, 2);
    // Beyond the delay after which replaced index objects go.
    tokio::time::sleep(Duration::from_secs(1_000)).await;
    assert_eq!(read_all(&partition).await, numbered(&["a", "b", "c", "d"]));
}

#[tokio::test(start_paused = true)]
async fn looking_for_garbage_reads_nothing_that_the_living_session_wrote() {
    let mut cluster = Cluster::new(DurabilityMode::Object);
    cluster.options.fold_fan_in = 4;
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    for value in ["a", "b", "c", "d", "e", "f", "g", "h", "i"] {
        append_and_wait(&partition, &[value]).await.expect("acknowledged");
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(cluster.count(cluster.keys.indexes(broker.session.id)).await, 2);
    let before = cluster.objects.request_counts().gets;
    tokio::time::sleep(cluster.options.retention_check_interval * 2).await;
    assert_eq!(cluster.objects.request_counts().gets, before);
}

#[tokio::test(start_paused = true)]
async fn a_log_start_survives_a_restart() {
    let cluster = Cluster::new(DurabilityMode::Wal);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    for value in ["a", "b", "c"] {
        append_and_wait(&partition, &[value]).await.expect("acknowledged");
    }
    let log_start = partition.delete_records(Offset::new(2)).await.expect("deleted");
    assert_eq!(log_start.get(), 2);
    let broker = cluster.restart_without_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, [(2, "c".to_owned())]);
    assert_eq!(partition.delete_records(None).await.expect("deleted").get(), 3);
    let broker = cluster.restart_with_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(partition.watermarks().log_end.get(), 3);
}

#[tokio::test(start_paused = true)]
async fn retention_by_time_moves_the_log_start() {
    let mut cluster = Cluster::new(DurabilityMode::Object);
    cluster.settings.retention_ms = Some(60_000);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    append_and_wait(&partition, &["a"]).await.expect("acknowledged");
    tokio::time::sleep(Duration::from_secs(601)).await;
    assert_eq!(partition.watermarks().log_start.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_topic_leaves_no_object_behind() {
    let mut cluster = Cluster::new(DurabilityMode::Object);
    cluster.options.fold_fan_in = 4;
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    for _ in 0..22 {
        append_and_wait(&partition, &["a"]).await.expect("acknowledged");
    }
    delete_topic(&cluster).await;
    broker.logs.close_partition(partition.id());
    clear_records(&cluster).await;
    tokio::time::sleep(Duration::from_secs(1_000)).await;
    assert_eq!(cluster.objects.list("").await.expect("a list").len(), 0);
    assert_eq!(cluster.count(cluster.keys.all_garbage()).await, 0);
    let left = cluster.store.range(RangeQuery::prefix("")).await.expect("a store").entries;
    let left: Vec<_> = left.into_iter().map(|entry| entry.key).collect();
    let session = [cluster.keys.commit_head(broker.session.id), cluster.keys.session(BROKER)];
    assert_eq!(left, session, "no key of any family");
}

#[tokio::test(start_paused = true)]
async fn objects_that_nobody_needs_stay_for_the_delete_delay() {
    let mut cluster = Cluster::new(DurabilityMode::Object);
    cluster.options.delete_delay = Duration::from_secs(400);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    append_and_wait(&partition, &["a"]).await.expect("acknowledged");
    delete_topic(&cluster).await;
    broker.logs.close_partition(partition.id());
    // Passes come every 300 seconds: the first notes the object, the second finds it too young, the third deletes it.
    for (notes, objects) in [(1, 1), (1, 1), (0, 0)] {
        tokio::time::sleep(Duration::from_secs(310)).await;
        assert_eq!(cluster.count(cluster.keys.all_garbage()).await, notes);
        assert_eq!(cluster.objects.list("data/").await.expect("a list").len(), objects);
    }
}

#[tokio::test(start_paused = true)]
async fn objects_that_the_newest_snapshot_may_refer_to_stay_until_the_next_one() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    append_and_wait(&partition, &["a"]).await.expect("acknowledged");
    note_snapshot(&cluster, 0).await;
    delete_topic(&cluster).await;
    broker.logs.close_partition(partition.id());
    tokio::time::sleep(Duration::from_secs(2_000)).await;
    assert_eq!(cluster.objects.list("data/").await.expect("a list").len(), 1);
    note_snapshot(&cluster, u64::MAX).await;
    tokio::time::sleep(Duration::from_secs(310)).await;
    assert_eq!(cluster.objects.list("data/").await.expect("a list").len(), 0);
}

async fn note_snapshot(cluster: &Cluster, revision: u64) {
    let note = LastSnapshot { revision, ..LastSnapshot::default() };
    let key = cluster.keys.last_snapshot();
    cluster.transact(vec![Operation::put(key, families::encode(note))]).await;
}

#[tokio::test(start_paused = true)]
async fn a_deleted_topic_is_remembered_until_the_controller_has_cleared_its_records() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    append_and_wait(&partition, &["a", "b"]).await.expect("acknowledged");
    partition.delete_records(Offset::new(1)).await.expect("deleted");
    delete_topic(&cluster).await;
    broker.logs.close_partition(partition.id());
    tokio::time::sleep(Duration::from_secs(1_000)).await;
    assert_eq!(cluster.count(cluster.keys.deleted_topics()).await, 1);
    clear_records(&cluster).await;
    tokio::time::sleep(Duration::from_secs(1_000)).await;
    assert_eq!(cluster.count(cluster.keys.deleted_topics()).await, 0);
}

async fn delete_topic(cluster: &Cluster) {
    let key = cluster.keys.deleted_topic(cluster.topic);
    let record = families::encode(DeletedTopic::default());
    cluster.transact(vec![Operation::put(key, record)]).await;
}

/// What the controller does once it sees that the topic is deleted.
async fn clear_records(cluster: &Cluster) {
    for prefix in [cluster.keys.owners_of(cluster.topic), cluster.keys.manifests_of(cluster.topic)]
    {
        let end = metadata::port::prefix_end(&prefix);
        cluster.transact(vec![Operation::DeleteRange(prefix, end)]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_live_partition_keeps_the_objects_that_it_shares() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    append_and_wait(&partition, &["a"]).await.expect("acknowledged");
    append_and_wait(&partition, &["b"]).await.expect("acknowledged");
    partition.delete_records(Offset::new(1)).await.expect("deleted");
    // Beyond producer.id.expiration.ms what is below the log start may go.
    tokio::time::sleep(Duration::from_secs(90_000)).await;
    assert_eq!(cluster.objects.list("data/").await.expect("a list").len(), 1);
    let broker = cluster.restart_without_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, [(1, "b".to_owned())]);
}
