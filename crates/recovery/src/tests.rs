//! From a snapshot to a cluster: stores in memory.

use crate::{Found, SnapshotKeeper, Stores, Target, put_back};
use formats::metadata::{Cluster, CommitHead, Recovery};
use metadata::{
    MemoryStore, MetadataStore, Operation, RangeQuery, Transaction,
    families::{Keys, encode},
};
use model::SessionId;
use runtime::{Clock, Randomness};
use std::sync::Arc;
use storage::{ObjectName, Objects};

fn memory() -> Arc<dyn MetadataStore> {
    Arc::new(MemoryStore::new(Clock::simulated(1_000)))
}

fn keys() -> Keys {
    Keys::new("alluvium/")
}

fn cluster() -> Cluster {
    Cluster { cluster_id: "c".into(), generation: 4, ..Cluster::default() }
}

fn recovery() -> Recovery {
    Recovery { cluster_id: "c".into(), generation: 5, ..Recovery::default() }
}

async fn put(store: &dyn MetadataStore, key: bytes::Bytes, value: bytes::Bytes) {
    let then = vec![Operation::put(key, value)];
    store.transact(Transaction { then, ..Transaction::default() }).await.unwrap();
}

async fn commit(stores: &Stores, seq: u64) {
    let key = stores.keys.commit_head(SessionId::from_bytes([1; 16]));
    let head = CommitHead { seq, ..CommitHead::default() };
    put(stores.metadata.as_ref(), key, encode(head)).await;
}

/// Everything below the prefix, values as they are.
async fn everything(store: &dyn MetadataStore) -> Vec<(bytes::Bytes, bytes::Bytes)> {
    let range = store.range(RangeQuery::prefix(keys().everything())).await.unwrap();
    range.entries.into_iter().map(|it| (it.key, it.value)).collect()
}

/// A cluster with two snapshots.
async fn snapshots() -> Stores {
    let stores = Stores {
        metadata: memory(),
        keys: keys(),
        objects: Objects::memory(),
        clock: Clock::simulated(1_000),
        randomness: Randomness::seeded(1),
    };
    put(stores.metadata.as_ref(), keys().cluster(), encode(cluster())).await;
    let mut keeper = SnapshotKeeper::new(stores.clone());
    for seq in [1, 2] {
        commit(&stores, seq).await;
        assert!(keeper.write_if_changed().await.unwrap());
    }
    stores
}

#[tokio::test(start_paused = true)]
async fn what_is_put_back_is_what_the_store_held() {
    let stores = snapshots().await;
    let back = memory();
    let found = put_back(&stores.objects, back.as_ref(), &keys()).await.unwrap().unwrap();
    assert_eq!((found.head.cluster_id.as_str(), found.passed_over.len()), ("c", 0));
    let mut before = everything(stores.metadata.as_ref()).await;
    before.retain(|(key, _)| *key != keys().last_snapshot());
    assert_eq!(everything(back.as_ref()).await, before);
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_is_damaged_or_not_whole_is_passed_over_and_told() {
    let stores = snapshots().await;
    let names = stores.objects.list("snapshot/").await.unwrap();
    let newest = names.iter().map(|it| &it.name).max().unwrap();
    stores.objects.put(newest, vec!["damaged".into()]).await.unwrap();
    let back = memory();
    let found = put_back(&stores.objects, back.as_ref(), &keys()).await.unwrap().unwrap();
    assert_eq!(found.passed_over.len(), 1, "{found:?}");
    assert_eq!(everything(back.as_ref()).await.len(), 2);
    let part = ObjectName::new(&found.head.parts[0].object).unwrap();
    stores.objects.delete(&[part]).await.unwrap();
    assert!(put_back(&stores.objects, memory().as_ref(), &keys()).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn an_empty_store_is_filled_and_a_cluster_only_at_the_end() {
    let from = memory();
    put(from.as_ref(), keys().cluster(), encode(cluster())).await;
    put(from.as_ref(), "alluvium/topics/a".into(), "t".into()).await;
    let to = memory();
    let target = Target::new(Arc::clone(&to), keys());
    assert_eq!(target.look().await.unwrap(), Found::Empty);
    assert_eq!(target.fill(from.as_ref(), &recovery()).await.unwrap(), 1);
    assert!(matches!(target.look().await.unwrap(), Found::Begun(_)));
    target.finish(Cluster { generation: 5, ..cluster() }, &recovery()).await.unwrap();
    assert!(matches!(target.look().await.unwrap(), Found::Taken(_)));
    let held: Vec<_> = everything(to.as_ref()).await.into_iter().map(|(key, _)| key).collect();
    assert_eq!(held, ["alluvium/cluster", "alluvium/topics/a"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_killed_attempt_left_is_cleared_and_done_again() {
    let (from, to) = (memory(), memory());
    put(from.as_ref(), "alluvium/topics/a".into(), "t".into()).await;
    let target = Target::new(Arc::clone(&to), keys());
    target.fill(from.as_ref(), &recovery()).await.unwrap();
    for left in ["alluvium/commits/b", "alluvium/topics/b"] {
        put(to.as_ref(), left.into(), "left".into()).await;
    }
    target.fill(from.as_ref(), &recovery()).await.unwrap();
    let held: Vec<_> = everything(to.as_ref()).await.into_iter().map(|(key, _)| key).collect();
    assert_eq!(held, ["alluvium/recovery", "alluvium/topics/a"]);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_not_empty_is_not_touched() {
    let (from, to) = (memory(), memory());
    put(to.as_ref(), "alluvium/topics/b".into(), "theirs".into()).await;
    let target = Target::new(Arc::clone(&to), keys());
    assert!(target.fill(from.as_ref(), &recovery()).await.is_err());
    assert!(target.finish(cluster(), &recovery()).await.is_err());
    assert_eq!(everything(to.as_ref()).await.len(), 1);
}
