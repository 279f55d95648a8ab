//! Transactions as a partition sees them: first batches, markers, the last stable offset, what was aborted; across flushes,
//! crashes and lost disks.

use crate::{
    cluster::{Broker, Cluster},
    records::{append_and_wait, append_in_transaction, produced_in_transaction},
};
use bytes::Bytes;
use formats::{
    compression::Codec,
    record_batch::{
        BatchBuilder, EndTransactionMarker,
        TransactionResult::{self, Abort, Commit},
        batches,
    },
};
use futures::FutureExt;
use model::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, config::DurabilityMode};
use partition_log::{
    Acks, AppendError, AppendOrigin, EndTransaction, Isolation, Partition, ReadRequest,
};
use std::time::Duration;
use storage::{Fault, Operation};

const PRODUCER: i64 = 7;

pub fn end(result: TransactionResult) -> EndTransaction {
    EndTransaction {
        producer: ProducerId::from_wire(PRODUCER).expect("an id"),
        epoch: epoch(0),
        marker: EndTransactionMarker { result, coordinator_epoch: 5 },
        leader_epoch: None,
        epoch_is_its_own: false,
    }
}

fn epoch(epoch: i16) -> ProducerEpoch {
    ProducerEpoch::from_wire(epoch).expect("an epoch")
}

pub async fn begin(partition: &Partition, producer: i64, sequence: i32, value: &str) -> u64 {
    let batch = produced_in_transaction(producer, sequence, &[value]);
    let appended = append_in_transaction(partition, &batch).expect("an append");
    appended.acknowledged().await.expect("acknowledged").base_offset.get()
}

pub async fn finish(partition: &Partition, end: EndTransaction) -> u64 {
    let appended = partition.end_transaction(end).expect("a marker");
    appended.acknowledged().await.expect("acknowledged").base_offset.get()
}

/// A batch of the producer in another epoch.
fn batch_of_epoch(epoch: i16, sequence: i32) -> Bytes {
    let mut builder =
        BatchBuilder::new(Codec::None).producer(PRODUCER, epoch, sequence).transactional();
    builder.push(0, None, Some(b"x"), &[]);
    builder.build()
}

/// Offsets of the batches that a reader of committed records is sent, and the aborted transactions named (producer, first offset).
pub async fn committed(partition: &Partition, from: u64) -> (Vec<u64>, Vec<(u64, u64)>) {
    let request = ReadRequest {
        from: Offset::new(from).expect("small"),
        max_bytes: 1 << 20,
        at_least_one_batch: true,
        isolation: Isolation::ReadCommitted,
        current_leader_epoch: None,
    };
    let answer = partition.read(request).await.expect("a read");
    let offsets = answer.batches.into_iter().flat_map(|part| {
        batches(part).map(|batch| batch.expect("a batch").0.base_offset as u64).collect::<Vec<_>>()
    });
    let aborted = answer.aborted.expect("named").into_iter();
    (offsets.collect(), aborted.map(|it| (it.producer.get(), it.first_offset.get())).collect())
}

