//! Folding into manifests: a long chain of sessions is made short before its partition is served (DESIGN 5).

use crate::{
    cluster::{Broker, Cluster},
    records::{
        append_and_wait, append_in_transaction, numbered, produced, produced_in_transaction,
        read_all,
    },
};
use bytes::Bytes;
use formats::metadata::{DeletedTopic, Session};
use futures::FutureExt;
use metadata::{
    MetadataStore, Operation, Transaction,
    families::{self, MANIFEST_MAX_BYTES},
    memory::Fault,
};
use model::{BrokerId, Offset, config::DurabilityMode};
use partition_log::{Acks, AppendOrigin, LogError};
use std::time::Duration;

/// Lives of the broker after which an owner record is too long.
const LIVES: usize = 5;

/// Appends one value in each life of the broker; answers the next one, whose disk is empty.
async fn live_through(cluster: &Cluster, values: &[String]) -> Broker {
    let mut broker = cluster.start().await;
    for value in values {
        let partition = cluster.open(&broker, 0).await.expect("open");
        append_and_wait(&partition, &[value]).await.expect("acknowledged");
        broker = cluster.restart_without_disk(broker).await;
    }
    broker
}

fn values(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

fn expected(values: &[String]) -> Vec<(u64, String)> {
    numbered(&values.iter().map(String::as_str).collect::<Vec<_>>())
}

async fn rests(cluster: &Cluster) -> usize {
    cluster.objects.list("manifest/").await.expect("a list").len()
}

#[tokio::test(start_paused = true)]
async fn a_chain_of_restarts_keeps_the_owner_record_short() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let mut broker = cluster.start().await;
    let values = values(100);
    for value in &values {
        let claim = cluster.claim(&broker, 0).await;
        assert!(claim.owner.unfolded.len() <= LIVES);
        let partition = broker.logs.open(vec![claim]).await.remove(0).expect("open");
        assert!(cluster.owner(0).await.unfolded.len() < LIVES);
        append_and_wait(&partition, &[value]).await.expect("acknowledged");
        broker = cluster.restart_without_disk(broker).await;
    }
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, expected(&values));
    let manifest = families::encode(cluster.manifest(0).await);
    assert!(manifest.len() <= MANIFEST_MAX_BYTES, "{} bytes", manifest.len());
    tokio::time::sleep(Duration::from_secs(1_000)).await;
    assert_eq!(rests(&cluster).await, 1);
}

