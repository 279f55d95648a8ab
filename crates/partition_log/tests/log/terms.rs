//! The durability mode in force (DESIGN section 3): changed while records flow, declared clean in silence, and what late
//! transactions do to both.

use crate::{
    cluster::{Broker, Cluster},
    records::{append, append_and_wait, numbered, read_all},
};
use formats::metadata::DurabilityMode as Stored;
use futures::FutureExt;
use metadata::{MetadataStore, RangeQuery, memory::Fault};
use model::config::{DurabilityMode, TopicSettings};
use partition_log::{Acks, Partition, PendingAppend};
use std::{sync::Arc, time::Duration};
use storage::Operation;

/// Long enough for every write and retry, and shorter than the silence that is declared.
const A_MOMENT: Duration = Duration::from_secs(5);
const SILENCE: Duration = Duration::from_secs(75);

async fn moment() {
    tokio::time::sleep(A_MOMENT).await;
}

fn want(cluster: &Cluster, partition: &Partition, mode: DurabilityMode) {
    let settings = TopicSettings { durability_mode: mode, ..cluster.settings.clone() };
    partition.apply_settings(Arc::new(settings));
}

fn lose_uploads(cluster: &Cluster) {
    cluster.object_faults.fail_always(Operation::Put, storage::Fault::Unavailable);
}

/// The owner record's mode, and whether it says clean.
async fn recorded(cluster: &Cluster) -> (Stored, bool) {
    let owner = cluster.owner(0).await;
    (Stored::try_from(owner.mode).expect("a mode"), owner.clean)
}

async fn started(mode: DurabilityMode) -> (Cluster, Broker, Partition) {
    let cluster = Cluster::new(mode);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    (cluster, broker, partition)
}

/// Whether the append is acknowledged within a moment; it goes on waiting otherwise.
async fn is_acknowledged(pending: PendingAppend) -> bool {
    let mut waiting = Box::pin(pending.acknowledged());
    moment().await;
    (&mut waiting).now_or_never().is_some()
}

