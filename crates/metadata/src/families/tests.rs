//! Keys read back, values that must not be read, and what a commit's answer means.

use super::*;
use crate::{
    Compare, Entry, MemoryStore, MetadataError, MetadataStore, Operation, RangeQuery, Revision,
    Transaction,
};
use bytes::Bytes;
use formats::metadata::{AccessRule, Commit, CommitHead, Owner, Session};
use model::{BrokerId, PartitionId, PartitionIndex, SessionId, TopicId, TopicName};
use runtime::Clock;

fn keys() -> Keys {
    Keys::new("alluvium/prod/")
}

fn session() -> SessionId {
    SessionId::from_random_bytes([7; 16])
}

fn broker() -> BrokerId {
    BrokerId::new(3).unwrap()
}

fn entry(value: impl Into<Bytes>) -> Entry {
    Entry {
        key: Bytes::from_static(b"alluvium/prod/owners/x"),
        value: value.into(),
        create_revision: Revision(1),
        mod_revision: Revision(1),
        version: 1,
        lease: None,
    }
}

#[test]
fn every_key_reads_back() {
    let keys = keys();
    let topic = TopicId::from_random_bytes([9; 16]);
    let partition = PartitionId { topic, partition: PartitionIndex::new(12).unwrap() };
    let name = TopicName::new("orders.v1").unwrap();
    let id = uuid::Uuid::from_bytes([5; 16]);
    assert_eq!(keys.parse_session(&keys.session(broker())), Some(broker()));
    assert_eq!(keys.parse_broker(&keys.broker(broker())), Some(broker()));
    assert_eq!(keys.parse_registration(&keys.registration(broker())), Some(broker()));
    assert_eq!(keys.parse_topic(&keys.topic(topic)), Some(topic));
    assert_eq!(keys.parse_topic_name(&keys.topic_name(&name)), Some(name));
    assert_eq!(keys.parse_deleted_topic(&keys.deleted_topic(topic)), Some(topic));
    assert_eq!(keys.parse_owner(&keys.owner(partition)), Some(partition));
    assert_eq!(keys.parse_manifest(&keys.manifest(partition)), Some(partition));
    assert_eq!(keys.parse_move(&keys.moving(partition)), Some(partition));
    assert_eq!(keys.parse_commit(&keys.commit(session(), 41)), Some((session(), 41)));
    assert_eq!(keys.parse_commit_head(&keys.commit_head(session())), Some(session()));
    assert_eq!(keys.parse_index(&keys.index(session(), 2, 65)), Some((session(), 2, 65)));
    assert_eq!(keys.parse_garbage(&keys.garbage(id)), Some(id));
    let rule = AccessRule { name: "a/b".to_owned(), host: "*".to_owned(), ..AccessRule::default() };
    let literal = AccessRule { operation: 3, ..rule.clone() };
    assert_ne!(keys.parse_acl(&keys.acl(&rule)), keys.parse_acl(&keys.acl(&literal)));
    assert!(keys.acl(&rule).starts_with(&keys.all_acls()));
    for group in ["readers", "", "a/b %/é", "%", "..", "G-1_x"] {
        assert_eq!(keys.parse_group(&keys.group(7, group)).as_deref(), Some(group));
        let member = keys.group_member(7, group, "a/b");
        assert!(member.starts_with(&keys.members_of_group(7, group)));
        assert!(member.starts_with(&keys.members_of_slot(7)));
        assert_eq!(keys.parse_group_member(&member), Some((group.to_owned(), "a/b".to_owned())));
        let offsets = keys.group_offsets(7, group, topic, 3);
        assert!(offsets.starts_with(&keys.offsets_of_group(7, group)));
        assert!(offsets.starts_with(&keys.offsets_of_slot(7)));
        assert_eq!(keys.parse_group_offsets(&offsets), Some((group.to_owned(), topic, 3)));
    }
    for resource in [
        ConfigResource::Topic(topic),
        ConfigResource::Broker(broker()),
        ConfigResource::ClusterDefault,
    ] {
        assert_eq!(keys.parse_configs(&keys.configs(resource)), Some(resource));
    }
}

