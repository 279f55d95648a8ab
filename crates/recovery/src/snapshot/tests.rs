//! The keeper on a store in memory.

use super::SnapshotKeeper;
use crate::Stores;
use formats::{
    metadata::{Cluster, CommitHead, LastSnapshot, Session},
    snapshot::{SnapshotEntry, decode_head, decode_part},
};
use metadata::{
    MemoryStore, Operation, RangeQuery, Transaction,
    families::{Keys, decode, encode},
};
use model::{BrokerId, SessionId};
use runtime::{Clock, Randomness};
use std::{sync::Arc, time::Duration};
use storage::{Fault, FaultPlan, ObjectName, Objects};

async fn stores() -> Stores {
    let clock = Clock::simulated(1_000);
    let stores = Stores {
        metadata: Arc::new(MemoryStore::new(clock.clone())),
        keys: Keys::new("alluvium/"),
        objects: Objects::memory(),
        clock,
        randomness: Randomness::seeded(1),
    };
    let cluster = Cluster { cluster_id: "c".into(), generation: 4, ..Cluster::default() };
    put(&stores, stores.keys.cluster(), encode(cluster)).await;
    stores
}

async fn put(stores: &Stores, key: bytes::Bytes, value: bytes::Bytes) {
    let then = vec![Operation::put(key, value)];
    stores.metadata.transact(Transaction { then, ..Transaction::default() }).await.unwrap();
}

fn session(byte: u8) -> SessionId {
    SessionId::from_bytes([byte; 16])
}

async fn commit(stores: &Stores, byte: u8, seq: u64) {
    let head = CommitHead { seq, ..CommitHead::default() };
    put(stores, stores.keys.commit_head(session(byte)), encode(head)).await;
}

async fn note(stores: &Stores) -> LastSnapshot {
    let query = RangeQuery::key(stores.keys.last_snapshot());
    decode(&stores.metadata.range(query).await.unwrap().entries[0]).unwrap()
}

/// What the newest snapshot holds.
async fn entries(stores: &Stores) -> Vec<SnapshotEntry> {
    let object = ObjectName::new(&note(stores).await.object).unwrap();
    let head = decode_head(&stores.objects.get(&object).await.unwrap()).unwrap();
    assert_eq!((head.cluster_id.as_str(), head.generation), ("c", 4));
    let mut entries = Vec::new();
    for part in head.parts {
        let name = ObjectName::new(&part.object).unwrap();
        let bytes = stores.objects.get(&name).await.unwrap();
        assert_eq!(bytes.len() as u64, part.size);
        let read = decode_part(&bytes).unwrap();
        assert_eq!(read.len() as u64, part.entries);
        entries.extend(read);
    }
    entries
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_has_everything_but_what_is_of_the_moment() {
    let stores = stores().await;
    commit(&stores, 1, 7).await;
    let broker = BrokerId::new(3).unwrap();
    put(&stores, stores.keys.session(broker), encode(Session::default())).await;
    assert!(SnapshotKeeper::new(stores.clone()).write_if_changed().await.unwrap());
    let names: Vec<_> = entries(&stores).await.into_iter().map(|it| it.key).collect();
    assert_eq!(names, ["cluster".to_owned(), format!("commit_head/{}", session(1))]);
}

#[tokio::test(start_paused = true)]
async fn an_idle_cluster_costs_no_request_of_the_object_store() {
    let stores = stores().await;
    let mut keeper = SnapshotKeeper::new(stores.clone());
    assert!(keeper.write_if_changed().await.unwrap());
    let sent = stores.objects.request_counts();
    for _ in 0..3 {
        assert!(!keeper.write_if_changed().await.unwrap());
        assert!(!SnapshotKeeper::new(stores.clone()).write_if_changed().await.unwrap());
    }
    assert_eq!(stores.objects.request_counts(), sent);
}

#[tokio::test(start_paused = true)]
async fn what_another_cluster_does_in_the_same_store_is_no_change() {
    let stores = stores().await;
    let mut keeper = SnapshotKeeper::new(stores.clone());
    keeper.write_if_changed().await.unwrap();
    put(&stores, "other/key".into(), "value".into()).await;
    assert!(!keeper.write_if_changed().await.unwrap());
    commit(&stores, 1, 1).await;
    assert!(keeper.write_if_changed().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn only_the_last_snapshots_stay() {
    let stores = stores().await;
    let mut keeper = SnapshotKeeper::new(stores.clone());
    for seq in 1..=5 {
        commit(&stores, 1, seq).await;
        assert!(keeper.write_if_changed().await.unwrap());
    }
    let there = stores.objects.list("snapshot/").await.unwrap();
    assert_eq!(there.len(), 6, "a head and a part of three snapshots: {there:?}");
    assert_eq!(entries(&stores).await.len(), 2);
    // A keeper that begins anew finds what its predecessor left.
    commit(&stores, 1, 6).await;
    SnapshotKeeper::new(stores.clone()).write_if_changed().await.unwrap();
    assert_eq!(stores.objects.list("snapshot/").await.unwrap().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_large_store_is_read_in_pages_at_one_revision_and_written_in_parts() {
    let stores = stores().await;
    let value = bytes::Bytes::from(vec![7; 8 << 10]);
    for number in 0..1_200_u32 {
        put(&stores, format!("alluvium/topics/{number:06}").into(), value.clone()).await;
    }
    SnapshotKeeper::new(stores.clone()).write_if_changed().await.unwrap();
    assert_eq!(entries(&stores).await.len(), 1_201);
    assert_eq!(stores.objects.list("snapshot/").await.unwrap().len(), 3, "two parts and a head");
}

#[tokio::test(start_paused = true)]
async fn a_change_of_topics_does_not_wait_for_its_time() {
    let stores = stores().await;
    let tasks = runtime::Tasks::new();
    let keeping = SnapshotKeeper::new(stores.clone()).keep(
        Duration::from_secs(3_600),
        || true,
        tasks.shutdown(),
    );
    tasks.spawn("keeper", keeping);
    let has = async |name: &str| entries(&stores).await.iter().any(|it| it.key == name);
    tokio::time::sleep(Duration::from_secs(1)).await;
    put(&stores, stores.keys.topics(), "a topic".into()).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(has("topics/").await);
    // What coordinators write waits for the interval, and so does nothing else.
    commit(&stores, 1, 1).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(!has(&format!("commit_head/{}", session(1))).await);
    tasks.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn objects_stay_from_before_the_first_snapshot_is_read() {
    let stores = stores().await;
    let plan = FaultPlan::new(Randomness::seeded(2));
    plan.fail_always(storage::Operation::Put, Fault::Unavailable);
    let broken = Stores { objects: stores.objects.with_faults(plan), ..stores.clone() };
    assert!(SnapshotKeeper::new(broken).write_if_changed().await.is_err());
    let noted = note(&stores).await;
    assert_eq!((noted.revision, noted.object.as_str()), (0, ""));
    assert!(SnapshotKeeper::new(stores.clone()).write_if_changed().await.unwrap());
    assert_eq!(note(&stores).await.revision, 2, "the note is older than what was read");
}
