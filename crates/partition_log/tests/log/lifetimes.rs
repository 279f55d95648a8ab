//! What is kept for long does not keep what was written beside it and is not (ADR 23).

use crate::{
    cluster::{Broker, Cluster},
    fsck::check_batches,
    records::{append, append_and_wait, read_all},
};
use futures::future::join_all;
use model::{Offset, config::DurabilityMode};
use partition_log::{Acks, GatherOptions, Partition};
use std::time::Duration;

/// Long enough for records to expire, and for garbage to be noted and deleted.
const LONG: Duration = Duration::from_secs(1_500);

const COMMITS: usize = 16;

fn cluster(gather: Option<GatherOptions>) -> Cluster {
    let mut cluster = Cluster::new(DurabilityMode::Object);
    cluster.options.fold_fan_in = 4;
    cluster.options.gather = gather;
    cluster
}

/// Partition 0, whose records stay for a minute, and partition 1, whose records stay.
async fn open_both(cluster: &mut Cluster, broker: &Broker) -> [Partition; 2] {
    cluster.settings.retention_ms = Some(60_000);
    let brief = cluster.open(broker, 0).await.expect("open");
    cluster.settings.retention_ms = None;
    [brief, cluster.open(broker, 1).await.expect("open")]
}

/// Commits with a record of each partition.
async fn commit_both(partitions: &[Partition; 2], sizes: [usize; 2]) {
    let values = sizes.map(|size| "x".repeat(size));
    for _ in 0..COMMITS {
        let both = partitions.iter().zip(&values);
        let both = both.map(|(it, value)| append(it, &[value], Acks::All).acknowledged());
        for answer in join_all(both.collect::<Vec<_>>()).await {
            answer.expect("acknowledged");
        }
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
}

async fn objects(cluster: &Cluster, prefix: &str) -> usize {
    cluster.objects.list(prefix).await.expect("a list").len()
}

/// Both read as they must, also by a broker that comes to them anew, and everything is where lists say.
async fn assert_whole(cluster: &mut Cluster, broker: Broker, brief_from: u64) -> Broker {
    assert_eq!(check_batches(cluster).await, []);
    let broker = cluster.restart_without_disk(broker).await;
    let [brief, lasting] = open_both(cluster, &broker).await;
    assert_eq!(brief.watermarks().log_start.get(), brief_from);
    assert_eq!(read_all(&brief).await.len() as u64, COMMITS as u64 - brief_from);
    assert_eq!(read_all(&lasting).await.len(), COMMITS);
    broker
}

#[tokio::test(start_paused = true)]
async fn gathered_records_go_in_their_time() {
    let gather = GatherOptions { bytes_per_second: None, segment_bytes: 1 << 20 };
    let mut cluster = cluster(Some(gather));
    let broker = cluster.start().await;
    let partitions = open_both(&mut cluster, &broker).await;
    commit_both(&partitions, [100, 100]).await;
    assert_eq!(objects(&cluster, "gathered/").await, 8, "two for each fold");
    tokio::time::sleep(LONG).await;
    assert_eq!((objects(&cluster, "data/").await, objects(&cluster, "gathered/").await), (0, 4));
    let broker = assert_whole(&mut cluster, broker, COMMITS as u64).await;
    // What the next session is told to delete, it deletes of what the last one wrote.
    let [_, lasting] = open_both(&mut cluster, &broker).await;
    lasting.delete_records(Offset::new(8)).await.expect("deleted");
    tokio::time::sleep(LONG).await;
    assert_eq!(objects(&cluster, "gathered/").await, 2);
    assert_eq!(check_batches(&cluster).await, []);
    let broker = cluster.restart_without_disk(broker).await;
    let [_, lasting] = open_both(&mut cluster, &broker).await;
    assert_eq!(read_all(&lasting).await.len(), COMMITS - 8);
}

#[tokio::test(start_paused = true)]
async fn large_slices_stay_where_they_are_and_go_in_their_time() {
    let mut cluster =
        cluster(Some(GatherOptions { bytes_per_second: None, segment_bytes: 1 << 20 }));
    let broker = cluster.start().await;
    let partitions = open_both(&mut cluster, &broker).await;
    commit_both(&partitions, [600 << 10, 100]).await;
    assert_eq!((objects(&cluster, "data/").await, objects(&cluster, "gathered/").await), (16, 4));
    assert_eq!(read_all(&partitions[0]).await.len(), COMMITS);
    tokio::time::sleep(LONG).await;
    assert_eq!((objects(&cluster, "data/").await, objects(&cluster, "gathered/").await), (0, 4));
    assert_whole(&mut cluster, broker, COMMITS as u64).await;
}

#[tokio::test(start_paused = true)]
async fn what_lies_together_goes_when_the_last_of_it_does() {
    let mut cluster = cluster(None);
    let broker = cluster.start().await;
    let partitions = open_both(&mut cluster, &broker).await;
    commit_both(&partitions, [100, 100]).await;
    tokio::time::sleep(LONG).await;
    assert_eq!(objects(&cluster, "data/").await, COMMITS, "each has something that stays");
    partitions[1].delete_records(Offset::new(10)).await.expect("deleted");
    tokio::time::sleep(LONG).await;
    assert_eq!(objects(&cluster, "data/").await, COMMITS - 10);
    assert_eq!(check_batches(&cluster).await, []);
    let broker = cluster.restart_without_disk(broker).await;
    let [_, lasting] = open_both(&mut cluster, &broker).await;
    assert_eq!(read_all(&lasting).await.len(), COMMITS - 10);
    let before = cluster.objects.request_counts().gets;
    tokio::time::sleep(LONG).await;
    let gets = cluster.objects.request_counts().gets - before;
    assert!(gets <= 2, "what was told before is not looked for again: {gets}");
    append_and_wait(&lasting, &["y"]).await.expect("acknowledged");
}
