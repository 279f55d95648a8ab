//! etcd that stalls, dies or is not there: calls end within their deadline, and everything goes on afterwards.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use metadata::{
    EtcdOptions, EtcdStore, MetadataError, MetadataStore, Operation, RangeQuery, Revision,
    Transaction, Watch,
};
use runtime::Randomness;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(1);

async fn connect(endpoint: String) -> EtcdStore {
    let options = EtcdOptions {
        call_timeout: PATIENCE,
        connect_timeout: PATIENCE,
        watch_patience: PATIENCE,
        ..EtcdOptions::new([endpoint])
    };
    EtcdStore::connect(options, Randomness::seeded(1)).await.unwrap()
}

fn put(value: &str) -> Transaction {
    let then = vec![Operation::put("a", value.to_owned())];
    Transaction { then, ..Transaction::default() }
}

/// Puts until it works: a connection may need a moment to come back.
async fn put_until_done(store: &EtcdStore, value: &str) -> Revision {
    for _ in 0..30 {
        match store.transact(put(value)).await {
            Ok(outcome) => return outcome.revision,
            Err(error) => assert!(error.retryable(), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("etcd never came back");
}

/// Hears until a put of `value` is told; revisions must never repeat or go back.
async fn hear_until(watch: &mut Box<dyn Watch>, value: &str) {
    let mut last = Revision(0);
    loop {
        let events = tokio::time::timeout(Duration::from_secs(30), watch.next()).await;
        for event in events.expect("the watch comes back").unwrap() {
            assert!(event.revision > last, "one key: one event a revision");
            last = event.revision;
            if matches!(&event.kind, metadata::EventKind::Put(entry) if entry.value == value) {
                return;
            }
        }
    }
}

#[tokio::test]
async fn a_frozen_etcd_answers_in_time_and_everything_recovers() {
    let etcd = services::Etcd::start().unwrap();
    let store = connect(etcd.endpoint()).await;
    put_until_done(&store, "before").await;
    let lease = store.grant_lease(Duration::from_mins(1)).await.unwrap();
    store.keep_alive(lease).await.unwrap();
    let mut watch = store.watch("a".into(), Revision(1)).await.unwrap();
    hear_until(&mut watch, "before").await;

    etcd.pause();
    let read = store.range(RangeQuery::key("a")).await.unwrap_err();
    assert!(matches!(read, MetadataError::Unavailable(_)), "{read}");
    let write = store.transact(put("stalled")).await.unwrap_err();
    assert!(matches!(write, MetadataError::OutcomeUnknown(_)), "{write}");
    let alive = store.keep_alive(lease).await.unwrap_err();
    assert!(alive.retryable(), "{alive}");
    // Long enough for the watch to give its stream up.
    let silence = tokio::time::timeout(PATIENCE * 4, watch.next()).await;
    assert!(silence.is_err(), "{silence:?}");
    etcd.resume();

    put_until_done(&store, "after").await;
    hear_until(&mut watch, "after").await;
    store.keep_alive(lease).await.unwrap();
}

#[tokio::test]
async fn a_killed_etcd_loses_nothing_and_watches_go_on() {
    let mut etcd = services::Etcd::start().unwrap();
    let store = connect(etcd.endpoint()).await;
    let first = put_until_done(&store, "before").await;
    let mut watch = store.watch("a".into(), first).await.unwrap();
    hear_until(&mut watch, "before").await;
    etcd.kill();
    let error = store.transact(put("dead")).await.unwrap_err();
    assert!(error.retryable(), "{error}");
    etcd.restart().unwrap();
    put_until_done(&store, "after").await;
    hear_until(&mut watch, "after").await;
}

#[tokio::test]
async fn a_compaction_behind_a_lost_stream_leaves_no_silent_gap() {
    let etcd = services::Etcd::start().unwrap();
    let store = connect(etcd.endpoint()).await;
    let first = put_until_done(&store, "before").await;
    let mut watch = store.watch("a".into(), first).await.unwrap();
    hear_until(&mut watch, "before").await;
    etcd.pause();
    // Its stream is given up; the next one may have been asked for already.
    assert!(tokio::time::timeout(PATIENCE * 5, watch.next()).await.is_err());
    etcd.resume();
    for i in 0..10 {
        put_until_done(&store, &i.to_string()).await;
    }
    let last = put_until_done(&store, "last").await;
    store.compact(last).await.unwrap();
    let mut expected = first.next();
    while expected <= last {
        match tokio::time::timeout(Duration::from_secs(30), watch.next()).await.unwrap() {
            Ok(events) => assert_eq!(events[0].revision, expected),
            Err(MetadataError::Compacted(at)) => return assert_eq!(at, last),
            Err(error) => panic!("{error}"),
        }
        expected = expected.next();
    }
}

#[tokio::test]
async fn an_etcd_that_is_not_there_takes_no_longer_than_the_deadline() {
    let port = services::free_port().unwrap();
    let store = connect(format!("http://127.0.0.1:{port}")).await;
    let read = store.range(RangeQuery::key("a")).await.unwrap_err();
    assert!(matches!(read, MetadataError::Unavailable(_)), "{read}");
    let write = store.transact(put("x")).await.unwrap_err();
    assert!(write.retryable(), "{write}");
}
