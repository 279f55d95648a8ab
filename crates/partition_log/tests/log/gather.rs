//! Gathering: what many commits brought to a partition comes to lie together.

use crate::{
    cluster::{Broker, Cluster},
    records::{append, numbered, read_all},
};
use futures::future::join_all;
use model::config::DurabilityMode;
use partition_log::{Acks, GatherOptions, Partition, PendingAppend};
use std::time::Duration;
use storage::{Fault, Operation};

/// Long enough for garbage to be noted and deleted.
const LONG: Duration = Duration::from_secs(1_000);

pub(crate) const PARTITIONS: u32 = 5;

fn cluster() -> Cluster {
    let mut cluster = Cluster::new(DurabilityMode::Object);
    cluster.options.fold_fan_in = 4;
    cluster.options.gather = Some(GatherOptions { bytes_per_second: None, segment_bytes: 1_000 });
    cluster
}

async fn objects(cluster: &Cluster, prefix: &str) -> usize {
    cluster.objects.list(prefix).await.expect("a list").len()
}

/// A commit with a record of each partition.
pub(crate) async fn commit(partitions: &[Partition], value: &str) {
    let appended: Vec<_> =
        partitions.iter().map(|partition| append(partition, &[value], Acks::All)).collect();
    for answer in join_all(appended.into_iter().map(PendingAppend::acknowledged)).await {
        answer.expect("acknowledged");
    }
}

pub(crate) async fn open_all(cluster: &Cluster, broker: &Broker) -> Vec<Partition> {
    let mut partitions = Vec::new();
    for index in 0..PARTITIONS {
        partitions.push(cluster.open(broker, index).await.expect("open"));
    }
    partitions
}

fn values(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

fn expected(values: &[String]) -> Vec<(u64, String)> {
    numbered(&values.iter().map(String::as_str).collect::<Vec<_>>())
}

async fn assert_read(partitions: &[Partition], values: &[String]) {
    for partition in partitions {
        assert_eq!(read_all(partition).await, expected(values));
    }
}

#[tokio::test(start_paused = true)]
async fn gathered_commits_read_as_before_from_few_objects() {
    let cluster = cluster();
    let broker = cluster.start().await;
    let partitions = open_all(&cluster, &broker).await;
    let values = values(18);
    for value in &values {
        commit(&partitions, value).await;
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(objects(&cluster, "data/").await, 18, "a reader may still hold them");
    assert!(objects(&cluster, "gathered/").await >= 4);
    assert_read(&partitions, &values).await;
    tokio::time::sleep(LONG).await;
    assert_eq!(objects(&cluster, "data/").await, 2, "those that no fold took in");
    assert_read(&partitions, &values).await;
    let mut broker = broker;
    for _ in 0..2 {
        broker = cluster.restart_without_disk(broker).await;
        assert_read(&open_all(&cluster, &broker).await, &values).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_of_history_takes_one_get_where_it_took_one_for_each_commit() {
    let mut cluster = cluster();
    cluster.options.fold_fan_in = 16;
    cluster.options.gather = Some(GatherOptions { bytes_per_second: None, segment_bytes: 1 << 20 });
    let broker = cluster.start().await;
    let partitions = open_all(&cluster, &broker).await;
    let values = values(16);
    for value in &values {
        commit(&partitions, value).await;
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    let broker = cluster.restart_without_disk(broker).await;
    let partition = cluster.open(&broker, 2).await.expect("open");
    let before = cluster.objects.request_counts().gets;
    assert_eq!(read_all(&partition).await, expected(&values));
    let gets = cluster.objects.request_counts().gets - before;
    assert!(gets <= 2, "the run, and all of its slices: {gets}");
}

#[tokio::test(start_paused = true)]
async fn commits_stay_where_they_are_when_one_can_not_be_read() {
    let cluster = cluster();
    let broker = cluster.start().await;
    let partitions = open_all(&cluster, &broker).await;
    let values = values(4);
    for value in &values[..3] {
        commit(&partitions, value).await;
    }
    cluster.object_faults.fail_always(Operation::Get, Fault::Unavailable);
    commit(&partitions, &values[3]).await;
    tokio::time::sleep(LONG).await;
    cluster.object_faults.heal();
    assert_eq!((objects(&cluster, "gathered/").await, objects(&cluster, "data/").await), (0, 4));
    assert_eq!(cluster.count(cluster.keys.indexes(broker.session.id)).await, 1);
    assert_read(&partitions, &values).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_gathered_and_never_swapped_in_goes_once_its_session_is_over() {
    let cluster = cluster();
    let broker = cluster.start().await;
    let partitions = open_all(&cluster, &broker).await;
    let values = values(4);
    for value in &values[..3] {
        commit(&partitions, value).await;
    }
    // The fourth commit passes, its fold does not.
    cluster.store.faults().plan([None]);
    cluster.store.faults().fail_every(1, metadata::memory::Fault::Unavailable);
    commit(&partitions, &values[3]).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    cluster.store.faults().heal();
    cluster.end_session().await;
    assert!(objects(&cluster, "gathered/").await > 0);
    let broker = cluster.restart_without_disk(broker).await;
    tokio::time::sleep(LONG).await;
    assert_eq!((objects(&cluster, "gathered/").await, objects(&cluster, "data/").await), (0, 4));
    assert_read(&open_all(&cluster, &broker).await, &values).await;
}
