//! Merging: partition segments take the place of a partition's slices in shared ones.

use crate::{
    cluster::{Broker, Cluster},
    records::{
        append_and_wait, append_in_transaction, numbered, produced, produced_in_transaction,
        read_all,
    },
};
use metadata::memory::Fault;
use model::{Offset, TimestampMs, config::DurabilityMode};
use partition_log::{Acks, AppendOrigin, Isolation, Partition, TimestampQuery};
use std::time::Duration;

/// So many commits are merged.
const MANY: u64 = 8;

/// Longer than the worker pauses.
const A_WHILE: Duration = Duration::from_secs(60);

/// Long enough for garbage to be noted and deleted.
const LONG: Duration = Duration::from_secs(1_000);

fn cluster() -> Cluster {
    let mut cluster = Cluster::new(DurabilityMode::Object);
    cluster.options.fold_fan_in = 4;
    cluster.options.merge_min_commits = Some(MANY);
    cluster
}

fn values(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

fn expected(values: &[String]) -> Vec<(u64, String)> {
    numbered(&values.iter().map(String::as_str).collect::<Vec<_>>())
}

async fn append_all(partition: &Partition, values: &[String]) {
    for value in values {
        append_and_wait(partition, &[value]).await.expect("acknowledged");
    }
}

async fn objects(cluster: &Cluster, prefix: &str) -> usize {
    cluster.objects.list(prefix).await.expect("a list").len()
}

async fn assert_reads_after_restarts(cluster: &Cluster, mut broker: Broker, values: &[String]) {
    for _ in 0..2 {
        broker = cluster.restart_without_disk(broker).await;
        let partition = cluster.open(&broker, 0).await.expect("open");
        assert_eq!(read_all(&partition).await, expected(values));
    }
}

#[tokio::test(start_paused = true)]
async fn a_merged_log_reads_as_before_and_leaves_only_its_own_objects() {
    let cluster = cluster();
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    let values = values(30);
    append_all(&partition, &values).await;
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(cluster.manifest(0).await.merged_through, 30);
    assert!(objects(&cluster, "data/").await > 0, "a reader may still hold the slices");
    assert_eq!(read_all(&partition).await, expected(&values));
    tokio::time::sleep(LONG).await;
    let left = [objects(&cluster, "data/").await, objects(&cluster, "index/").await];
    assert_eq!((left, objects(&cluster, "partition/").await), ([0, 0], 2));
    assert_eq!(cluster.count(cluster.keys.commits(broker.session.id)).await, 0);
    assert_eq!(read_all(&partition).await, expected(&values));
    assert_reads_after_restarts(&cluster, broker, &values).await;
}

#[tokio::test(start_paused = true)]
async fn a_log_is_merged_again_and_again_while_its_commits_are_folded() {
    let cluster = cluster();
    let mut broker = cluster.start().await;
    let values = values(150);
    for (life, part) in values.chunks(50).enumerate() {
        let partition = cluster.open(&broker, 0).await.expect("open");
        for some in part.chunks(5) {
            append_all(&partition, some).await;
            tokio::time::sleep(Duration::from_secs(20)).await;
        }
        assert_eq!(read_all(&partition).await, expected(&values[..(life + 1) * 50]));
        broker = cluster.restart_without_disk(broker).await;
    }
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, expected(&values));
    assert!(cluster.manifest(0).await.merged_through >= 140);
    tokio::time::sleep(LONG).await;
    assert_eq!(read_all(&partition).await, expected(&values));
    assert_reads_after_restarts(&cluster, broker, &values).await;
}