fn invalid_state<T>(result: Result<T, AppendError>) {
    let error = result.err();
    assert!(matches!(error, Some(AppendError::InvalidTransactionState(_))), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn committed_readers_stop_before_an_open_transaction() {
    for mode in [DurabilityMode::Object, DurabilityMode::Wal] {
        let cluster = Cluster::new(mode);
        let broker = cluster.start().await;
        let partition = cluster.open(&broker, 0).await.expect("open");
        append_and_wait(&partition, &["a"]).await.expect("acknowledged");
        assert_eq!(begin(&partition, PRODUCER, 0, "b").await, 1);
        append_and_wait(&partition, &["c"]).await.expect("acknowledged");
        assert_eq!(committed(&partition, 0).await, (vec![0], vec![]));
        assert_eq!(finish(&partition, end(Commit)).await, 3);
        assert_eq!(committed(&partition, 0).await, (vec![0, 1, 2, 3], vec![]));
        assert_eq!(partition.watermarks().last_stable.get(), 4);
    }
}

#[tokio::test(start_paused = true)]
async fn an_aborted_transaction_is_named_from_memory_objects_and_after_a_lost_disk() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    begin(&partition, PRODUCER, 0, "a").await;
    append_and_wait(&partition, &["b"]).await.expect("acknowledged");
    begin(&partition, PRODUCER, 1, "c").await;
    finish(&partition, end(Abort)).await;
    append_and_wait(&partition, &["d"]).await.expect("acknowledged");
    let everything = (vec![0, 1, 2, 3, 4], vec![(7, 0)]);
    assert_eq!(committed(&partition, 0).await, everything);
    assert_eq!(committed(&partition, 4).await, (vec![4], vec![]));

    let broker = cluster.restart_without_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(committed(&partition, 0).await, everything);
    assert_eq!(committed(&partition, 2).await, (vec![2, 3, 4], vec![(7, 0)]));
    assert_eq!(partition.watermarks().last_stable.get(), 5);
}

async fn with_everything_in_the_wal(cluster: &Cluster) -> Broker {
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    cluster.object_faults.fail_always(Operation::Put, Fault::Unavailable);
    begin(&partition, PRODUCER, 0, "a").await;
    let _marker = partition.end_transaction(end(Abort)).expect("a marker");
    begin(&partition, PRODUCER, 1, "b").await;
    broker
}

#[tokio::test(start_paused = true)]
async fn transactions_are_known_again_from_the_wal() {
    let cluster = Cluster::new(DurabilityMode::Wal);
    let broker = with_everything_in_the_wal(&cluster).await;
    let broker = cluster.restart_with_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    cluster.object_faults.heal();
    broker.logs.flush().await.expect("flushed");
    assert_eq!(committed(&partition, 0).await, (vec![0, 1], vec![(7, 0)]));
    let batch = produced_in_transaction(PRODUCER, 2, &["c"]);
    assert_eq!(partition.question(&batch), None, "its transaction is open");
    assert_eq!(finish(&partition, end(Commit)).await, 3);
    assert_eq!(committed(&partition, 0).await, (vec![0, 1, 2, 3], vec![(7, 0)]));
}

#[tokio::test(start_paused = true)]
async fn a_marker_is_acknowledged_at_the_durable_offset_in_wal_mode_too() {
    let cluster = Cluster::new(DurabilityMode::Wal);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    begin(&partition, PRODUCER, 0, "a").await;
    cluster.object_faults.fail_always(Operation::Put, Fault::Unavailable);
    let marker = partition.end_transaction(end(Commit)).expect("a marker");
    let mut waiting = Box::pin(marker.acknowledged());
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!((&mut waiting).now_or_never().is_none());
    cluster.object_faults.heal();
    waiting.await.expect("acknowledged");
    assert_eq!(partition.watermarks().durable.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_first_batch_is_appended_only_once_it_was_verified() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    let first = produced_in_transaction(PRODUCER, 0, &["a"]);
    invalid_state(partition.append(&first, Acks::All, AppendOrigin::Client));
    assert_eq!(partition.watermarks().log_end, Offset::ZERO);
    begin(&partition, PRODUCER, 0, "a").await;
    let second = produced_in_transaction(PRODUCER, 1, &["b"]);
    assert_eq!(partition.question(&second), None);
    assert_eq!(partition.question(&first), None, "a duplicate needs no answer");
    partition.append(&second, Acks::All, AppendOrigin::Client).expect("an append");
}

#[tokio::test(start_paused = true)]
async fn a_marker_that_came_meanwhile_voids_a_verification() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    let late = produced_in_transaction(PRODUCER, 0, &["late"]);
    let verification = partition.question(&late).expect("a question");
    finish(&partition, end(Abort)).await;
    let origin = AppendOrigin::Transaction(verification);
    invalid_state(partition.append(&late, Acks::All, origin));
    let again = partition.question(&late).expect("a question");
    partition.append(&late, Acks::All, AppendOrigin::Transaction(again)).expect("an append");
}

#[tokio::test(start_paused = true)]
async fn a_verification_is_no_use_to_another_producer_or_epoch() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    let verification =
        partition.question(&produced_in_transaction(8, 0, &["a"])).expect("a question");
    let origin = AppendOrigin::Transaction(verification);
    invalid_state(partition.append(&produced_in_transaction(7, 0, &["a"]), Acks::All, origin));
    let verification = partition.question(&batch_of_epoch(0, 0)).expect("a question");
    let origin = AppendOrigin::Transaction(verification);
    invalid_state(partition.append(&batch_of_epoch(1, 0), Acks::All, origin));
}

