//! Reading ahead: a reader that reads on finds what follows on its way. And side by side: partitions share requests.

use crate::{
    cluster::Cluster,
    gather::{PARTITIONS, commit, open_all},
    records::append_and_wait,
};
use model::{Offset, config::DurabilityMode};
use partition_log::{Isolation, Partition, ReadRequest, read_side_by_side};
use std::time::Duration;

/// A partition of as many segments with one record each, of which nothing is in memory.
async fn stored(cluster: &Cluster, segments: usize) -> Partition {
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    for _ in 0..segments {
        append_and_wait(&partition, &["value"]).await.expect("acknowledged");
        broker.logs.flush().await.expect("flushed");
    }
    let broker = cluster.restart_without_disk(broker).await;
    cluster.open(&broker, 0).await.expect("open")
}

fn one_record(offset: u64) -> ReadRequest {
    ReadRequest {
        from: Offset::new(offset).expect("small"),
        max_bytes: 1,
        at_least_one_batch: true,
        isolation: Isolation::ReadUncommitted,
        current_leader_epoch: None,
    }
}

/// Reads the record at `offset`, and answers how many GETs were sent by the time all is quiet.
async fn gets_after_reading(cluster: &Cluster, partition: &Partition, offset: u64) -> u64 {
    assert_eq!(partition.read(one_record(offset)).await.expect("a read").batches.len(), 1);
    tokio::time::sleep(Duration::from_millis(1)).await;
    cluster.objects.request_counts().gets
}

/// The same for several partitions side by side.
async fn gets_after_reading_all(cluster: &Cluster, partitions: &[Partition], offset: u64) -> u64 {
    let reads = partitions.iter().map(|partition| (partition.clone(), one_record(offset)));
    for found in read_side_by_side(reads.collect()).await {
        assert_eq!(found.expect("a read").batches.len(), 1);
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
    cluster.objects.request_counts().gets
}

#[tokio::test(start_paused = true)]
async fn the_next_read_of_a_reader_that_reads_on_sends_no_request_of_its_own() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let partition = stored(&cluster, 6).await;
    let first = gets_after_reading(&cluster, &partition, 0).await;
    let second = gets_after_reading(&cluster, &partition, 1).await;
    assert_eq!(second, first + 2, "its own, and the one behind it");
    assert_eq!(gets_after_reading(&cluster, &partition, 2).await, second + 1, "the one behind it");
    let fifth = gets_after_reading(&cluster, &partition, 4).await;
    assert_eq!(fifth, second + 2, "a reader that jumps is not read ahead of");
}

#[tokio::test(start_paused = true)]
async fn partitions_that_are_read_side_by_side_share_requests() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let broker = cluster.start().await;
    let partitions = open_all(&cluster, &broker).await;
    for _ in 0..4 {
        commit(&partitions, "value").await;
    }
    let broker = cluster.restart_without_disk(broker).await;
    let partitions = open_all(&cluster, &broker).await;
    assert_eq!(partitions.len(), PARTITIONS as usize);
    let before = cluster.objects.request_counts().gets;
    let first = gets_after_reading_all(&cluster, &partitions, 0).await;
    assert_eq!(first, before + 1, "one commit holds all of them");
    let second = gets_after_reading_all(&cluster, &partitions, 1).await;
    assert_eq!(second, first + 2, "the second commit, and the one ahead");
    assert_eq!(gets_after_reading_all(&cluster, &partitions, 2).await, second + 1);
}
