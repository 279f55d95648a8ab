//! The journal over a store in memory that loses answers.

use super::*;
use formats::metadata::Session;
use metadata::{MemoryStore, RangeQuery, Transaction, families::encode, memory::Fault};
use runtime::Clock;
use std::time::Duration;

struct Setting {
    store: MemoryStore,
    parts: JournalParts,
    session: SessionStamp,
}

async fn setting() -> Setting {
    let store = MemoryStore::new(Clock::simulated(0));
    let parts = JournalParts {
        metadata: Arc::new(store.clone()),
        keys: Keys::new("test/"),
        randomness: Randomness::seeded(1),
        tasks: Tasks::new(),
    };
    let session = register(&store, &parts.keys, 1).await;
    Setting { store, parts, session }
}

/// A session of broker 1, after deleting the one before.
async fn register(store: &MemoryStore, keys: &Keys, number: u8) -> SessionStamp {
    let (id, broker) = (SessionId::from_bytes([number; 16]), BrokerId::new(1).unwrap());
    let key = keys.session(broker);
    let change = |then| Transaction { then, ..Transaction::default() };
    store.transact(change(vec![Operation::Delete(key.clone())])).await.unwrap();
    let value = Session { id: id.as_bytes().to_vec().into(), ..Session::default() };
    let put = store.transact(change(vec![Operation::put(key, encode(value))])).await.unwrap();
    SessionStamp { id, create_revision: put.revision, broker }
}

fn put(key: &'static str, value: &'static str) -> Submission {
    Submission { operations: vec![Operation::put(key, value)], ..Submission::default() }
}

fn append(piece: &'static str) -> Submission {
    let append =
        Append { family: Bytes::from_static(b"log/"), piece: Bytes::from_static(piece.as_bytes()) };
    Submission { appends: vec![append], ..Submission::default() }
}

