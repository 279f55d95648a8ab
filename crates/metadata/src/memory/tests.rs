//! The faults, each as a caller meets it.

use super::*;
use crate::{Compare, Operation};

fn put(key: &'static str) -> Transaction {
    Transaction { then: vec![Operation::put(key, "x")], ..Transaction::default() }
}

async fn exists(store: &MemoryStore, key: &'static str) -> bool {
    !store.range(RangeQuery::key(key)).await.unwrap().entries.is_empty()
}

fn store() -> MemoryStore {
    MemoryStore::new(Clock::simulated(0))
}

#[tokio::test(start_paused = true)]
async fn each_fault_does_what_it_says_and_no_more() {
    let store = store();
    let faults = [Fault::Unavailable, Fault::UnknownApplied, Fault::UnknownNotApplied];
    store.faults().plan(faults.map(Some));
    let unavailable = store.transact(put("a")).await.unwrap_err();
    assert!(matches!(unavailable, MetadataError::Unavailable(_)));
    for key in ["b", "c"] {
        let unknown = store.transact(put(key)).await.unwrap_err();
        assert!(matches!(unknown, MetadataError::OutcomeUnknown(_)));
    }
    assert!(store.transact(put("d")).await.is_ok());
    let there = [exists(&store, "a").await, exists(&store, "b").await, exists(&store, "c").await];
    assert_eq!(there, [false, true, false]);
}

#[tokio::test(start_paused = true)]
async fn every_nth_transaction_can_fail() {
    let store = store();
    store.faults().fail_every(3, Fault::Unavailable);
    let mut failed = Vec::new();
    for _ in 0..6 {
        failed.push(store.transact(put("a")).await.is_err());
    }
    assert_eq!(failed, [false, false, true, false, false, true]);
    store.faults().heal();
    assert!(store.transact(put("a")).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_delayed_transaction_lands_late_under_its_conditions() {
    let store = store();
    store.faults().plan([Some(Fault::Delayed), Some(Fault::Delayed)]);
    let absent = Transaction { compares: vec![Compare::Absent("a".into())], ..put("b") };
    assert!(store.transact(absent).await.is_err());
    assert!(store.transact(put("c")).await.is_err());
    assert!(!exists(&store, "c").await);
    store.transact(put("a")).await.unwrap();
    let landed = store.faults().land_delayed();
    assert_eq!(
        landed.iter().map(|it| it.as_ref().unwrap().succeeded).collect::<Vec<_>>(),
        [false, true]
    );
    assert_eq!((exists(&store, "b").await, exists(&store, "c").await), (false, true));
    assert_eq!(store.faults().delayed(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_frozen_store_answers_nothing_and_what_it_was_sent_lands_when_it_thaws() {
    let store = store();
    store.faults().freeze();
    let read = store.range(RangeQuery::key("a")).await.unwrap_err();
    assert!(matches!(read, MetadataError::Unavailable(_)));
    let write = store.transact(put("a")).await.unwrap_err();
    assert!(matches!(write, MetadataError::OutcomeUnknown(_)));
    store.faults().thaw();
    assert!(exists(&store, "a").await);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_out_a_freeze_is_answered() {
    let store = store();
    store.faults().freeze();
    let faults = store.faults();
    let thaw = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        faults.thaw();
    };
    let (answer, ()) = tokio::join!(store.transact(put("a")), thaw);
    assert!(answer.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_lease_can_end_in_a_freeze() {
    let store = store();
    let lease = store.grant_lease(Duration::from_secs(4)).await.unwrap();
    store.faults().freeze();
    assert!(store.keep_alive(lease).await.is_err());
    store.faults().thaw();
    assert!(matches!(store.keep_alive(lease).await, Err(MetadataError::LeaseGone)));
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_cut_off_says_compacted() {
    let store = store();
    let mut watch = store.watch(Bytes::new(), Revision(1)).await.unwrap();
    store.faults().cut_watches();
    assert!(matches!(watch.next().await, Err(MetadataError::Compacted(_))));
    let mut watch = store.watch(Bytes::new(), Revision(1)).await.unwrap();
    store.transact(put("a")).await.unwrap();
    assert_eq!(watch.next().await.unwrap().len(), 1);
}