#[test]
fn keys_of_another_family_or_cluster_are_not_read() {
    let other = Keys::new("alluvium/test/");
    assert_eq!(keys().parse_session(&other.session(broker())), None);
    assert_eq!(keys().parse_session(&keys().broker(broker())), None);
    assert_eq!(keys().parse_session(b"alluvium/prod/sessions/3"), None);
    assert_eq!(keys().parse_commit(&keys().commits(session())), None);
}

#[test]
fn families_lie_below_their_prefixes_and_apart() {
    let keys = keys();
    assert!(keys.commit(session(), 1).starts_with(&keys.commits(session())));
    assert!(!keys.commit_head(session()).starts_with(&keys.all_commits()));
    assert!(!keys.registrations_bump().starts_with(&keys.registrations()));
    let name = TopicName::new("a").unwrap();
    assert!(!keys.topic_name(&name).starts_with(&keys.topics()));
}

#[test]
fn a_snapshot_has_what_outlives_the_store_and_calls_it_by_its_own_name() {
    let keys = keys();
    let kept = keys.commit_head(session());
    let name = keys.snapshot_name(&kept).unwrap();
    assert!(name.starts_with(b"commit_head/"));
    assert_eq!(keys.of_snapshot(name), kept);
    for passing in [keys.session(broker()), keys.controller(), keys.last_snapshot()] {
        assert_eq!(keys.snapshot_name(&passing), None);
    }
    assert_eq!(keys.snapshot_name(b"alluvium/test/cluster"), None, "another cluster's");
}

#[test]
fn commits_lie_in_the_order_of_their_numbers() {
    let key = |seq| keys().commit(session(), seq);
    assert!(key(9) < key(10) && key(10) < key(u64::MAX));
}

#[test]
fn a_value_of_a_later_format_is_damaged_and_names_its_key() {
    for format in [0, 2] {
        let value = prost::Message::encode_to_vec(&CommitHead { format, seq: 3, swept: false });
        let error = decode::<CommitHead>(&entry(value)).unwrap_err();
        assert!(matches!(error, MetadataError::Damaged { key, .. } if key.contains("owners/x")));
    }
    assert!(decode::<CommitHead>(&entry(&b"\xFF\xFF"[..])).is_err());
}

#[test]
fn an_owner_record_that_says_nonsense_is_damaged() {
    let good = Owner {
        session: Bytes::from_static(&[1; 16]),
        wal_id: Bytes::from_static(&[2; 16]),
        leader_epoch: 5,
        since_epoch: 5,
        mode: 1,
        ..Owner::default()
    };
    assert_eq!(decode::<Owner>(&entry(encode(good.clone()))).unwrap().leader_epoch, 5);
    for bad in [
        Owner { session: Bytes::new(), ..good.clone() },
        Owner { leader_epoch: u32::MAX, ..good.clone() },
        Owner { since_epoch: 6, ..good.clone() },
        Owner { mode: 0, ..good.clone() },
        Owner { mode: 9, ..good },
    ] {
        assert!(decode::<Owner>(&entry(encode(bad))).is_err());
    }
}

/// A store with a registered session, its head at 0.
async fn registered() -> (MemoryStore, Revision) {
    let store = MemoryStore::new(Clock::simulated(0));
    let value = Session { id: Bytes::copy_from_slice(session().as_bytes()), ..Session::default() };
    let register = Transaction {
        then: vec![
            Operation::put(keys().session(broker()), encode(value)),
            Operation::put(keys().commit_head(session()), encode(CommitHead::default())),
        ],
        ..Transaction::default()
    };
    let revision = store.transact(register).await.unwrap().revision;
    (store, revision)
}

fn attempt(session_create_revision: Revision, seq: u64, object: &str) -> CommitAttempt {
    let commit = Commit { object: object.to_owned(), ..Commit::default() };
    CommitAttempt { broker: broker(), session: session(), session_create_revision, seq, commit }
}

