//! What survives a restart, and who may open the directory.

use super::*;
use crate::{Event, Operation};

fn open(directory: &Path) -> Result<EmbeddedStore, MetadataError> {
    EmbeddedStore::open(directory, Clock::system())
}

async fn put(store: &EmbeddedStore, value: String, lease: Option<i64>) -> Revision {
    let put = Operation::Put { key: "a".into(), value: value.into(), lease };
    let transaction = Transaction { then: vec![put], ..Transaction::default() };
    store.transact(transaction).await.unwrap().revision
}

#[tokio::test]
async fn everything_survives_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    let first = put(&store, "1".to_owned(), None).await;
    let second = put(&store, "2".to_owned(), None).await;
    let before = store.range(RangeQuery::key("a")).await.unwrap();
    drop(store);
    let store = open(directory.path()).unwrap();
    assert_eq!(store.range(RangeQuery::key("a")).await.unwrap(), before);
    let old = store.range(RangeQuery::key("a").at(first)).await.unwrap();
    assert_eq!(old.entries[0].value, "1");
    let mut watch = store.watch(Bytes::new(), first).await.unwrap();
    let revisions: Vec<Event> = [watch.next().await.unwrap(), watch.next().await.unwrap()].concat();
    assert_eq!(revisions.iter().map(|it| it.revision).collect::<Vec<_>>(), [first, second]);
    assert_eq!(put(&store, "3".to_owned(), None).await, second.next());
}

#[tokio::test]
async fn a_compaction_survives_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    let first = put(&store, "1".to_owned(), None).await;
    let second = put(&store, "2".to_owned(), None).await;
    store.compact(second).await.unwrap();
    drop(store);
    let store = open(directory.path()).unwrap();
    let old = store.range(RangeQuery::key("a").at(first)).await;
    assert!(matches!(old, Err(MetadataError::Compacted(at)) if at == second));
    assert_eq!(store.range(RangeQuery::key("a")).await.unwrap().entries[0].value, "2");
}

#[tokio::test]
async fn a_long_history_is_forgotten_in_steps_and_then_answered() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    for number in 0..100 {
        put(&store, number.to_string(), None).await;
    }
    let last = put(&store, "last".to_owned(), None).await;
    store.compact(last).await.unwrap();
    let old = store.range(RangeQuery::key("a").at(Revision(last.0 - 1))).await;
    assert!(matches!(old, Err(MetadataError::Compacted(at)) if at == last));
    assert!(store.compact(last.next()).await.is_err(), "it is ahead of the store");
    assert_eq!(store.range(RangeQuery::key("a")).await.unwrap().entries[0].value, "last");
}

#[tokio::test]
async fn a_lease_outlives_a_restart_and_its_number_is_never_given_again() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    let ended = store.grant_lease(Duration::from_mins(10)).await.unwrap();
    let lease = store.grant_lease(Duration::from_mins(10)).await.unwrap();
    store.revoke_lease(ended).await.unwrap();
    put(&store, "leased".to_owned(), Some(lease.id)).await;
    drop(store);
    let store = open(directory.path()).unwrap();
    store.keep_alive(lease).await.unwrap();
    assert!(matches!(store.keep_alive(ended).await, Err(MetadataError::LeaseGone)));
    let next = store.grant_lease(Duration::from_mins(10)).await.unwrap();
    assert!(next.id > lease.id);
    store.revoke_lease(lease).await.unwrap();
    assert_eq!(store.range(RangeQuery::key("a")).await.unwrap().entries, []);
}

#[tokio::test]
async fn a_directory_in_use_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    let error = open(directory.path()).unwrap_err().to_string();
    assert!(error.contains("another broker uses"), "{error}");
    assert!(error.contains(&directory.path().display().to_string()), "{error}");
    drop(store);
    assert!(open(directory.path()).is_ok());
}

#[test]
fn a_file_that_is_no_store_is_refused_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("metadata.redb");
    std::fs::write(&file, b"not a database, but somebody's file").unwrap();
    assert!(open(directory.path()).is_err());
    assert_eq!(std::fs::read(file).unwrap(), b"not a database, but somebody's file");
}

#[test]
fn a_path_that_is_no_directory_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, b"x").unwrap();
    assert!(matches!(open(&file), Err(MetadataError::Refused(_))));
}

#[tokio::test]
async fn history_that_nobody_compacts_stays_bounded() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    let first = put(&store, "0".to_owned(), None).await;
    for chunk in 0..20 {
        let puts = (0..250).map(|i| put(&store, format!("{chunk} {i}"), None));
        futures::future::join_all(puts).await;
    }
    let old = store.range(RangeQuery::key("a").at(first)).await;
    assert!(matches!(old, Err(MetadataError::Compacted(_))));
    assert_eq!(store.range(RangeQuery::key("a")).await.unwrap().entries[0].version, 5_001);
}

#[tokio::test]
async fn a_copy_has_what_the_store_has_and_changes_nothing_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    put(&store, "kept".to_owned(), None).await;
    assert!(EmbeddedStore::open_copy(directory.path(), Clock::system()).is_err(), "it is in use");
    drop(store);
    let file = directory.path().join("metadata.redb");
    let before = std::fs::read(&file).unwrap();
    let copy = EmbeddedStore::open_copy(directory.path(), Clock::system()).unwrap();
    assert_eq!(copy.range(RangeQuery::key("a")).await.unwrap().entries[0].value, "kept");
    put(&copy, "changed".to_owned(), None).await;
    drop(copy);
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[test]
fn nothing_is_made_to_be_copied() {
    let directory = tempfile::tempdir().unwrap();
    assert!(EmbeddedStore::open_copy(directory.path(), Clock::system()).is_err());
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}