#[tokio::test(start_paused = true)]
async fn a_merge_of_unknown_outcome_is_settled() {
    for fault in [Fault::UnknownApplied, Fault::UnknownNotApplied, Fault::Delayed] {
        let cluster = cluster();
        let broker = cluster.start().await;
        let partition = cluster.open(&broker, 0).await.expect("open");
        let mut values = values(10);
        append_all(&partition, &values).await;
        tokio::time::sleep(Duration::from_secs(14)).await;
        cluster.store.faults().fail_next(fault);
        tokio::time::sleep(Duration::from_secs(20)).await;
        cluster.store.faults().heal();
        cluster.store.faults().land_delayed();
        tokio::time::sleep(A_WHILE).await;
        assert_eq!(cluster.manifest(0).await.merged_through, 10, "{fault:?}");
        let more: Vec<_> = values.iter().map(|value| format!("more {value}")).collect();
        append_all(&partition, &more).await;
        values.extend(more);
        tokio::time::sleep(LONG).await;
        assert_eq!(cluster.manifest(0).await.merged_through, 20, "{fault:?}");
        assert_eq!(read_all(&partition).await, expected(&values), "{fault:?}");
        assert_reads_after_restarts(&cluster, broker, &values).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_the_manifest_leaves_objects_that_are_collected() {
    let cluster = cluster();
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    let values = values(10);
    append_all(&partition, &values).await;
    cluster.store.faults().fail_every(1, Fault::Unavailable);
    tokio::time::sleep(A_WHILE).await;
    cluster.store.faults().heal();
    assert_eq!(objects(&cluster, "partition/").await, 2);
    let broker = cluster.restart_without_disk(broker).await;
    assert_eq!(cluster.manifest(0).await.merged_through, 0);
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, expected(&values));
    tokio::time::sleep(LONG).await;
    assert_eq!(cluster.manifest(0).await.merged_through, 10);
    assert_eq!(objects(&cluster, "partition/").await, 2, "those of the second attempt");
    assert_reads_after_restarts(&cluster, broker, &values).await;
}

#[tokio::test(start_paused = true)]
async fn a_merge_that_lands_after_a_takeover_changes_nothing() {
    let cluster = cluster();
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    let values = values(10);
    append_all(&partition, &values).await;
    cluster.store.faults().delay_puts_below(cluster.keys.manifests());
    tokio::time::sleep(A_WHILE).await;
    assert!(cluster.store.faults().delayed() > 0);
    let broker = cluster.restart_without_disk(broker).await;
    let claim = cluster.claim(&broker, 0).await;
    cluster.store.faults().heal();
    cluster.store.faults().land_delayed();
    assert_eq!(cluster.manifest(0).await.merged_through, 0);
    let partition = broker.logs.open(vec![claim]).await.remove(0).expect("open");
    assert_eq!(read_all(&partition).await, expected(&values));
    tokio::time::sleep(LONG).await;
    assert_eq!(cluster.manifest(0).await.merged_through, 10);
    assert_reads_after_restarts(&cluster, broker, &values).await;
}

#[tokio::test(start_paused = true)]
async fn producers_and_transactions_are_known_to_a_merged_log() {
    let cluster = cluster();
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    let first = produced(7, 0, &["a"]);
    let appended = partition.append(&first, Acks::All, AppendOrigin::Client).expect("an append");
    appended.acknowledged().await.expect("acknowledged");
    let begun = append_in_transaction(&partition, &produced_in_transaction(8, 0, &["b"]));
    begun.expect("an append").acknowledged().await.expect("acknowledged");
    append_all(&partition, &values(10)).await;
    tokio::time::sleep(LONG).await;
    assert_eq!(objects(&cluster, "data/").await, 0);
    let broker = cluster.restart_without_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(partition.watermarks().last_stable.get(), 1);
    let again = partition.append(&first, Acks::All, AppendOrigin::Client).expect("an append");
    assert_eq!(again.acknowledged().await.expect("acknowledged").base_offset.get(), 0);
    let next = partition.append(&produced(7, 1, &["c"]), Acks::All, AppendOrigin::Client);
    next.expect("an append").acknowledged().await.expect("acknowledged");
}

#[tokio::test(start_paused = true)]
async fn records_of_a_merged_log_are_found_by_time() {
    let cluster = cluster();
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    append_all(&partition, &values(10)).await;
    tokio::time::sleep(LONG).await;
    let query = |timestamp| TimestampQuery::AtOrAfter(TimestampMs(timestamp));
    let found =
        |timestamp| partition.offset_for_timestamp(query(timestamp), Isolation::ReadUncommitted);
    assert_eq!(found(0).await.expect("a read").expect("found").offset, Offset::ZERO);
    assert!(found(1_800_000_000_000).await.expect("a read").is_none());
}

#[tokio::test(start_paused = true)]
async fn what_the_log_start_leaves_behind_goes_with_its_partition_segments() {
    let cluster = cluster();
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    let values = values(20);
    append_all(&partition, &values[..10]).await;
    tokio::time::sleep(A_WHILE).await;
    append_all(&partition, &values[10..]).await;
    tokio::time::sleep(LONG).await;
    assert_eq!(objects(&cluster, "partition/").await, 3);
    partition.delete_records(Offset::new(12)).await.expect("deleted");
    tokio::time::sleep(LONG).await;
    assert_eq!(objects(&cluster, "partition/").await, 2);
    let broker = cluster.restart_without_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, expected(&values)[12..]);
    append_all(&partition, &values[..10]).await;
    tokio::time::sleep(LONG).await;
    assert_eq!(cluster.manifest(0).await.merged_through, 30);
    assert_eq!(partition.watermarks().log_end.get(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_damaged_batch_is_not_copied_on() {
    let mut cluster = cluster();
    cluster.options.gather = None;
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    append_all(&partition, &values(10)).await;
    let victim = cluster.objects.list("data/").await.expect("a list").remove(0).name;
    let mut bytes = cluster.objects.get(&victim).await.expect("an object").to_vec();
    bytes[80] ^= 1;
    cluster.objects.put(&victim, vec![bytes.into()]).await.expect("stored");
    tokio::time::sleep(LONG).await;
    assert_eq!(cluster.manifest(0).await.merged_through, 0);
    assert_eq!(objects(&cluster, "data/").await, 10);
}
