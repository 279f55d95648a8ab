//! Log compaction: rounds over stored logs, through restarts and failures.

use crate::{
    cluster::{Broker, Cluster},
    records::{append_in_transaction, numbered_keys, read_keys},
};
use bytes::Bytes;
use formats::{
    compression::Codec,
    record_batch::{BatchBuilder, EndTransactionMarker, TransactionResult},
};
use metadata::memory::Fault;
use model::{
    Offset, ProducerEpoch, ProducerId,
    config::{CleanupPolicy, CompactionSettings, DurabilityMode},
};
use partition_log::{Acks, AppendOrigin, EndTransaction, Isolation, Partition};
use std::time::Duration;

/// Longer than the cleaner pauses.
const A_WHILE: Duration = Duration::from_secs(60);

/// Long enough for garbage to be noted and deleted.
pub const LONG: Duration = Duration::from_secs(1_000);

/// What the cluster's clock says when it begins.
const BEGIN_MS: i64 = 1_700_000_000_000;

pub fn cluster() -> Cluster {
    let mut cluster = Cluster::new(DurabilityMode::Object);
    cluster.options.fold_fan_in = 4;
    cluster.settings.cleanup_policy = CleanupPolicy { delete: false, compact: true };
    cluster.settings.compaction = CompactionSettings {
        min_dirty_millionths: 10_000,
        segment_ms: 1_000,
        delete_retention_ms: 500_000,
        ..CompactionSettings::default()
    };
    cluster
}

/// One record of a key; no value is a tombstone.
fn record(key: &str, value: Option<&str>) -> Bytes {
    let mut builder = BatchBuilder::new(Codec::None);
    builder.push(BEGIN_MS, Some(key.as_bytes()), value.map(str::as_bytes), &[]);
    builder.build()
}

async fn put(partition: &Partition, key: &str, value: Option<&str>) {
    let appended = partition.append(&record(key, value), Acks::All, AppendOrigin::Client);
    appended.expect("an append").acknowledged().await.expect("acknowledged");
}

/// Thirty records of three keys, the last of which have the offsets 27 to 29, and one of a key of its own.
pub async fn fill(partition: &Partition) {
    for n in 0..30 {
        put(partition, &format!("k{}", n % 3), Some(&n.to_string())).await;
    }
    put(partition, "end", Some("30")).await;
}

pub fn survivors() -> Vec<(u64, String, Option<String>)> {
    numbered_keys(&[(27, "k0", "27"), (28, "k1", "28"), (29, "k2", "29"), (30, "end", "30")])
}