/// The first opening after a session that wrote much reads its index objects; those after it read the manifest.
#[tokio::test(start_paused = true)]
async fn a_history_of_many_objects_is_opened_by_two_requests_from_the_second_time_on() {
    let mut cluster = Cluster::new(DurabilityMode::Object);
    cluster.options.fold_fan_in = 4;
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    let values = values(60);
    for value in &values {
        append_and_wait(&partition, &[value]).await.expect("acknowledged");
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    let mut broker = cluster.restart_without_disk(broker).await;
    let mut gets = Vec::new();
    for _ in 0..3 {
        let before = cluster.objects.request_counts().gets;
        let partition = cluster.open(&broker, 0).await.expect("open");
        gets.push(cluster.objects.request_counts().gets - before);
        assert_eq!(read_all(&partition).await, expected(&values));
        broker = cluster.restart_without_disk(broker).await;
    }
    assert!(gets[0] > 2 && gets[1..].iter().all(|&gets| gets <= 2), "{gets:?}");
    assert_eq!(rests(&cluster).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_folded_manifest_is_read_back_after_a_restart() {
    let mut cluster = Cluster::new(DurabilityMode::Object);
    cluster.options.fold_fan_in = 2;
    let mut broker = cluster.start().await;
    let values = values(LIVES * 5);
    for life in values.chunks(5) {
        let partition = cluster.open(&broker, 0).await.expect("open");
        for value in life {
            append_and_wait(&partition, &[value]).await.expect("acknowledged");
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        broker = cluster.restart_without_disk(broker).await;
    }
    for _ in 0..3 {
        let partition = cluster.open(&broker, 0).await.expect("open");
        assert_eq!(read_all(&partition).await, expected(&values));
        broker = cluster.restart_without_disk(broker).await;
    }
    assert!(cluster.owner(0).await.unfolded.len() < LIVES);
    assert!(cluster.manifest(0).await.rest.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_is_known_to_a_folded_manifest() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    let first = produced(7, 0, &["a"]);
    let appended = partition.append(&first, Acks::All, AppendOrigin::Client).expect("an append");
    appended.acknowledged().await.expect("acknowledged");
    drop(cluster.restart_without_disk(broker).await);
    let broker = live_through(&cluster, &values(LIVES)).await;
    let opened = cluster.open(&broker, 0).await.expect("open");
    assert!(cluster.manifest(0).await.rest.is_some());
    drop(opened);
    let broker = cluster.restart_without_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    let again = partition.append(&first, Acks::All, AppendOrigin::Client).expect("an append");
    assert_eq!(again.acknowledged().await.expect("acknowledged").base_offset.get(), 0);
    assert_eq!(partition.watermarks().log_end.get(), LIVES as u64 + 1);
    let next = produced(7, 1, &["b"]);
    let next = partition.append(&next, Acks::All, AppendOrigin::Client).expect("an append");
    next.acknowledged().await.expect("acknowledged");
}

#[tokio::test(start_paused = true)]
async fn an_open_transaction_is_known_to_a_folded_manifest() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let mut broker = live_through(&cluster, &values(2)).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    let begun = append_in_transaction(&partition, &produced_in_transaction(7, 0, &["a"]));
    begun.expect("an append").acknowledged().await.expect("acknowledged");
    drop(cluster.restart_without_disk(broker).await);
    broker = live_through(&cluster, &values(LIVES)).await;
    for _ in 0..2 {
        let partition = cluster.open(&broker, 0).await.expect("open");
        assert_eq!(partition.watermarks().last_stable.get(), 2);
        broker = cluster.restart_without_disk(broker).await;
    }
    assert!(cluster.manifest(0).await.rest.is_some());
}

/// Found by the simulation (seed 442): a session that began while the garbage collector of another broker listed objects was taken for
/// an ended one, and what it had just folded went.
#[tokio::test(start_paused = true)]
async fn what_a_session_folds_while_another_broker_lists_objects_stays() {
    let mut cluster = Cluster::new(DurabilityMode::Object);
    cluster.options.retention_check_interval = Duration::from_secs(1);
    cluster.options.delete_delay = Duration::from_secs(1);
    let _collector = cluster.start_as(BrokerId::new(2).expect("a broker id")).await;
    let values = values(10 * LIVES);
    let mut broker = cluster.start().await;
    for value in &values {
        let partition = cluster.open(&broker, 0).await.expect("open");
        append_and_wait(&partition, &[value]).await.expect("acknowledged");
        // Only the collector is in the middle of a slow request when the next session begins.
        cluster.object_faults.delay(Duration::from_secs(5)..Duration::from_secs(5));
        tokio::time::sleep(Duration::from_secs(7)).await;
        cluster.object_faults.heal();
        broker = cluster.restart_without_disk(broker).await;
    }
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, expected(&values));
}

#[tokio::test(start_paused = true)]
async fn the_log_start_moves_on_a_folded_manifest() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let values = values(LIVES);
    let mut broker = live_through(&cluster, &values).await;
    for start in [3, 5, LIVES as u64] {
        let partition = cluster.open(&broker, 0).await.expect("open");
        partition.delete_records(Offset::new(start)).await.expect("deleted");
        broker = cluster.restart_without_disk(broker).await;
        let partition = cluster.open(&broker, 0).await.expect("open");
        assert_eq!(read_all(&partition).await, expected(&values)[start as usize..]);
        assert_eq!(partition.watermarks().log_start.get(), start);
    }
    // All of it is below the log start now: the log goes on where it ended all the same, however often it is folded.
    for round in 0..2 * LIVES as u64 {
        let partition = cluster.open(&broker, 0).await.expect("open");
        let next = append_and_wait(&partition, &["x"]).await.expect("acknowledged");
        assert_eq!(next.base_offset.get(), LIVES as u64 + round);
        partition.delete_records(None).await.expect("deleted");
        tokio::time::sleep(Duration::from_secs(90_000)).await;
        broker = cluster.restart_without_disk(broker).await;
    }
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(partition.watermarks().log_start, partition.watermarks().log_end);
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_the_fold_is_committed_leaves_an_object_that_is_collected() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let values = values(LIVES);
    let broker = live_through(&cluster, &values).await;
    let claim = cluster.claim(&broker, 0).await;
    cluster.store.faults().fail_every(1, Fault::Unavailable);
    let failed = broker.logs.open(vec![claim]).await.remove(0);
    assert!(matches!(failed, Err(LogError::Unavailable(_))));
    cluster.store.faults().heal();
    assert_eq!(rests(&cluster).await, 1);
    assert!(cluster.manifest(0).await.rest.is_none());
    let broker = cluster.restart_without_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, expected(&values));
    assert_eq!(rests(&cluster).await, 2);
    tokio::time::sleep(Duration::from_secs(1_000)).await;
    assert_eq!(rests(&cluster).await, 1);
    let broker = cluster.restart_without_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, expected(&values));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_takes_no_object_leaves_everything_as_it_was() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let values = values(LIVES);
    let broker = live_through(&cluster, &values).await;
    let claim = cluster.claim(&broker, 0).await;
    cluster.object_faults.fail_always(storage::Operation::Put, storage::Fault::Unavailable);
    let failed = broker.logs.open(vec![claim.clone()]).await.remove(0);
    assert!(matches!(failed, Err(LogError::Unavailable(_))));
    assert_eq!(cluster.owner(0).await.unfolded.len(), LIVES);
    cluster.object_faults.heal();
    let partition = broker.logs.open(vec![claim]).await.remove(0).expect("open");
    assert_eq!(read_all(&partition).await, expected(&values));
}