#[tokio::test(start_paused = true)]
async fn a_partition_turned_to_wal_is_acknowledged_by_the_wal_once_its_record_says_so() {
    let (cluster, _broker, partition) = started(DurabilityMode::Object).await;
    lose_uploads(&cluster);
    want(&cluster, &partition, DurabilityMode::Wal);
    moment().await;
    assert_eq!(recorded(&cluster).await, (Stored::Wal, false));
    append_and_wait(&partition, &["a"]).await.expect("acknowledged");
    assert_eq!(read_all(&partition).await, numbered(&["a"]));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_acknowledged_or_served_by_the_wal_before_the_record_is_known_to_say_so() {
    for fault in [Fault::Unavailable, Fault::UnknownApplied, Fault::Delayed] {
        let (cluster, _broker, partition) = started(DurabilityMode::Object).await;
        lose_uploads(&cluster);
        cluster.store.faults().fail_every(1, fault);
        want(&cluster, &partition, DurabilityMode::Wal);
        moment().await;
        let mut waiting = Box::pin(append(&partition, &["a"], Acks::Leader).acknowledged());
        assert!((&mut waiting).await.is_ok(), "acks=1 promises the disk alone: {fault:?}");
        assert!(!is_acknowledged(append(&partition, &["b"], Acks::All)).await, "{fault:?}");
        assert!(read_all(&partition).await.is_empty(), "{fault:?}");
        cluster.store.faults().heal();
        moment().await;
        append_and_wait(&partition, &["c"]).await.expect("acknowledged");
        assert_eq!(read_all(&partition).await, numbered(&["a", "b", "c"]));
        cluster.store.faults().land_delayed();
        assert_eq!(recorded(&cluster).await, (Stored::Wal, false), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_partition_turned_to_object_waits_for_the_commit_from_the_change() {
    let (cluster, broker, partition) = started(DurabilityMode::Wal).await;
    lose_uploads(&cluster);
    append_and_wait(&partition, &["a"]).await.expect("acknowledged");
    want(&cluster, &partition, DurabilityMode::Object);
    let mut waiting = Box::pin(append(&partition, &["b"], Acks::All).acknowledged());
    moment().await;
    assert!((&mut waiting).now_or_never().is_none());
    assert_eq!(read_all(&partition).await, numbered(&["a"]), "the high watermark stands still");
    assert_eq!(recorded(&cluster).await, (Stored::Wal, false), "what the WAL promised holds");
    cluster.object_faults.heal();
    waiting.await.expect("acknowledged");
    moment().await;
    assert_eq!(recorded(&cluster).await, (Stored::Object, false));

    let broker = cluster.restart_without_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, numbered(&["a", "b"]));
}

#[tokio::test(start_paused = true)]
async fn an_append_that_waits_for_the_wal_waits_for_the_commit_after_the_change() {
    let (cluster, broker, partition) = started(DurabilityMode::Wal).await;
    lose_uploads(&cluster);
    broker.lease.hold(false);
    let pending = append(&partition, &["a"], Acks::All);
    moment().await;
    want(&cluster, &partition, DurabilityMode::Object);
    broker.lease.hold(true);
    assert!(!is_acknowledged(pending).await);
}

#[tokio::test(start_paused = true)]
async fn a_record_of_object_that_may_land_late_stops_the_wal_until_it_is_superseded() {
    let (cluster, _broker, partition) = started(DurabilityMode::Wal).await;
    cluster.store.faults().fail_every(1, Fault::Delayed);
    want(&cluster, &partition, DurabilityMode::Object);
    moment().await;
    want(&cluster, &partition, DurabilityMode::Wal);
    lose_uploads(&cluster);
    assert!(!is_acknowledged(append(&partition, &["a"], Acks::All)).await);
    cluster.store.faults().heal();
    moment().await;
    append_and_wait(&partition, &["b"]).await.expect("acknowledged");
    cluster.store.faults().land_delayed();
    assert_eq!(recorded(&cluster).await, (Stored::Wal, false));
}

#[tokio::test(start_paused = true)]
async fn a_restart_before_everything_is_stored_finishes_the_change() {
    let (mut cluster, broker, partition) = started(DurabilityMode::Wal).await;
    lose_uploads(&cluster);
    append_and_wait(&partition, &["a"]).await.expect("acknowledged");
    want(&cluster, &partition, DurabilityMode::Object);
    moment().await;
    let broker = cluster.restart_with_disk(broker).await;
    cluster.settings.durability_mode = DurabilityMode::Object;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, numbered(&["a"]), "served before, served again");
    assert!(!is_acknowledged(append(&partition, &["b"], Acks::All)).await);
    cluster.object_faults.heal();
    moment().await;
    assert_eq!(recorded(&cluster).await, (Stored::Object, false));
}

#[tokio::test(start_paused = true)]
async fn a_silent_wal_partition_is_declared_clean_and_then_left_alone() {
    let (cluster, _broker, partition) = started(DurabilityMode::Wal).await;
    append_and_wait(&partition, &["a"]).await.expect("acknowledged");
    tokio::time::sleep(Duration::from_secs(55)).await;
    assert_eq!(recorded(&cluster).await, (Stored::Wal, false));
    tokio::time::sleep(SILENCE).await;
    assert_eq!(recorded(&cluster).await, (Stored::Wal, true));
    let revision =
        || async { cluster.store.range(RangeQuery::prefix("")).await.expect("a store").revision };
    let before = revision().await;
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert_eq!(revision().await, before, "an idle broker writes nothing");
}

#[tokio::test(start_paused = true)]
async fn silent_partitions_are_declared_together() {
    let (cluster, broker, _partition) = started(DurabilityMode::Wal).await;
    for index in 1..50 {
        cluster.open(&broker, index).await.expect("open");
    }
    let before = cluster.store.range(RangeQuery::prefix("")).await.expect("a store").revision;
    tokio::time::sleep(SILENCE).await;
    let after = cluster.store.range(RangeQuery::prefix("")).await.expect("a store").revision;
    assert!(after.0 <= before.0 + 2, "one write for each round that finds some");
    assert!(cluster.owner(49).await.clean);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_stored_is_not_declared_clean() {
    let (cluster, _broker, partition) = started(DurabilityMode::Wal).await;
    lose_uploads(&cluster);
    append_and_wait(&partition, &["a"]).await.expect("acknowledged");
    tokio::time::sleep(SILENCE * 2).await;
    assert_eq!(recorded(&cluster).await, (Stored::Wal, false));
}

#[tokio::test(start_paused = true)]
async fn a_declaration_is_withdrawn_before_the_next_append_is_acknowledged() {
    let (cluster, _broker, partition) = started(DurabilityMode::Wal).await;
    tokio::time::sleep(SILENCE).await;
    assert_eq!(recorded(&cluster).await, (Stored::Wal, true));
    lose_uploads(&cluster);
    cluster.store.faults().fail_every(1, Fault::Unavailable);
    for acks in [Acks::All, Acks::Leader] {
        assert!(!is_acknowledged(append(&partition, &["a"], acks)).await);
    }
    assert!(read_all(&partition).await.is_empty(), "nor is it served");
    assert_eq!(recorded(&cluster).await, (Stored::Wal, true));
    cluster.store.faults().heal();
    moment().await;
    append_and_wait(&partition, &["b"]).await.expect("acknowledged");
    assert_eq!(recorded(&cluster).await, (Stored::Wal, false));
    assert_eq!(read_all(&partition).await, numbered(&["a", "a", "b"]));
}

#[tokio::test(start_paused = true)]
async fn an_append_without_acks_withdraws_the_declaration_too() {
    let (cluster, _broker, partition) = started(DurabilityMode::Wal).await;
    tokio::time::sleep(SILENCE).await;
    lose_uploads(&cluster);
    append(&partition, &["a"], Acks::Leader).acknowledged().await.expect("acknowledged");
    tokio::time::sleep(SILENCE).await;
    assert_eq!(recorded(&cluster).await, (Stored::Wal, false));
    append(&partition, &["b"], Acks::None);
    moment().await;
    assert_eq!(read_all(&partition).await, numbered(&["a", "b"]));
}

#[tokio::test(start_paused = true)]
async fn a_declaration_that_lands_late_finds_itself_withdrawn() {
    let (cluster, _broker, partition) = started(DurabilityMode::Wal).await;
    cluster.store.faults().fail_every(1, Fault::Delayed);
    tokio::time::sleep(SILENCE).await;
    assert!(cluster.store.faults().delayed() > 0, "it was sent");
    lose_uploads(&cluster);
    assert!(!is_acknowledged(append(&partition, &["a"], Acks::All)).await, "it may have landed");
    cluster.store.faults().heal();
    moment().await;
    append_and_wait(&partition, &["b"]).await.expect("acknowledged");
    let landed = cluster.store.faults().land_delayed();
    assert!(landed.iter().all(|it| it.as_ref().is_ok_and(|outcome| !outcome.succeeded)));
    assert_eq!(recorded(&cluster).await, (Stored::Wal, false));
}

#[tokio::test(start_paused = true)]
async fn a_declaration_that_landed_unanswered_is_learnt_and_withdrawn() {
    let (cluster, _broker, partition) = started(DurabilityMode::Wal).await;
    cluster.store.faults().fail_every(1, Fault::UnknownApplied);
    tokio::time::sleep(SILENCE).await;
    assert_eq!(recorded(&cluster).await, (Stored::Wal, true));
    cluster.store.faults().heal();
    lose_uploads(&cluster);
    append_and_wait(&partition, &["a"]).await.expect("acknowledged");
    assert_eq!(recorded(&cluster).await, (Stored::Wal, false));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_over_declares_nothing() {
    let (cluster, _broker, _partition) = started(DurabilityMode::Wal).await;
    cluster.end_session().await;
    tokio::time::sleep(SILENCE).await;
    assert_eq!(recorded(&cluster).await, (Stored::Wal, false));
}

#[tokio::test(start_paused = true)]
async fn a_log_start_moves_while_the_terms_change() {
    let (cluster, _broker, partition) = started(DurabilityMode::Object).await;
    append_and_wait(&partition, &["a"]).await.expect("acknowledged");
    cluster.store.faults().fail_next(Fault::UnknownApplied);
    want(&cluster, &partition, DurabilityMode::Wal);
    tokio::task::yield_now().await;
    assert_eq!(partition.delete_records(None).await.expect("deleted").get(), 1);
}
