//! Transactions: conditions, branches, revisions, replies.

use crate::subject::{Subject, cases, text, values};
use metadata::{Compare, Operation, RangeQuery, Reply, Revision};

cases! {
    create_revision_compares_the_life_of_a_key,
    another_create_revision_includes_absence,
    mod_revision_compares_the_last_change,
    a_value_compares_only_when_it_exists,
    existence_and_absence_are_opposites,
    all_compares_must_hold,
    one_transaction_takes_one_revision,
    a_transaction_that_writes_nothing_takes_no_revision,
    reads_see_what_the_transaction_did_before_them,
    the_branch_that_ran_is_the_one_that_replies,
    deleting_a_range_counts_what_was_there,
    concurrent_compare_and_swaps_lose_nothing,
}

async fn create_revision_compares_the_life_of_a_key(subject: Subject) {
    let key = subject.key("a");
    assert!(subject.holds(Compare::CreateRevision(key.clone(), Revision(0))).await);
    let created = subject.put("a", "1").await;
    let changed = subject.put("a", "2").await;
    assert!(subject.holds(Compare::CreateRevision(key.clone(), created)).await);
    assert!(!subject.holds(Compare::CreateRevision(key.clone(), changed)).await);
    assert!(!subject.holds(Compare::CreateRevision(key.clone(), Revision(0))).await);
    subject.delete("a").await;
    assert!(!subject.holds(Compare::CreateRevision(key.clone(), created)).await);
    assert!(subject.holds(Compare::CreateRevision(key, Revision(0))).await);
}

async fn another_create_revision_includes_absence(subject: Subject) {
    let key = subject.key("a");
    let created = subject.put("a", "1").await;
    assert!(!subject.holds(Compare::CreateRevisionNot(key.clone(), created)).await);
    subject.delete("a").await;
    assert!(subject.holds(Compare::CreateRevisionNot(key.clone(), created)).await);
    subject.put("a", "2").await;
    assert!(subject.holds(Compare::CreateRevisionNot(key, created)).await);
}

async fn mod_revision_compares_the_last_change(subject: Subject) {
    let key = subject.key("a");
    assert!(subject.holds(Compare::ModRevision(key.clone(), Revision(0))).await);
    let created = subject.put("a", "1").await;
    let changed = subject.put("a", "1").await;
    assert!(!subject.holds(Compare::ModRevision(key.clone(), created)).await);
    assert!(subject.holds(Compare::ModRevision(key, changed)).await);
}

async fn a_value_compares_only_when_it_exists(subject: Subject) {
    let key = subject.key("a");
    assert!(!subject.holds(Compare::Value(key.clone(), "".into())).await);
    subject.put("a", "").await;
    assert!(subject.holds(Compare::Value(key.clone(), "".into())).await);
    subject.put("a", "1").await;
    assert!(subject.holds(Compare::Value(key.clone(), "1".into())).await);
    assert!(!subject.holds(Compare::Value(key, "11".into())).await);
}

async fn existence_and_absence_are_opposites(subject: Subject) {
    let key = subject.key("a");
    assert!(subject.holds(Compare::Absent(key.clone())).await);
    assert!(!subject.holds(Compare::Exists(key.clone())).await);
    subject.put("a", "").await;
    assert!(!subject.holds(Compare::Absent(key.clone())).await);
    assert!(subject.holds(Compare::Exists(key)).await);
}

async fn all_compares_must_hold(subject: Subject) {
    subject.put("a", "1").await;
    let there = Compare::Exists(subject.key("a"));
    let absent = Compare::Exists(subject.key("b"));
    let compares = vec![there, absent];
    let write = vec![subject.put_operation("c", "1")];
    let outcome = subject.transact(compares, write, vec![]).await.unwrap();
    assert!(!outcome.succeeded);
    assert_eq!(subject.get("c").await, None);
}