#[tokio::test(start_paused = true)]
async fn a_chain_of_lost_sessions_keeps_the_owner_record_short() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let mut broker = cluster.start().await;
    let values = values(3 * LIVES);
    for value in &values {
        let partition = cluster.open(&broker, 0).await.expect("open");
        assert!(cluster.owner(0).await.unfolded.len() < LIVES);
        append_and_wait(&partition, &[value]).await.expect("acknowledged");
        broker.logs.session_lost(broker.session.id);
        broker.session = cluster.register().await;
        broker.logs.begin_session(broker.session);
    }
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, expected(&values));
    let broker = cluster.restart_without_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, expected(&values));
}

/// A claim made before the fold may be told again, with other settings: what the fold wrote is not forgotten.
#[tokio::test(start_paused = true)]
async fn an_older_claim_does_not_undo_what_a_fold_wrote() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let values = values(LIVES);
    let broker = live_through(&cluster, &values).await;
    let claim = cluster.claim(&broker, 0).await;
    for _ in 0..2 {
        let partition = broker.logs.open(vec![claim.clone()]).await.remove(0).expect("open");
        assert_eq!(read_all(&partition).await, expected(&values));
    }
    let partition = broker.logs.get(cluster.partition_id(0)).expect("open");
    partition.delete_records(Offset::new(1)).await.expect("deleted");
    broker.logs.close_partition(partition.id());
    let partition = broker.logs.open(vec![claim]).await.remove(0).expect("open");
    assert_eq!(read_all(&partition).await, expected(&values)[1..]);
}

/// Lets a session last on another broker; answers its key.
async fn let_last(cluster: &Cluster, id: Bytes) -> Bytes {
    let key = cluster.keys.session(BrokerId::new(2).expect("a broker id"));
    let session = Session { id, broker: 2, ..Session::default() };
    cluster.transact(vec![Operation::put(key.clone(), families::encode(session))]).await;
    key
}

