//! When an append is acknowledged (DESIGN section 3).

use crate::{
    cluster::Cluster,
    records::{append, append_and_wait, numbered, produced, read_all},
};
use futures::FutureExt;
use model::{Offset, config::DurabilityMode};
use partition_log::{Acks, AppendError, AppendOrigin};
use std::time::Duration;
use storage::{Fault, Operation};

#[tokio::test(start_paused = true)]
async fn what_is_appended_is_read_back_at_its_offsets() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    let first = append_and_wait(&partition, &["a", "b"]).await.expect("acknowledged");
    let second = append_and_wait(&partition, &["c"]).await.expect("acknowledged");
    assert_eq!((first.base_offset.get(), second.base_offset.get()), (0, 2));
    assert_eq!(read_all(&partition).await, numbered(&["a", "b", "c"]));
}

#[tokio::test(start_paused = true)]
async fn acks_all_waits_for_the_commit_in_object_mode() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    cluster.object_faults.fail_always(Operation::Put, Fault::Unavailable);
    let mut waiting = Box::pin(append(&partition, &["a"], Acks::All).acknowledged());
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!((&mut waiting).now_or_never().is_none());
    assert_eq!(partition.watermarks().high_watermark, Offset::ZERO);
    assert!(read_all(&partition).await.is_empty());
    cluster.object_faults.heal();
    waiting.await.expect("acknowledged");
    assert_eq!(read_all(&partition).await, numbered(&["a"]));
}

#[tokio::test(start_paused = true)]
async fn acks_leader_is_answered_by_the_wal_in_object_mode() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    cluster.object_faults.fail_always(Operation::Put, Fault::Unavailable);
    append(&partition, &["a"], Acks::Leader).acknowledged().await.expect("acknowledged");
    assert_eq!(partition.watermarks().high_watermark, Offset::ZERO);
}

#[tokio::test(start_paused = true)]
async fn acks_all_is_answered_by_the_wal_in_wal_mode() {
    let cluster = Cluster::new(DurabilityMode::Wal);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    cluster.object_faults.fail_always(Operation::Put, Fault::Unavailable);
    append_and_wait(&partition, &["a"]).await.expect("acknowledged");
    assert_eq!(read_all(&partition).await, numbered(&["a"]));
    assert_eq!(partition.watermarks().durable, Offset::ZERO);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_acknowledged_by_the_wal_while_the_lease_is_in_doubt() {
    let cluster = Cluster::new(DurabilityMode::Wal);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    cluster.object_faults.fail_always(Operation::Put, Fault::Unavailable);
    broker.lease.hold(false);
    let mut waiting = Box::pin(append(&partition, &["a"], Acks::All).acknowledged());
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!((&mut waiting).now_or_never().is_none());
    assert_eq!(partition.watermarks().high_watermark, Offset::ZERO);
    broker.lease.hold(true);
    waiting.await.expect("acknowledged");
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_the_wal_reaches_who_waits_for_it_and_not_who_waits_for_the_commit() {
    for (mode, acks) in [(DurabilityMode::Wal, Acks::All), (DurabilityMode::Object, Acks::Leader)] {
        let cluster = Cluster::new(mode);
        let broker = cluster.start().await;
        let partition = cluster.open(&broker, 0).await.expect("open");
        cluster.object_faults.fail_always(Operation::Put, Fault::Unavailable);
        let waiting = append(&partition, &["a"], acks);
        broker.wal.fail("the disk is gone");
        let refused = waiting.acknowledged().await;
        assert!(matches!(&refused, Err(AppendError::Storage(why)) if why.contains("gone")));
        assert!(broker.logs.wal_failure().is_some_and(|why| why.contains("gone")));
    }
    let cluster = Cluster::new(DurabilityMode::Object);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    let waiting = append(&partition, &["a"], Acks::All);
    broker.wal.fail("the disk is gone");
    waiting.acknowledged().await.expect("the commit needs no disk");
}

/// Without one, the next owner may know the records that are missing here.
#[tokio::test(start_paused = true)]
async fn a_producer_is_told_that_it_is_out_of_order_only_under_a_lease() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    let send = |sequence| {
        partition.append(&produced(7, sequence, &["a"]), Acks::All, AppendOrigin::Client)
    };
    send(0).expect("an append").acknowledged().await.expect("acknowledged");
    assert!(matches!(send(2), Err(AppendError::OutOfOrderSequence { .. })));
    broker.lease.hold(false);
    assert!(matches!(send(2), Err(AppendError::NotReady)));
}
