//! Range reads: bounds, limits, and older revisions.

use crate::subject::{Subject, cases, values};
use metadata::{MetadataError, RangeQuery, Revision, prefix_end};

cases! {
    an_absent_key_reads_as_nothing,
    an_entry_remembers_its_revisions_and_versions,
    a_prefix_reads_in_key_order_and_nothing_else,
    a_range_is_half_open,
    an_empty_range_reads_as_nothing,
    the_empty_prefix_reads_every_key,
    a_prefix_of_high_bytes_ends_where_its_keys_end,
    a_limit_cuts_off_and_says_so,
    many_entries_are_read_at_one_revision,
    an_older_revision_reads_as_it_was,
    a_revision_ahead_of_the_store_is_refused,
    compaction_forgets_what_was_before_it,
    compacting_twice_is_no_error,
    a_store_that_does_not_bound_its_history_tells_its_size,
}

async fn an_absent_key_reads_as_nothing(subject: Subject) {
    let revision = subject.put("other", "x").await;
    let range = subject.store.range(RangeQuery::key(subject.key("absent"))).await.unwrap();
    assert_eq!((range.entries.len(), range.revision, range.more), (0, revision, false));
}

async fn an_entry_remembers_its_revisions_and_versions(subject: Subject) {
    let created = subject.put("key", "1").await;
    let changed = subject.put("key", "2").await;
    assert_eq!(changed, created.next());
    let entry = subject.get("key").await.unwrap();
    assert_eq!(
        (entry.create_revision, entry.mod_revision, entry.version, entry.lease),
        (created, changed, 2, None)
    );
    subject.delete("key").await;
    let again = subject.put("key", "3").await;
    let entry = subject.get("key").await.unwrap();
    assert_eq!((entry.create_revision, entry.mod_revision, entry.version), (again, again, 1));
}

async fn a_prefix_reads_in_key_order_and_nothing_else(subject: Subject) {
    for (name, value) in [("p/b", "2"), ("p/a", "1"), ("p", "0"), ("p/b/c", "3"), ("q", "4")] {
        subject.put(name, value).await;
    }
    let range = subject.store.range(RangeQuery::prefix(subject.key("p/"))).await.unwrap();
    assert_eq!(values(&range.entries), ["1", "2", "3"]);
}

async fn a_range_is_half_open(subject: Subject) {
    for name in ["a", "b", "c"] {
        subject.put(name, name).await;
    }
    let query = RangeQuery { end: Some(subject.key("c")), ..RangeQuery::key(subject.key("a")) };
    assert_eq!(values(&subject.store.range(query).await.unwrap().entries), ["a", "b"]);
}

async fn an_empty_range_reads_as_nothing(subject: Subject) {
    subject.put("b", "b").await;
    for end in ["b", "a"] {
        let query = RangeQuery { end: Some(subject.key(end)), ..RangeQuery::key(subject.key("b")) };
        assert_eq!(subject.store.range(query).await.unwrap().entries, []);
    }
}

async fn the_empty_prefix_reads_every_key(subject: Subject) {
    subject.put("key", "x").await;
    let range = subject.store.range(RangeQuery::prefix("")).await.unwrap();
    assert!(range.entries.iter().any(|entry| entry.key == subject.key("key")));
    assert_eq!(prefix_end(b"").as_ref(), [0]);
}

async fn a_prefix_of_high_bytes_ends_where_its_keys_end(subject: Subject) {
    let key = |tail: &[u8]| [subject.key("").as_ref(), tail].concat();
    for tail in [&[0xFE][..], &[0xFF], &[0xFF, 0xFF], &[0xFF, 0xFF, 1]] {
        let put = metadata::Operation::put(key(tail), format!("{tail:?}"));
        subject.run(vec![put]).await;
    }
    let range = subject.store.range(RangeQuery::prefix(key(&[0xFF, 0xFF]))).await.unwrap();
    assert_eq!(values(&range.entries), ["[255, 255]", "[255, 255, 1]"]);
    assert_eq!(prefix_end(&[0xFF, 0xFF]).as_ref(), [0]);
    assert_eq!(prefix_end(b"a\xFF").as_ref(), b"b");
}

