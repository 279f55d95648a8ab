//! Limits, and what no provider takes: nothing of such a transaction is done.

use crate::subject::{Subject, cases};
use bytes::Bytes;
use metadata::{Compare, MetadataError, Operation, RangeQuery};

cases! {
    a_transaction_takes_128_of_each_and_no_more,
    a_request_of_a_mebibyte_fits_and_one_of_two_does_not,
    a_transaction_may_not_change_a_key_twice,
    a_key_must_not_be_empty,
    a_branch_that_can_not_run_does_nothing,
}

async fn a_transaction_takes_128_of_each_and_no_more(subject: Subject) {
    let compares = |n: usize| -> Vec<_> {
        (0..n).map(|i| Compare::Absent(subject.key(&format!("absent{i}")))).collect()
    };
    let puts = |n: usize| -> Vec<_> {
        (0..n).map(|i| subject.put_operation(&format!("key{i:03}"), "x")).collect()
    };
    let outcome = subject.transact(compares(128), puts(128), puts(128)).await.unwrap();
    assert!(outcome.succeeded);
    for (compares, then, otherwise) in [
        (compares(129), puts(1), puts(1)),
        (compares(1), puts(129), puts(1)),
        (compares(1), puts(1), puts(129)),
    ] {
        let error = subject.transact(compares, then, otherwise).await.unwrap_err();
        assert!(matches!(error, MetadataError::TooLarge(_)), "{error}");
    }
}

async fn a_request_of_a_mebibyte_fits_and_one_of_two_does_not(subject: Subject) {
    const MEBIBYTE: usize = 1024 * 1024;
    let put = |bytes: usize| Operation::put(subject.key("big"), Bytes::from(vec![7; bytes]));
    subject.run(vec![put(MEBIBYTE)]).await;
    // The largest that the limit lets through.
    subject.run(vec![put(1536 * 1024 - 4096 - 200)]).await;
    let error = subject.transact(vec![], vec![put(2 * MEBIBYTE)], vec![]).await.unwrap_err();
    assert!(matches!(error, MetadataError::TooLarge(_)), "{error}");
    assert_eq!(subject.get("big").await.unwrap().version, 2);
}

async fn a_transaction_may_not_change_a_key_twice(subject: Subject) {
    let put = || subject.put_operation("a", "x");
    let delete = || Operation::Delete(subject.key("a"));
    let range = Operation::DeleteRange(subject.key(""), subject.key("b"));
    for then in [vec![put(), put()], vec![put(), delete()], vec![range, put()]] {
        let error = subject.transact(vec![], then, vec![]).await.unwrap_err();
        assert!(matches!(error, MetadataError::Refused(_)), "{error}");
    }
    assert_eq!(subject.get("a").await, None);
    subject.run(vec![delete(), delete()]).await;
}

async fn a_key_must_not_be_empty(subject: Subject) {
    let error = subject.transact(vec![], vec![Operation::put("", "x")], vec![]).await.unwrap_err();
    assert!(matches!(error, MetadataError::Refused(_)), "{error}");
    let error = subject.store.range(RangeQuery::key("")).await.unwrap_err();
    assert!(matches!(error, MetadataError::Refused(_)), "{error}");
}

async fn a_branch_that_can_not_run_does_nothing(subject: Subject) {
    let now = subject.put("a", "1").await;
    let ahead = metadata::Revision(now.0 + 1000);
    let read = Operation::Read(RangeQuery::key(subject.key("a")).at(ahead));
    let then = vec![subject.put_operation("b", "2"), read];
    let error = subject.transact(vec![], then, vec![]).await.unwrap_err();
    assert!(matches!(error, MetadataError::Refused(_)), "{error}");
    assert_eq!(subject.get("b").await, None);
}
