//! Leases: what ends them, and what ends with them.

use crate::subject::{Subject, cases, next};
use metadata::{Lease, MetadataError, MetadataStore, Operation};
use std::time::Duration;

/// Short, yet above the least that etcd grants, and patient with a busy machine.
const TIME_TO_LIVE: Duration = Duration::from_secs(3);

cases! {
    a_lease_that_is_revoked_takes_its_keys_at_one_revision,
    revoking_an_ended_lease_is_no_error,
    an_ended_lease_can_not_be_kept_alive,
    a_put_under_an_ended_lease_does_nothing,
    a_put_without_a_lease_frees_the_key,
    a_put_under_another_lease_moves_the_key,
    an_entry_names_its_lease,
    a_lease_without_keys_ends_without_a_revision,
    a_lease_that_is_not_kept_alive_takes_its_keys_at_one_revision,
    a_lease_that_is_kept_alive_outlives_its_time,
}

async fn grant(store: &dyn MetadataStore) -> Lease {
    let lease = store.grant_lease(TIME_TO_LIVE).await.unwrap();
    assert!(lease.time_to_live >= TIME_TO_LIVE);
    lease
}

async fn a_lease_that_is_revoked_takes_its_keys_at_one_revision(subject: Subject) {
    let lease = grant(&*subject.store).await;
    subject.put_leased("a", lease).await;
    subject.put("stays", "x").await;
    let before = subject.put_leased("b", lease).await;
    subject.store.revoke_lease(lease).await.unwrap();
    let mut watch = subject.watch(before.next()).await;
    let told = ["-a", "-b"].map(str::to_owned).to_vec();
    assert_eq!(subject.hear(&mut watch).await, (before.next(), told));
    assert!(subject.get("stays").await.is_some());
}

async fn revoking_an_ended_lease_is_no_error(subject: Subject) {
    let lease = grant(&*subject.store).await;
    subject.store.revoke_lease(lease).await.unwrap();
    subject.store.revoke_lease(lease).await.unwrap();
}

async fn an_ended_lease_can_not_be_kept_alive(subject: Subject) {
    let lease = grant(&*subject.store).await;
    subject.store.keep_alive(lease).await.unwrap();
    subject.store.keep_alive(lease).await.unwrap();
    subject.store.revoke_lease(lease).await.unwrap();
    let error = subject.store.keep_alive(lease).await.unwrap_err();
    assert!(matches!(error, MetadataError::LeaseGone), "{error}");
}

async fn a_put_under_an_ended_lease_does_nothing(subject: Subject) {
    let lease = grant(&*subject.store).await;
    subject.store.revoke_lease(lease).await.unwrap();
    let leased = Operation::Put { key: subject.key("a"), value: "x".into(), lease: Some(lease.id) };
    let then = vec![subject.put_operation("b", "x"), leased];
    let error = subject.transact(vec![], then, vec![]).await.unwrap_err();
    assert!(matches!(error, MetadataError::LeaseGone), "{error}");
    assert_eq!(subject.get("b").await, None);
}

async fn a_put_without_a_lease_frees_the_key(subject: Subject) {
    let lease = grant(&*subject.store).await;
    subject.put_leased("a", lease).await;
    subject.put("a", "free").await;
    subject.store.revoke_lease(lease).await.unwrap();
    assert_eq!(subject.get("a").await.unwrap().lease, None);
}

async fn a_put_under_another_lease_moves_the_key(subject: Subject) {
    let (one, other) = (grant(&*subject.store).await, grant(&*subject.store).await);
    assert_ne!(one.id, other.id);
    subject.put_leased("a", one).await;
    subject.put_leased("a", other).await;
    subject.store.revoke_lease(one).await.unwrap();
    assert_eq!(subject.get("a").await.unwrap().lease, Some(other.id));
    subject.store.revoke_lease(other).await.unwrap();
    assert_eq!(subject.get("a").await, None);
}

async fn an_entry_names_its_lease(subject: Subject) {
    let lease = grant(&*subject.store).await;
    let revision = subject.put_leased("a", lease).await;
    assert_eq!(subject.get("a").await.unwrap().lease, Some(lease.id));
    let mut watch = subject.watch(revision).await;
    let events = next(&mut watch).await.unwrap();
    let metadata::EventKind::Put(entry) = &events[0].kind else { panic!("it was set") };
    assert_eq!(entry.lease, Some(lease.id));
}

async fn a_lease_without_keys_ends_without_a_revision(subject: Subject) {
    let before = subject.put("a", "1").await;
    let lease = grant(&*subject.store).await;
    subject.store.revoke_lease(lease).await.unwrap();
    assert_eq!(subject.put("a", "2").await, before.next());
}

async fn a_lease_that_is_not_kept_alive_takes_its_keys_at_one_revision(subject: Subject) {
    let lease = grant(&*subject.store).await;
    subject.put_leased("a", lease).await;
    let before = subject.put_leased("b", lease).await;
    let mut watch = subject.watch(before.next()).await;
    let (_, told) = subject.hear(&mut watch).await;
    assert_eq!(told, ["-a", "-b"]);
    let error = subject.store.keep_alive(lease).await.unwrap_err();
    assert!(matches!(error, MetadataError::LeaseGone), "{error}");
}

async fn a_lease_that_is_kept_alive_outlives_its_time(subject: Subject) {
    let lease = grant(&*subject.store).await;
    let created = subject.put_leased("a", lease).await;
    for _ in 0..8 {
        tokio::time::sleep(TIME_TO_LIVE / 6).await;
        subject.store.keep_alive(lease).await.unwrap();
    }
    assert_eq!(subject.get("a").await.unwrap().create_revision, created);
}