async fn a_limit_cuts_off_and_says_so(subject: Subject) {
    for name in ["a", "b", "c"] {
        subject.put(name, name).await;
    }
    let two = subject.store.range(subject.everything().limit(2)).await.unwrap();
    assert_eq!((values(&two.entries), two.more), (vec!["a".to_owned(), "b".to_owned()], true));
    let three = subject.store.range(subject.everything().limit(3)).await.unwrap();
    assert_eq!((three.entries.len(), three.more), (3, false));
}

async fn many_entries_are_read_at_one_revision(subject: Subject) {
    for chunk in 0..25 {
        let puts = (0..100).map(|i| subject.put_operation(&format!("{chunk:02}/{i:03}"), "x"));
        subject.run(puts.collect()).await;
    }
    let all = subject.store.range(subject.everything()).await.unwrap();
    assert_eq!((all.entries.len(), all.more), (2500, false));
    assert!(all.entries.is_sorted_by(|one, other| one.key < other.key));
    let most = subject.store.range(subject.everything().limit(2499)).await.unwrap();
    assert_eq!((most.entries.len(), most.more), (2499, true));
}

async fn an_older_revision_reads_as_it_was(subject: Subject) {
    let first = subject.put("a", "1").await;
    let second = subject.put("a", "2").await;
    let third = subject.put("b", "3").await;
    let fourth = subject.delete("a").await;
    assert_eq!(subject.values_at(first).await.unwrap(), ["1"]);
    assert_eq!(subject.values_at(second).await.unwrap(), ["2"]);
    assert_eq!(subject.values_at(third).await.unwrap(), ["2", "3"]);
    assert_eq!(subject.values_at(fourth).await.unwrap(), ["3"]);
    let old = subject.store.range(subject.everything().at(first)).await.unwrap();
    assert_eq!(old.revision, fourth, "the store's revision, not the one asked for");
}

async fn a_revision_ahead_of_the_store_is_refused(subject: Subject) {
    let now = subject.put("a", "1").await;
    for at in [Revision(now.0 + 1000), Revision(0)] {
        let error = subject.values_at(at).await.unwrap_err();
        assert!(matches!(error, MetadataError::Refused(_)), "{error}");
    }
}

async fn compaction_forgets_what_was_before_it(subject: Subject) {
    let first = subject.put("a", "1").await;
    subject.put("gone", "x").await;
    let second = subject.put("a", "2").await;
    let deleted = subject.delete("gone").await;
    let last = subject.put("a", "3").await;
    subject.store.compact(deleted).await.unwrap();
    for forgotten in [first, second] {
        let error = subject.values_at(forgotten).await.unwrap_err();
        assert!(matches!(error, MetadataError::Compacted(at) if at > forgotten), "{error}");
    }
    assert_eq!(subject.values_at(deleted).await.unwrap(), ["2"]);
    assert_eq!(subject.values_at(last).await.unwrap(), ["3"]);
    assert_eq!(subject.get("a").await.unwrap().create_revision, first, "entries that live stay");
}

async fn compacting_twice_is_no_error(subject: Subject) {
    let first = subject.put("a", "1").await;
    let second = subject.put("a", "2").await;
    for revision in [second, second, first] {
        subject.store.compact(revision).await.unwrap();
    }
    let ahead = subject.store.compact(Revision(second.0 + 1000)).await.unwrap_err();
    assert!(matches!(ahead, MetadataError::Refused(_)), "{ahead}");
}

async fn a_store_that_does_not_bound_its_history_tells_its_size(subject: Subject) {
    const MEBIBYTE: u64 = 1 << 20;
    let large = "x".repeat(usize::try_from(MEBIBYTE).unwrap());
    for _ in 0..4 {
        subject.put("large", &large).await;
    }
    // It may be a moment behind.
    while let Some(used) = subject.store.used_bytes().await.unwrap() {
        if (4 * MEBIBYTE..64 * MEBIBYTE).contains(&used) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