/// A session that handed the partition over goes on, and folds its index objects away: only what is final may be referred to.
#[tokio::test(start_paused = true)]
async fn a_session_that_lasts_is_not_covered_nor_what_came_after_it() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let values = values(LIVES);
    let broker = live_through(&cluster, &values).await;
    let claim = cluster.claim(&broker, 0).await;
    let lasting = claim.owner.unfolded[4].session.clone();
    let_last(&cluster, lasting.clone()).await;

    let partition = broker.logs.open(vec![claim]).await.remove(0).expect("open");
    assert_eq!(read_all(&partition).await, expected(&values));
    let unfolded = cluster.owner(0).await.unfolded;
    assert_eq!((unfolded.len(), &unfolded[0].session), (LIVES - 4, &lasting));

    let broker = cluster.restart_without_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, expected(&values));
    tokio::time::sleep(Duration::from_secs(1_000)).await;
    let broker = cluster.restart_without_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, expected(&values));
}

async fn survives(fault: Fault) {
    let cluster = Cluster::new(DurabilityMode::Object);
    let values = values(LIVES);
    let broker = live_through(&cluster, &values).await;
    let claim = cluster.claim(&broker, 0).await;
    cluster.store.faults().fail_next(fault);
    let partition = broker.logs.open(vec![claim]).await.remove(0).expect("open");
    cluster.store.faults().land_delayed();
    assert!(cluster.owner(0).await.unfolded.is_empty());
    // What the fold left is what later writes compare.
    partition.delete_records(Offset::new(2)).await.expect("deleted");
    let broker = cluster.restart_without_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, expected(&values).split_off(2));
}

#[tokio::test(start_paused = true)]
async fn a_fold_whose_answer_was_lost_counts_once() {
    survives(Fault::UnknownApplied).await;
}

#[tokio::test(start_paused = true)]
async fn a_fold_that_was_lost_is_made_again() {
    survives(Fault::UnknownNotApplied).await;
}

#[tokio::test(start_paused = true)]
async fn a_fold_that_lands_late_changes_nothing() {
    survives(Fault::Delayed).await;
}

#[tokio::test(start_paused = true)]
async fn a_fold_of_an_opening_that_was_given_up_is_found_by_the_next() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let values = values(LIVES);
    let broker = live_through(&cluster, &values).await;
    let claim = cluster.claim(&broker, 0).await;
    cluster.store.faults().fail_every(1, Fault::Delayed);
    let failed = broker.logs.open(vec![claim.clone()]).await.remove(0);
    assert!(matches!(failed, Err(LogError::Unavailable(_))));
    cluster.store.faults().heal();
    cluster.store.faults().land_delayed();
    let partition = broker.logs.open(vec![claim]).await.remove(0).expect("open");
    assert_eq!(read_all(&partition).await, expected(&values));
    partition.delete_records(Offset::new(2)).await.expect("deleted");
    assert!(cluster.owner(0).await.unfolded.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ended_folds_nothing() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let broker = live_through(&cluster, &values(LIVES)).await;
    let claim = cluster.claim(&broker, 0).await;
    cluster.end_session().await;
    let failed = broker.logs.open(vec![claim]).await.remove(0);
    assert_eq!(failed.map(|_| ()), Err(LogError::SessionLost));
    assert_eq!(cluster.owner(0).await.unfolded.len(), LIVES);
}

#[tokio::test(start_paused = true)]
async fn an_owner_record_that_changed_meanwhile_is_left_alone() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let broker = live_through(&cluster, &values(LIVES)).await;
    let claim = cluster.claim(&broker, 0).await;
    let newer = cluster.claim(&broker, 0).await;
    let failed = broker.logs.open(vec![claim]).await.remove(0);
    assert!(matches!(failed, Err(LogError::Unavailable(_))));
    let stored = cluster.owner(0).await;
    assert_eq!(stored.leader_epoch, newer.owner.leader_epoch);
    assert_eq!(stored.unfolded, newer.owner.unfolded);
    broker.logs.open(vec![newer]).await.remove(0).expect("open");
}

