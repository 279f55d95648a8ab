//! What every store does: one suite, run on the local directory, memory, `MinIO` and a second S3.
//!
//! Each check panics with the behaviour that is missing. They use names below prefixes of their own, so that one store
//! can run them all.

use bytes::Bytes;
use std::fmt::Debug;
use storage::{Listed, ObjectError, ObjectErrorKind, ObjectName, Objects};

/// Runs every check.
pub async fn all(objects: &Objects) {
    puts_replace(objects).await;
    parts_are_one_object(objects).await;
    create_never_replaces(objects).await;
    one_of_many_creators_wins(objects).await;
    absent_objects_are_not_found(objects).await;
    ranges_are_exact(objects).await;
    deletes_forgive_absence(objects).await;
    listings_are_whole_and_in_name_order(objects).await;
    empty_objects_exist(objects).await;
}

fn name(text: &str) -> ObjectName {
    ObjectName::new(text).expect("a name of the suite")
}

#[track_caller]
fn kind<T: Debug>(outcome: Result<T, ObjectError>) -> ObjectErrorKind {
    outcome.expect_err("the store should have refused").kind
}

async fn put(objects: &Objects, text: &str, content: &'static [u8]) {
    objects.put(&name(text), vec![Bytes::from_static(content)]).await.expect("put");
}

async fn puts_replace(objects: &Objects) {
    put(objects, "replace/a", b"first").await;
    put(objects, "replace/a", b"second one").await;
    assert_eq!(objects.get(&name("replace/a")).await.expect("get"), "second one");
    assert_eq!(objects.size(&name("replace/a")).await.expect("size"), 10);
}

async fn parts_are_one_object(objects: &Objects) {
    let parts: Vec<Bytes> = (0..64u8).map(|n| Bytes::from(vec![n; 40_000])).collect();
    let whole = parts.concat();
    objects.put(&name("parts/a"), parts).await.expect("put");
    assert_eq!(objects.get(&name("parts/a")).await.expect("get"), whole);
}

async fn create_never_replaces(objects: &Objects) {
    let name = name("create/a");
    objects.put_if_absent(&name, Bytes::from_static(b"mine")).await.expect("create");
    let again = objects.put_if_absent(&name, Bytes::from_static(b"yours")).await;
    assert_eq!(kind(again), ObjectErrorKind::AlreadyExists);
    assert_eq!(objects.get(&name).await.expect("get"), "mine");
}

async fn one_of_many_creators_wins(objects: &Objects) {
    let name = name("create/raced");
    let creators = (0..8u8).map(|n| objects.put_if_absent(&name, Bytes::from(vec![n; 1000])));
    let outcomes = futures::future::join_all(creators).await;
    let winners: Vec<u8> =
        (0..8u8).zip(&outcomes).filter(|(_, o)| o.is_ok()).map(|(n, _)| n).collect();
    let refused = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
    assert!(refused.into_iter().all(|error| error.kind == ObjectErrorKind::AlreadyExists));
    let [winner] = winners.as_slice() else { panic!("one creator wins, not {winners:?}") };
    assert_eq!(objects.get(&name).await.expect("get"), vec![*winner; 1000]);
}

async fn absent_objects_are_not_found(objects: &Objects) {
    put(objects, "absent/a/b", b"x").await;
    for absent in ["absent/none", "absent/a", "absent/a/b/c"] {
        let absent = name(absent);
        assert_eq!(kind(objects.get(&absent).await), ObjectErrorKind::NotFound);
        assert_eq!(kind(objects.get_range(&absent, 0..1).await), ObjectErrorKind::NotFound);
        assert_eq!(kind(objects.size(&absent).await), ObjectErrorKind::NotFound);
    }
}

async fn ranges_are_exact(objects: &Objects) {
    put(objects, "ranges/a", b"0123456789").await;
    let name = name("ranges/a");
    for (range, content) in [(0..10, "0123456789"), (0..1, "0"), (9..10, "9"), (3..7, "3456")] {
        assert_eq!(objects.get_range(&name, range).await.expect("range"), content);
    }
    assert!(objects.get_range(&name, 4..4).await.expect("empty").is_empty());
    #[expect(clippy::reversed_empty_ranges, reason = "one of the ranges to be refused")]
    for range in [0..11, 9..11, 10..11, 100..200, 5..4, 0..u64::MAX] {
        let outcome = objects.get_range(&name, range.clone()).await;
        assert_eq!(kind(outcome), ObjectErrorKind::Invalid, "{range:?}");
    }
}

async fn deletes_forgive_absence(objects: &Objects) {
    put(objects, "delete/a", b"x").await;
    put(objects, "delete/deep/er/b", b"x").await;
    put(objects, "delete/kept", b"x").await;
    let names = ["delete/a", "delete/none", "delete/deep/er/b"].map(name);
    objects.delete(&names).await.expect("delete");
    objects.delete(&names).await.expect("delete again");
    objects.delete(&[]).await.expect("delete nothing");
    assert_eq!(names_of(&objects.list("delete/").await.expect("list")), ["delete/kept"]);
}

async fn listings_are_whole_and_in_name_order(objects: &Objects) {
    let expected = ["list/a-b", "list/a.b", "list/a/1", "list/a/2", "list/b/deep/er", "list/b0"];
    for text in expected.iter().rev() {
        put(objects, text, b"abc").await;
    }
    let listed = objects.list("list/").await.expect("list");
    let mut sorted = expected;
    sorted.sort_unstable();
    assert_eq!(names_of(&listed), sorted);
    assert!(listed.iter().all(|object| object.size == 3 && object.modified_unix_ms > 0));
    let of = async |prefix| names_of(&objects.list(prefix).await.expect("list"));
    assert_eq!(of("list/a/").await, ["list/a/1", "list/a/2"]);
    assert_eq!(of("list/b").await, ["list/b/deep/er", "list/b0"]);
    assert!(of("list/none").await.is_empty());
    assert!(of("").await.len() >= expected.len());
}

async fn empty_objects_exist(objects: &Objects) {
    objects.put(&name("empty/a"), vec![]).await.expect("put");
    assert!(objects.get(&name("empty/a")).await.expect("get").is_empty());
    assert_eq!(objects.size(&name("empty/a")).await.expect("size"), 0);
    let outcome = objects.get_range(&name("empty/a"), 0..1).await;
    assert_eq!(kind(outcome), ObjectErrorKind::Invalid);
}

fn names_of(listed: &[Listed]) -> Vec<String> {
    listed.iter().map(|object| object.name.to_string()).collect()
}