#[tokio::test(start_paused = true)]
async fn under_transaction_version_2_an_unknown_producer_begins_at_zero() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    let batch = produced_in_transaction(PRODUCER, 5, &["a"]);
    let verification = partition.question(&batch).expect("a question");
    let strict = AppendOrigin::Transaction(verification.beginning_at_zero());
    let refused = partition.append(&batch, Acks::All, strict);
    assert!(matches!(refused, Err(AppendError::OutOfOrderSequence { expected: 0, got: 5 })));
    partition.append(&batch, Acks::All, AppendOrigin::Transaction(verification)).expect("appended");
}

#[tokio::test(start_paused = true)]
async fn a_marker_of_another_leader_epoch_or_an_older_coordinator_is_refused() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    begin(&partition, PRODUCER, 0, "a").await;
    let present = partition.watermarks().leader_epoch;
    for other in [LeaderEpoch::ZERO, present.next()] {
        let refused =
            partition.end_transaction(EndTransaction { leader_epoch: Some(other), ..end(Abort) });
        assert!(matches!(refused, Err(AppendError::NotOwner)));
    }
    finish(&partition, EndTransaction { leader_epoch: Some(present), ..end(Commit) }).await;
    let marker = EndTransactionMarker { result: Abort, coordinator_epoch: 4 };
    let zombie = EndTransaction { marker, ..end(Abort) };
    let fenced = AppendError::CoordinatorFenced { current: 5, got: 4 };
    assert_eq!(partition.end_transaction(zombie).err(), Some(fenced.clone()));

    let broker = cluster.restart_without_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(partition.end_transaction(zombie).err(), Some(fenced));
}

#[tokio::test(start_paused = true)]
async fn a_marker_of_a_newer_epoch_fences_the_producer() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    begin(&partition, PRODUCER, 0, "a").await;
    finish(&partition, EndTransaction { epoch: epoch(1), ..end(Abort) }).await;
    let zombie = partition.append(&batch_of_epoch(0, 1), Acks::All, AppendOrigin::Client);
    assert!(matches!(zombie, Err(AppendError::InvalidProducerEpoch { current: 1, got: 0 })));
    let older = partition.end_transaction(end(Commit));
    assert!(matches!(older, Err(AppendError::InvalidProducerEpoch { current: 1, got: 0 })));
}

#[tokio::test(start_paused = true)]
async fn a_marker_whose_epoch_is_its_own_counts_once_and_never_for_the_next_transaction() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    begin(&partition, PRODUCER, 0, "a").await;
    let marker = EndTransaction { epoch: epoch(1), epoch_is_its_own: true, ..end(Commit) };
    assert_eq!(finish(&partition, marker).await, 1);
    finish(&partition, marker).await;
    assert_eq!(partition.watermarks().log_end.get(), 2, "the second time changed nothing");
    append_in_transaction(&partition, &batch_of_epoch(1, 0)).expect("the next transaction");
    let late = partition.end_transaction(marker);
    assert!(matches!(late, Err(AppendError::InvalidProducerEpoch { .. })));
    assert_eq!(partition.watermarks().last_stable.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn records_deleted_beyond_the_start_of_a_transaction_do_not_hide_its_end() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    begin(&partition, PRODUCER, 0, "a").await;
    append_and_wait(&partition, &["b"]).await.expect("acknowledged");
    partition.delete_records(Offset::new(1)).await.expect("deleted");
    assert_eq!(partition.watermarks().last_stable.get(), 1);
    finish(&partition, end(Abort)).await;
    assert_eq!(committed(&partition, 1).await, (vec![1, 2], vec![(7, 0)]));
}

#[tokio::test(start_paused = true)]
async fn producers_are_described() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    begin(&partition, PRODUCER, 0, "a").await;
    begin(&partition, 8, 0, "b").await;
    finish(&partition, end(Commit)).await;
    let described = partition.producers().expect("described");
    let facts = described.iter().map(|it| {
        (it.id.get(), it.last_sequence, it.coordinator_epoch, it.transaction_start.map(Offset::get))
    });
    let expected = [(7, Some(0), Some(5), None), (8, Some(0), None, Some(1))];
    assert_eq!(facts.collect::<Vec<_>>(), expected);
}