/// A log start is written under the owner record that a fold compares, too: while it was on its way the partition was closed and
/// is opened again.
#[tokio::test(start_paused = true)]
async fn a_log_start_that_lands_before_a_fold_is_not_undone_by_it() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let values = values(LIVES);
    let broker = live_through(&cluster, &values).await;
    let claim = cluster.claim(&broker, 0).await;
    // Nothing can be folded while the oldest session lasts.
    let lasting = let_last(&cluster, claim.owner.unfolded[0].session.clone()).await;
    let partition = broker.logs.open(vec![claim.clone()]).await.remove(0).expect("open");
    assert_eq!(cluster.owner(0).await.unfolded.len(), LIVES);
    cluster.store.faults().fail_next(Fault::Delayed);
    assert!(partition.delete_records(Offset::new(2)).now_or_never().is_none());
    broker.logs.close_partition(partition.id());
    cluster.transact(vec![Operation::Delete(lasting)]).await;

    cluster.store.faults().fail_every(1, Fault::UnknownNotApplied);
    let lands = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        cluster.store.faults().heal();
        assert_eq!(cluster.store.faults().land_delayed().len(), 1);
    };
    let (mut opened, ()) = tokio::join!(broker.logs.open(vec![claim.clone()]), lands);
    assert!(matches!(opened.remove(0), Err(LogError::Unavailable(_))));
    assert_eq!(cluster.manifest(0).await.log_start_offset, 2);
    let partition = broker.logs.open(vec![claim]).await.remove(0).expect("open");
    assert_eq!(read_all(&partition).await, expected(&values)[2..]);
    assert!(cluster.owner(0).await.unfolded.is_empty());
}

#[tokio::test(start_paused = true)]
async fn many_partitions_share_one_object() {
    const PARTITIONS: u32 = 130;
    let cluster = Cluster::new(DurabilityMode::Object);
    let mut broker = cluster.start().await;
    for life in 0..=LIVES {
        let mut claims = Vec::new();
        for index in 0..PARTITIONS {
            claims.push(cluster.claim(&broker, index).await);
        }
        let opened = broker.logs.open(claims).await;
        for partition in opened {
            let partition = partition.expect("open");
            assert_eq!(read_all(&partition).await, expected(&values(life)));
            append_and_wait(&partition, &[&life.to_string()]).await.expect("acknowledged");
        }
        broker = cluster.restart_without_disk(broker).await;
    }
    assert_eq!(rests(&cluster).await, 1);
    assert!(cluster.owner(PARTITIONS - 1).await.unfolded.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_deleted_topic_leaves_nothing_of_sessions_that_were_folded() {
    let mut cluster = Cluster::new(DurabilityMode::Object);
    cluster.options.fold_fan_in = 2;
    let broker = live_through(&cluster, &values(2 * LIVES)).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    let key = cluster.keys.deleted_topic(cluster.topic);
    let then = vec![
        Operation::put(key.clone(), families::encode(DeletedTopic::default())),
        Operation::Delete(cluster.keys.owner(partition.id())),
        Operation::Delete(cluster.keys.manifest(partition.id())),
    ];
    let transaction = Transaction { then, ..Transaction::default() };
    cluster.store.transact(transaction).await.expect("deleted");
    broker.logs.close_partition(partition.id());
    tokio::time::sleep(Duration::from_secs(1_000)).await;
    let left = cluster.objects.list("").await.expect("a list");
    assert!(left.iter().all(|it| it.name.as_str().starts_with("manifest/")), "{left:?}");
    let broker = cluster.restart_without_disk(broker).await;
    tokio::time::sleep(Duration::from_secs(1_000)).await;
    assert_eq!(cluster.objects.list("").await.expect("a list").len(), 0);
    assert_eq!(cluster.count(key).await, 0);
    drop(broker);
}

#[tokio::test(start_paused = true)]
async fn what_falls_below_the_log_start_is_collected_after_a_fold() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let values = values(LIVES);
    let broker = live_through(&cluster, &values).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    partition.delete_records(Offset::new(LIVES as u64 - 1)).await.expect("deleted");
    // Beyond producer.id.expiration.ms what is below the log start may go.
    tokio::time::sleep(Duration::from_secs(90_000)).await;
    assert_eq!(cluster.objects.list("data/").await.expect("a list").len(), 1);
    let broker = cluster.restart_without_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, expected(&values)[LIVES - 1..]);
}