async fn one_transaction_takes_one_revision(subject: Subject) {
    let before = subject.put("c", "x").await;
    let puts = vec![
        subject.put_operation("a", "1"),
        subject.put_operation("b", "2"),
        Operation::Delete(subject.key("c")),
    ];
    let outcome = subject.run(puts).await;
    assert_eq!(outcome.revision, before.next());
    for name in ["a", "b"] {
        assert_eq!(subject.get(name).await.unwrap().mod_revision, outcome.revision);
    }
    assert_eq!(subject.get("c").await, None);
}

async fn a_transaction_that_writes_nothing_takes_no_revision(subject: Subject) {
    let before = subject.put("a", "1").await;
    let nothing = vec![
        Operation::Delete(subject.key("absent")),
        Operation::Read(RangeQuery::key(subject.key("a"))),
    ];
    let outcome = subject.run(nothing).await;
    assert_eq!(outcome.revision, before);
    assert_eq!(outcome.replies.first(), Some(&Reply::Deleted(0)));
    assert_eq!(subject.run(vec![]).await.revision, before);
    assert_eq!(subject.put("a", "2").await, before.next());
}

async fn reads_see_what_the_transaction_did_before_them(subject: Subject) {
    let before = subject.put("a", "old").await;
    let read = |at| Operation::Read(RangeQuery { at, ..RangeQuery::key(subject.key("a")) });
    let operations =
        vec![read(None), subject.put_operation("a", "new"), read(None), read(Some(before))];
    let outcome = subject.run(operations).await;
    let seen: Vec<_> = outcome.replies.iter().flat_map(read_values).collect();
    assert_eq!(seen, ["old", "new", "old"]);
    let Some(Reply::Read(after)) = outcome.replies.get(2) else { panic!("it reads") };
    assert_eq!(after[0].mod_revision, outcome.revision);
}

async fn the_branch_that_ran_is_the_one_that_replies(subject: Subject) {
    let compares = vec![Compare::Exists(subject.key("absent"))];
    let then = vec![subject.put_operation("then", "1")];
    let otherwise = vec![
        subject.put_operation("otherwise", "2"),
        Operation::Read(subject.everything().limit(1)),
    ];
    let outcome = subject.transact(compares, then, otherwise).await.unwrap();
    assert!(!outcome.succeeded);
    assert_eq!(outcome.replies.len(), 2);
    assert_eq!(read_values(&outcome.replies[1]), ["2"]);
    assert_eq!(subject.get("then").await, None);
    assert_eq!(subject.get("otherwise").await.unwrap().mod_revision, outcome.revision);
}

async fn deleting_a_range_counts_what_was_there(subject: Subject) {
    for name in ["a", "b", "c"] {
        subject.put(name, name).await;
    }
    let range = Operation::DeleteRange(subject.key("a"), subject.key("c"));
    let outcome = subject.run(vec![range]).await;
    assert_eq!(outcome.replies, [Reply::Deleted(2)]);
    let left = subject.store.range(subject.everything()).await.unwrap();
    assert_eq!(values(&left.entries), ["c"]);
}

async fn concurrent_compare_and_swaps_lose_nothing(subject: Subject) {
    subject.put("counter", "0").await;
    let increments = (0..8).map(|_| async {
        for _ in 0..10 {
            while !increment(&subject).await {}
        }
    });
    futures::future::join_all(increments).await;
    let entry = subject.get("counter").await.unwrap();
    assert_eq!((text(&entry.value).as_str(), entry.version), ("80", 81));
}

async fn increment(subject: &Subject) -> bool {
    let entry = subject.get("counter").await.unwrap();
    let next = text(&entry.value).parse::<u64>().unwrap() + 1;
    let unchanged = vec![Compare::ModRevision(entry.key, entry.mod_revision)];
    let put = vec![subject.put_operation("counter", &next.to_string())];
    subject.transact(unchanged, put, vec![]).await.unwrap().succeeded
}

fn read_values(reply: &Reply) -> Vec<String> {
    match reply {
        Reply::Read(entries) => values(entries),
        _ => vec![],
    }
}
