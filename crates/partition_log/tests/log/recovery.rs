//! Crashes, lost disks, lost sessions: nothing acknowledged is lost, doubled or moved.

use crate::{
    cluster::Cluster,
    records::{append, append_and_wait, numbered, read_all},
};
use model::config::DurabilityMode;
use partition_log::Acks;
use storage::{Fault, Operation};

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

#[tokio::test(start_paused = true)]
async fn a_lost_session_keeps_offsets_and_buffers() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let mut broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    append_and_wait(&partition, &["a"]).await.expect("acknowledged");
    cluster.object_faults.fail_always(Operation::Put, Fault::Unavailable);
    let waiting = append(&partition, &["b"], Acks::All);
    broker.logs.session_lost(broker.session.id);
    cluster.object_faults.heal();
    broker.session = cluster.register().await;
    broker.logs.begin_session(broker.session);
    let partition = cluster.open(&broker, 0).await.expect("open");
    let acknowledged = waiting.acknowledged().await.expect("acknowledged");
    assert_eq!(acknowledged.base_offset.get(), 1);
    append_and_wait(&partition, &["c"]).await.expect("acknowledged");
    let broker = cluster.restart_without_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, numbered(&["a", "b", "c"]));
}