async fn send(store: &MemoryStore, attempt: &CommitAttempt) -> CommitOutcome {
    let outcome = store.transact(attempt.transaction(&keys())).await.unwrap();
    attempt.decide(&outcome).unwrap()
}

async fn delete(store: &MemoryStore, key: Bytes) {
    let then = vec![Operation::Delete(key)];
    store.transact(Transaction { then, ..Transaction::default() }).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_commit_sent_twice_is_committed_once() {
    let (store, session_revision) = registered().await;
    let first = attempt(session_revision, 1, "one");
    let committed = send(&store, &first).await;
    assert!(matches!(committed, CommitOutcome::Committed(_)));
    assert_eq!(send(&store, &first).await, committed);
    let entry = store.range(RangeQuery::key(keys().commit(session(), 1))).await.unwrap();
    assert_eq!(entry.entries[0].version, 1);
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_lands_late_settles_by_sending_it_again() {
    let (store, session_revision) = registered().await;
    let first = attempt(session_revision, 1, "one");
    store.faults().fail_next(crate::memory::Fault::Delayed);
    let unknown = store.transact(first.transaction(&keys())).await.unwrap_err();
    assert!(matches!(unknown, MetadataError::OutcomeUnknown(_)));
    assert!(matches!(send(&store, &first).await, CommitOutcome::Committed(_)));
    let late = store.faults().land_delayed().remove(0).unwrap();
    assert!(!late.succeeded, "the late one finds the head moved");
}

#[tokio::test(start_paused = true)]
async fn a_commit_after_its_session_ended_never_will_be() {
    let (store, session_revision) = registered().await;
    delete(&store, keys().session(broker())).await;
    let first = attempt(session_revision, 1, "one");
    assert_eq!(send(&store, &first).await, CommitOutcome::NeverWill);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_registered_anew_is_another() {
    let (store, session_revision) = registered().await;
    delete(&store, keys().session(broker())).await;
    let again = vec![Operation::put(keys().session(broker()), "another")];
    store.transact(Transaction { then: again, ..Transaction::default() }).await.unwrap();
    let first = attempt(session_revision, 1, "one");
    assert_eq!(send(&store, &first).await, CommitOutcome::NeverWill);
}

#[tokio::test(start_paused = true)]
async fn a_commit_folded_after_its_session_ended_was_committed() {
    let (store, session_revision) = registered().await;
    let first = attempt(session_revision, 1, "one");
    send(&store, &first).await;
    delete(&store, keys().session(broker())).await;
    delete(&store, keys().commit(session(), 1)).await;
    assert!(matches!(send(&store, &first).await, CommitOutcome::Committed(_)));
    delete(&store, keys().commit_head(session())).await;
    assert!(matches!(send(&store, &first).await, CommitOutcome::Bug(_)));
}

#[tokio::test(start_paused = true)]
async fn a_commit_refused_while_its_session_lives_is_a_bug() {
    let (store, session_revision) = registered().await;
    let skipped = attempt(session_revision, 2, "two");
    assert!(matches!(send(&store, &skipped).await, CommitOutcome::Bug(_)));
    send(&store, &attempt(session_revision, 1, "one")).await;
    let other = attempt(session_revision, 1, "other");
    assert!(matches!(send(&store, &other).await, CommitOutcome::Bug(_)));
}

#[test]
fn a_manifest_compares_owner_and_manifest() {
    let topic = TopicId::from_random_bytes([9; 16]);
    let partition = PartitionId { topic, partition: PartitionIndex::new(0).unwrap() };
    let manifest = formats::metadata::Manifest::default();
    let transaction = keys().manifest_transaction(partition, Revision(4), Revision(0), manifest);
    assert_eq!(
        transaction.compares,
        [
            Compare::ModRevision(keys().owner(partition), Revision(4)),
            Compare::ModRevision(keys().manifest(partition), Revision(0)),
        ]
    );
}