async fn stored(store: &MemoryStore, prefix: &'static str) -> Vec<(String, String)> {
    let range = store.range(RangeQuery::prefix(prefix)).await.unwrap();
    let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    range.entries.iter().map(|entry| (text(&entry.key), text(&entry.value))).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_submitted_together_is_one_transaction_and_the_last_put_of_a_key_counts() {
    let Setting { store, parts, session } = setting().await;
    let journal = Journal::begin(session, &parts);
    for submission in [put("a", "1"), append("x"), put("b", "1"), put("a", "2"), append("y")] {
        journal.submit(submission);
    }
    journal.settled(journal.position()).await.unwrap();
    let first = format!("log/{:020}", 1);
    assert_eq!(stored(&store, "a").await, [("a".into(), "2".into())]);
    assert_eq!(stored(&store, "log/").await, [(first, "xy".into())]);
}

#[tokio::test(start_paused = true)]
async fn a_trim_takes_what_earlier_transactions_appended_and_nothing_else() {
    let Setting { store, parts, session } = setting().await;
    let journal = Journal::begin(session, &parts);
    for piece in ["x", "y"] {
        journal.settled(journal.submit(append(piece))).await.unwrap();
    }
    let log = Bytes::from_static(b"log/");
    let trim = Submission { trims: vec![Trim { start: log.clone(), family: log }], ..append("z") };
    journal.settled(journal.submit(trim)).await.unwrap();
    assert_eq!(stored(&store, "log/").await, [(format!("log/{:020}", 3), "z".into())]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_is_settled_by_sending_again() {
    for fault in [Fault::UnknownApplied, Fault::UnknownNotApplied, Fault::Unavailable] {
        let Setting { store, parts, session } = setting().await;
        let journal = Journal::begin(session, &parts);
        store.faults().fail_next(fault);
        journal.settled(journal.submit(put("a", "1"))).await.unwrap();
        journal.settled(journal.submit(put("a", "2"))).await.unwrap();
        assert_eq!(stored(&store, "a").await, [("a".into(), "2".into())], "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_lands_late_changes_nothing() {
    let Setting { store, parts, session } = setting().await;
    let journal = Journal::begin(session, &parts);
    store.faults().fail_next(Fault::Delayed);
    journal.settled(journal.submit(put("a", "1"))).await.unwrap();
    journal.settled(journal.submit(put("a", "2"))).await.unwrap();
    let late = store.faults().land_delayed().remove(0).unwrap();
    assert!(!late.succeeded);
    assert_eq!(stored(&store, "a").await, [("a".into(), "2".into())]);
}

#[tokio::test(start_paused = true)]
async fn nothing_of_a_session_that_is_over_is_stored_or_acknowledged() {
    let Setting { store, parts, session } = setting().await;
    let old = Journal::begin(session, &parts);
    old.settled(old.submit(put("a", "1"))).await.unwrap();
    let next = register(&store, &parts.keys, 2).await;
    let position = old.submit(put("a", "2"));
    assert_eq!(old.settled(position).await, Err(JournalError::Ended));
    assert_eq!(old.admits(), Err(JournalError::Ended));
    assert_eq!(stored(&store, "a").await, [("a".into(), "1".into())]);
    let new = Journal::begin(next, &parts);
    new.settled(new.submit(put("a", "3"))).await.unwrap();
    assert_eq!(stored(&store, "a").await, [("a".into(), "3".into())]);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_deleted_with_others_can_be_put_right_after() {
    let Setting { store, parts, session } = setting().await;
    let journal = Journal::begin(session, &parts);
    journal.submit(put("log/1", "1"));
    let start = Bytes::from_static(b"log/");
    let all = Operation::DeleteRange(start.clone(), metadata::prefix_end(&start));
    journal.submit(Submission { operations: vec![all], ..Submission::default() });
    journal.settled(journal.submit(put("log/1", "2"))).await.unwrap();
    assert_eq!(stored(&store, "log/").await, [("log/1".into(), "2".into())]);
}

#[tokio::test(start_paused = true)]
async fn more_than_a_transaction_holds_goes_into_several_in_order() {
    let Setting { store, parts, session } = setting().await;
    let journal = Journal::begin(session, &parts);
    for number in 0..1000_u32 {
        let key = Bytes::from(format!("n/{:03}", number % 300));
        let value = Bytes::from(number.to_string());
        let operations = vec![Operation::put(key, value)];
        journal.submit(Submission { operations, ..Submission::default() });
    }
    let before = tokio::time::Instant::now();
    journal.settled(journal.position()).await.unwrap();
    assert_eq!(before.elapsed(), Duration::ZERO, "nothing is gathered while more waits");
    let all = stored(&store, "n/").await;
    assert_eq!((all.len(), all[299].1.as_str(), all[100].1.as_str()), (300, "899", "700"));
}

#[tokio::test(start_paused = true)]
async fn too_much_that_waits_is_refused_until_it_is_written() {
    let Setting { store, parts, session } = setting().await;
    let journal = Journal::begin(session, &parts);
    store.faults().fail_every(1, Fault::Unavailable);
    let large = Submission {
        operations: vec![Operation::put("a", vec![0; 1 << 20])],
        ..Submission::default()
    };
    assert!(large.fits());
    while journal.admits().is_ok() {
        journal.submit(large.clone());
    }
    assert_eq!(journal.admits(), Err(JournalError::Overloaded));
    store.faults().heal();
    tokio::time::timeout(Duration::from_mins(1), journal.settled(journal.position()))
        .await
        .unwrap()
        .unwrap();
    journal.admits().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_head_that_somebody_else_moved_stops_the_journal() {
    let Setting { store, parts, session } = setting().await;
    let journal = Journal::begin(session, &parts);
    journal.settled(journal.submit(put("a", "1"))).await.unwrap();
    let head = parts.keys.journal_head(session.broker);
    let meddling = vec![Operation::Delete(head)];
    store.transact(Transaction { then: meddling, ..Transaction::default() }).await.unwrap();
    let position = journal.submit(put("a", "2"));
    assert_eq!(journal.settled(position).await, Err(JournalError::Ended));
    assert!(journal.halted().is_some());
    assert_eq!(stored(&store, "a").await, [("a".into(), "1".into())]);
}

#[tokio::test(start_paused = true)]
async fn all_pieces_of_a_family_that_wait_go_into_one_transaction() {
    let Setting { store, parts, session } = setting().await;
    let journal = Journal::begin(session, &parts);
    for _ in 0..10_000 {
        journal.submit(append("x"));
    }
    journal.settled(journal.position()).await.unwrap();
    let all = stored(&store, "log/").await;
    assert_eq!((all.len(), all[0].1.len()), (1, 10_000));
}
