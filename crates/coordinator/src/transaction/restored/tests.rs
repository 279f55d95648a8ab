use super::*;
use TransactionResult::{Abort, Commit};
use TransactionState::{CompleteCommit, Ongoing, PrepareAbort, PrepareCommit};
use metadata::MemoryStore;
use model::{PartitionIndex, TopicId};
use runtime::Clock;

const NOW: TimestampMs = TimestampMs(9_000);

fn epoch(epoch: u16) -> ProducerEpoch {
    ProducerEpoch::new(epoch).unwrap()
}

fn partitions(indexes: &[u32]) -> BTreeSet<PartitionId> {
    let partition = |index| PartitionIndex::new(index).unwrap();
    let topic = TopicId::from_bytes([1; 16]);
    indexes.iter().map(|&it| PartitionId { topic, partition: partition(it) }).collect()
}

/// Producer 7 in epoch 4.
fn known(state: TransactionState, indexes: &[u32]) -> TransactionalProducer {
    let new = TransactionalProducer::new(ProducerId::new(7).unwrap(), 1_000, TimestampMs(5));
    TransactionalProducer { epoch: epoch(4), state, partitions: partitions(indexes), ..new }
}

/// Producer 7: its newest epoch, and a transaction that is open in `indexes` with its epoch, whether it is new, and was committed.
fn logged(
    newest: u16,
    open: Option<(u16, &[u32], bool, bool)>,
    first_end: Option<TransactionResult>,
) -> LoggedProducer {
    let open = open.map(|(of, indexes, is_new, was_committed)| LoggedTransaction {
        epoch: epoch(of),
        partitions: partitions(indexes),
        is_new,
        was_committed,
    });
    let producer = ProducerId::new(7).unwrap();
    LoggedProducer { producer, newest_epoch: epoch(newest), open, first_end }
}

/// State, epoch and partitions.
fn told(next: &TransactionalProducer) -> (TransactionState, u16, BTreeSet<PartitionId>) {
    (next.state, next.epoch.get(), next.partitions.clone())
}

#[test]
fn what_went_on_and_was_not_ended_is_aborted_and_its_producer_fenced() {
    let next = restored(&known(Ongoing, &[0, 1]), None, NOW).unwrap();
    assert_eq!(told(&next), (PrepareAbort, 5, partitions(&[0, 1])));
    assert_eq!((next.last_epoch, next.epoch_is_its_own), (None, true));
    let more = logged(4, Some((4, &[2], false, false)), None);
    let next = restored(&known(Ongoing, &[0, 1]), Some(&more), NOW).unwrap();
    assert_eq!(told(&next), (PrepareAbort, 5, partitions(&[0, 1, 2])));
}

#[test]
fn a_commit_marker_somewhere_commits_it_everywhere() {
    let open = logged(5, Some((4, &[1], false, true)), Some(Commit));
    let next = restored(&known(Ongoing, &[0, 1]), Some(&open), NOW).unwrap();
    assert_eq!(told(&next), (PrepareCommit, 6, partitions(&[0, 1])));
    // It is open where nothing was found at all.
    let elsewhere = logged(5, None, Some(Commit));
    let next = restored(&known(Ongoing, &[0, 1]), Some(&elsewhere), NOW).unwrap();
    assert_eq!(told(&next), (PrepareCommit, 6, partitions(&[0, 1])));
}

#[test]
fn what_was_decided_stays_decided() {
    for state in [PrepareCommit, PrepareAbort] {
        let next = restored(&known(state, &[0]), None, NOW).unwrap();
        assert_eq!(told(&next), (state, 4, partitions(&[0])));
        // Version 2 raised the epoch: what is open below it is this very transaction.
        let raised = TransactionalProducer { epoch_is_its_own: true, ..known(state, &[0]) };
        let open = logged(3, Some((3, &[1], true, false)), None);
        let next = restored(&raised, Some(&open), NOW).unwrap();
        assert_eq!(told(&next), (state, 4, partitions(&[0, 1])));
    }
}

#[test]
fn a_later_transaction_is_judged_by_itself() {
    for state in [Ongoing, PrepareCommit, CompleteCommit] {
        let open = logged(6, Some((6, &[1], true, false)), Some(Commit));
        let next = restored(&known(state, &[]), Some(&open), NOW).unwrap();
        assert_eq!(told(&next), (PrepareAbort, 7, partitions(&[1])), "{state:?}");
    }
}

#[test]
fn a_later_epoch_is_never_given_again() {
    let later = logged(9, None, Some(Commit));
    let next = restored(&known(CompleteCommit, &[]), Some(&later), NOW).unwrap();
    assert_eq!((next.state, next.epoch.get()), (CompleteCommit, 9));
    assert_eq!(restored(&known(CompleteCommit, &[]), None, NOW), None);
}

#[test]
fn offsets_staged_for_what_was_aborted_are_not_committed_with_what_followed() {
    let then = |first_end| logged(6, Some((6, &[1], true, true)), first_end);
    assert!(loses_staged_offsets(&known(Ongoing, &[0]), Some(&then(Some(Abort)))));
    assert!(!loses_staged_offsets(&known(Ongoing, &[0]), Some(&then(Some(Commit)))));
}

#[tokio::test]
async fn a_producer_without_an_id_gets_one_and_doing_it_again_changes_nothing() {
    let store = MemoryStore::new(Clock::simulated(0));
    let keys = Keys::new("test/");
    let going_on = known(Ongoing, &[0]);
    let put = Operation::put(keys.transaction(3, "pay"), encode(to_value(&going_on)));
    let then = vec![put];
    store.transact(Transaction { then, ..Transaction::default() }).await.unwrap();
    let other = LoggedProducer {
        producer: ProducerId::new(8).unwrap(),
        ..logged(2, Some((2, &[1], true, false)), None)
    };
    let resolved = resolve(&store, &keys, std::slice::from_ref(&other), 5, NOW).await.unwrap();
    assert_eq!(resolved, Resolved { committed: 0, aborted: 2, without_id: 1 });
    let stored = async || {
        let read = store.range(RangeQuery::prefix(keys.transactions())).await.unwrap();
        read.entries.into_iter().map(|it| (it.key, it.value)).collect::<Vec<_>>()
    };
    let before = stored().await;
    assert_eq!(before.len(), 2);
    let id = "recovered-producer-8";
    assert!(before.iter().any(|(key, _)| *key == keys.transaction(slot_of(id, 5), id)));
    resolve(&store, &keys, &[other], 5, NOW).await.unwrap();
    assert_eq!(stored().await, before);
}
