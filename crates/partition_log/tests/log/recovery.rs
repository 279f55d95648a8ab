//! Crashes, lost disks, lost sessions: nothing acknowledged is lost, doubled or moved.

use crate::{
    cluster::{Broker, Cluster},
    records::{append, append_and_wait, numbered, produced, read_all},
};
use futures::FutureExt;
use model::{WalId, config::DurabilityMode};
use partition_log::{Acks, AppendError, AppendOrigin, LogError, Partition, PendingAppend};
use std::time::Duration;
use storage::{Fault, Operation};
use wal::Wal;

#[tokio::test(start_paused = true)]
async fn a_crash_with_the_disk_kept_loses_nothing_that_was_synced() {
    let cluster = Cluster::new(DurabilityMode::Wal);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    append_and_wait(&partition, &["a"]).await.expect("acknowledged");
    broker.logs.flush().await.expect("flushed");
    cluster.object_faults.fail_always(Operation::Put, Fault::Unavailable);
    append_and_wait(&partition, &["b"]).await.expect("acknowledged");
    append_and_wait(&partition, &["c"]).await.expect("acknowledged");

    let broker = cluster.restart_with_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, numbered(&["a", "b", "c"]));
    cluster.object_faults.heal();
    append_and_wait(&partition, &["d"]).await.expect("acknowledged");
    broker.logs.flush().await.expect("flushed");

    let broker = cluster.restart_without_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, numbered(&["a", "b", "c", "d"]));
}

#[tokio::test(start_paused = true)]
async fn a_lost_disk_loses_nothing_that_was_acknowledged_in_object_mode() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    append_and_wait(&partition, &["a"]).await.expect("acknowledged");
    append_and_wait(&partition, &["b"]).await.expect("acknowledged");
    let broker = cluster.restart_without_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, numbered(&["a", "b"]));
    let third = append_and_wait(&partition, &["c"]).await.expect("acknowledged");
    assert_eq!(third.base_offset.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_chain_of_crashes_loses_no_commit() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let mut broker = cluster.start().await;
    for value in ["a", "b", "c", "d"] {
        let partition = cluster.open(&broker, 0).await.expect("open");
        append_and_wait(&partition, &[value]).await.expect("acknowledged");
        broker = cluster.restart_without_disk(broker).await;
    }
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, numbered(&["a", "b", "c", "d"]));
}

/// Appends what can't be stored, loses the session, and begins another when the object store is back.
async fn append_and_lose_session(
    cluster: &Cluster,
    broker: &mut Broker,
    partition: &Partition,
    value: &str,
) -> PendingAppend {
    cluster.object_faults.fail_always(Operation::Put, Fault::Unavailable);
    let waiting = append(partition, &[value], Acks::All);
    broker.logs.session_lost(broker.session.id);
    cluster.object_faults.heal();
    broker.session = cluster.register().await;
    broker.logs.begin_session(broker.session);
    waiting
}

#[tokio::test(start_paused = true)]
async fn a_lost_session_keeps_offsets_and_buffers() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let mut broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    append_and_wait(&partition, &["a"]).await.expect("acknowledged");
    let waiting = append_and_lose_session(&cluster, &mut broker, &partition, "b").await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    let acknowledged = waiting.acknowledged().await.expect("acknowledged");
    assert_eq!(acknowledged.base_offset.get(), 1);
    append_and_wait(&partition, &["c"]).await.expect("acknowledged");
    let broker = cluster.restart_without_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, numbered(&["a", "b", "c"]));
}

/// A broker that was cut off may see its partition go and come back as one change.
#[tokio::test(start_paused = true)]
async fn what_memory_has_of_a_lost_ownership_is_dropped_though_the_loss_was_not_seen() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let mut broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    append_and_wait(&partition, &["a"]).await.expect("acknowledged");
    let waiting = append_and_lose_session(&cluster, &mut broker, &partition, "b").await;
    // Another disk owned the partition in between.
    let own = std::mem::replace(&mut broker.wal_id, WalId::from_bytes([9; 16]));
    cluster.claim(&broker, 0).await;
    broker.wal_id = own;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(waiting.acknowledged().await, Err(AppendError::NotOwner));
    append_and_wait(&partition, &["c"]).await.expect("acknowledged");
    assert_eq!(read_all(&partition).await, numbered(&["a", "c"]));
}