async fn assert_survivors_after_restarts(cluster: &Cluster, mut broker: Broker) {
    for _ in 0..2 {
        broker = cluster.restart_without_disk(broker).await;
        let partition = cluster.open(&broker, 0).await.expect("open");
        assert_eq!(read_keys(&partition, Isolation::ReadUncommitted).await, survivors());
        assert_eq!(partition.watermarks().log_end.get(), 31);
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_record_of_each_key_survives_and_what_it_replaced_leaves_the_bucket() {
    let cluster = cluster();
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    fill(&partition).await;
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(read_keys(&partition, Isolation::ReadUncommitted).await, survivors());
    tokio::time::sleep(LONG).await;
    assert_eq!(cluster.objects.list("partition/").await.expect("a list").len(), 2);
    assert_eq!(cluster.objects.list("data/").await.expect("a list").len(), 1);
    assert_survivors_after_restarts(&cluster, broker).await;
}

#[tokio::test(start_paused = true)]
async fn a_log_is_cleaned_again_when_more_comes() {
    let cluster = cluster();
    let mut broker = cluster.start().await;
    for round in 1..=4_u64 {
        let partition = cluster.open(&broker, 0).await.expect("open");
        fill(&partition).await;
        tokio::time::sleep(LONG).await;
        let found = read_keys(&partition, Isolation::ReadUncommitted).await;
        let offsets: Vec<_> = found.iter().map(|(offset, ..)| *offset).collect();
        let last = (round - 1) * 31;
        let mut expected = vec![last + 27, last + 28, last + 29, last + 30];
        if round > 1 {
            // The end of the round before is superseded, but not mapped yet: the last slice is never cleaned.
            expected.insert(0, last - 1);
        }
        assert_eq!(offsets, expected);
        broker = cluster.restart_without_disk(broker).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_tombstone_goes_after_its_retention() {
    let cluster = cluster();
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    put(&partition, "a", Some("1")).await;
    put(&partition, "a", None).await;
    put(&partition, "b", Some("2")).await;
    put(&partition, "c", Some("3")).await;
    tokio::time::sleep(A_WHILE).await;
    let found = read_keys(&partition, Isolation::ReadUncommitted).await;
    assert_eq!(found[0], (1, "a".to_owned(), None));
    tokio::time::sleep(Duration::from_secs(600)).await;
    put(&partition, "b", Some("4")).await;
    tokio::time::sleep(A_WHILE).await;
    let found = read_keys(&partition, Isolation::ReadUncommitted).await;
    let keys: Vec<_> = found.iter().map(|(_, key, _)| key.as_str()).collect();
    assert_eq!(keys, ["b", "c", "b"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_of_an_open_transaction_is_cleaned_and_of_an_aborted_one_everything() {
    let cluster = cluster();
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    put(&partition, "k", Some("kept")).await;
    let mut builder = BatchBuilder::new(Codec::None).producer(7, 0, 0).transactional();
    builder.push(BEGIN_MS, Some(b"k"), Some(b"never"), &[]);
    let appended = append_in_transaction(&partition, &builder.build());
    appended.expect("an append").acknowledged().await.expect("acknowledged");
    put(&partition, "other", Some("1")).await;
    put(&partition, "end", Some("2")).await;
    tokio::time::sleep(A_WHILE).await;
    let all = read_keys(&partition, Isolation::ReadUncommitted).await;
    assert_eq!(all.len(), 4);
    let marker = EndTransactionMarker { result: TransactionResult::Abort, coordinator_epoch: 0 };
    let end = EndTransaction {
        producer: ProducerId::new(7).expect("an id"),
        epoch: ProducerEpoch::new(0).expect("an epoch"),
        marker,
        leader_epoch: None,
        epoch_is_its_own: false,
    };
    partition.end_transaction(end).expect("an append").acknowledged().await.expect("acknowledged");
    put(&partition, "end", Some("3")).await;
    tokio::time::sleep(A_WHILE).await;
    for isolation in [Isolation::ReadUncommitted, Isolation::ReadCommitted] {
        let found = read_keys(&partition, isolation).await;
        let offsets: Vec<_> = found.iter().map(|(offset, ..)| *offset).collect();
        assert_eq!(offsets, [0, 2, 3, 5], "{isolation:?}");
    }
    let broker = cluster.restart_without_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    let found = read_keys(&partition, Isolation::ReadCommitted).await;
    assert_eq!(found.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_crash_while_cleaning_loses_nothing() {
    for fault in [Fault::Unavailable, Fault::UnknownApplied, Fault::UnknownNotApplied] {
        let cluster = cluster();
        let broker = cluster.start().await;
        let partition = cluster.open(&broker, 0).await.expect("open");
        fill(&partition).await;
        cluster.store.faults().fail_every(1, fault);
        tokio::time::sleep(A_WHILE).await;
        cluster.store.faults().heal();
        let broker = cluster.restart_without_disk(broker).await;
        let partition = cluster.open(&broker, 0).await.expect("open");
        let found = read_keys(&partition, Isolation::ReadUncommitted).await;
        assert!(survivors().iter().all(|survivor| found.contains(survivor)), "{fault:?}");
        tokio::time::sleep(LONG).await;
        assert_eq!(read_keys(&partition, Isolation::ReadUncommitted).await, survivors());
        assert_survivors_after_restarts(&cluster, broker).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_producer_whose_records_went_before_they_were_cleaned_is_known_afterwards() {
    let cluster = cluster();
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    let batch = |sequence| {
        let mut builder = BatchBuilder::new(Codec::None).producer(7, 0, sequence);
        builder.push(BEGIN_MS, Some(b"p"), Some(b"v"), &[]);
        builder.build()
    };
    for sequence in 0..2 {
        let appended = partition.append(&batch(sequence), Acks::All, AppendOrigin::Client);
        appended.expect("an append").acknowledged().await.expect("acknowledged");
    }
    partition.delete_records(Offset::new(2)).await.expect("deleted");
    fill(&partition).await;
    tokio::time::sleep(LONG).await;
    assert!(cluster.manifest(0).await.merged_through > 2);
    let broker = cluster.restart_without_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert!(partition.append(&batch(9), Acks::All, AppendOrigin::Client).is_err());
    let appended = partition.append(&batch(2), Acks::All, AppendOrigin::Client);
    appended.expect("an append").acknowledged().await.expect("acknowledged");
}

#[tokio::test(start_paused = true)]
async fn a_missing_object_stops_cleaning_and_nothing_is_copied_on() {
    let mut cluster = cluster();
    cluster.options.gather = None;
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    fill(&partition).await;
    let data = cluster.objects.list("data/").await.expect("a list");
    let of_fifth = |name: &str| name.contains("/00000000000000000005-");
    let victim = data.into_iter().find(|it| of_fifth(it.name.as_str())).expect("a segment").name;
    cluster.objects.delete(&[victim]).await.expect("deleted");
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(cluster.manifest(0).await.merged_through, 0);
    assert_eq!(cluster.objects.list("partition/").await.expect("a list").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_becomes_compacted_is_cleaned() {
    let mut cluster = cluster();
    cluster.settings.cleanup_policy = CleanupPolicy { delete: true, compact: false };
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    fill(&partition).await;
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(read_keys(&partition, Isolation::ReadUncommitted).await.len(), 31);
    cluster.settings.cleanup_policy = CleanupPolicy { delete: true, compact: true };
    partition.apply_settings(std::sync::Arc::new(cluster.settings.clone()));
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(read_keys(&partition, Isolation::ReadUncommitted).await, survivors());
    partition.delete_records(Offset::new(28)).await.expect("deleted");
    tokio::time::sleep(LONG).await;
    assert_eq!(read_keys(&partition, Isolation::ReadUncommitted).await, survivors()[1..]);
    let broker = cluster.restart_without_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_keys(&partition, Isolation::ReadUncommitted).await, survivors()[1..]);
}