/// A partition that was being drained takes no appends, but has batches to flush: not before its owner record names the session.
#[tokio::test(start_paused = true)]
async fn a_session_flushes_nothing_of_a_partition_that_it_did_not_claim() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let mut broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    append_and_wait(&partition, &["a"]).await.expect("acknowledged");
    let waiting = append(&partition, &["b"], Acks::All);
    assert!(broker.logs.drain().now_or_never().is_none());
    broker.logs.session_lost(broker.session.id);
    broker.session = cluster.register().await;
    broker.logs.begin_session(broker.session);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(cluster.head(broker.session.id).await, 0);

    cluster.open(&broker, 0).await.expect("open");
    let acknowledged = waiting.acknowledged().await.expect("acknowledged");
    assert_eq!(acknowledged.base_offset.get(), 1);
    assert_eq!(cluster.head(broker.session.id).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_after_a_restart_is_answered_with_the_original_offset() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    let first = produced(7, 0, &["a"]);
    let append = |partition: &Partition| {
        partition.append(&first, Acks::All, AppendOrigin::Client).expect("an append")
    };
    append(&partition).acknowledged().await.expect("acknowledged");
    append_and_wait(&partition, &["b"]).await.expect("acknowledged");
    let broker = cluster.restart_without_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    let again = append(&partition).acknowledged().await.expect("acknowledged");
    assert_eq!(again.base_offset.get(), 0);
    assert_eq!(partition.watermarks().log_end.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn frames_of_a_lost_ownership_are_quarantined_not_uploaded() {
    let cluster = Cluster::new(DurabilityMode::Wal);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    cluster.object_faults.fail_always(Operation::Put, Fault::Unavailable);
    append_and_wait(&partition, &["a"]).await.expect("acknowledged");
    let mut broker = cluster.restart_with_disk(broker).await;
    cluster.object_faults.heal();
    // Another disk owned the partition in between.
    let own = broker.wal_id;
    broker.wal_id = WalId::from_bytes([9; 16]);
    cluster.claim(&broker, 0).await;
    broker.wal_id = own;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(broker.logs.unclaimed_frames().len(), 1);
    append_and_wait(&partition, &["b"]).await.expect("acknowledged");
    broker.logs.flush().await.expect("flushed");
    assert_eq!(read_all(&partition).await, numbered(&["b"]));
}

#[tokio::test(start_paused = true)]
async fn a_closed_partition_fails_its_waiters() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    cluster.object_faults.fail_always(Operation::Put, Fault::Unavailable);
    let waiting = append(&partition, &["a"], Acks::All);
    broker.logs.close_partition(partition.id());
    assert_eq!(waiting.acknowledged().await, Err(AppendError::NotOwner));
    assert_eq!(broker.logs.status().uncommitted_bytes, 0);
}

#[tokio::test(start_paused = true)]
async fn a_drained_broker_leaves_nothing_in_its_wal() {
    let cluster = Cluster::new(DurabilityMode::Wal);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    append_and_wait(&partition, &["a"]).await.expect("acknowledged");
    broker.logs.drain().await.expect("drained");
    let refused = partition.append(&produced(7, 0, &["b"]), Acks::All, AppendOrigin::Client);
    assert!(matches!(refused, Err(AppendError::Stopping)));
    assert_eq!(broker.wal.unreleased_bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn history_that_is_compacted_while_it_is_read_is_read_anew() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    append_and_wait(&partition, &["a"]).await.expect("acknowledged");
    append_and_wait(&partition, &["b"]).await.expect("acknowledged");
    cluster.store.faults().compact_before_reads(2);
    let broker = cluster.restart_without_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, numbered(&["a", "b"]));
}

#[tokio::test(start_paused = true)]
async fn history_that_is_always_compacted_is_no_log() {
    let cluster = Cluster::new(DurabilityMode::Object);
    cluster.store.faults().compact_before_reads(u32::MAX);
    let broker = cluster.start().await;
    let refused = cluster.open(&broker, 0).await;
    assert!(matches!(refused, Err(LogError::Unavailable(_))), "{refused:?}");
}
