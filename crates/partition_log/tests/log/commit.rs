//! Commits whose outcome is unknown, late or fenced (DESIGN 4.6): nothing is lost, doubled or committed by a dead session.

use crate::{
    cluster::Cluster,
    records::{append, append_and_wait, numbered, read_all},
};
use formats::metadata::{Commit, CommitHead};
use futures::FutureExt;
use metadata::{Operation, families, memory::Fault};
use model::config::DurabilityMode;
use partition_log::{Acks, LogError};
use std::time::Duration;

async fn survives(fault: Fault) {
    let cluster = Cluster::new(DurabilityMode::Object);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    append_and_wait(&partition, &["a"]).await.expect("acknowledged");
    cluster.store.faults().fail_next(fault);
    append_and_wait(&partition, &["b"]).await.expect("acknowledged");
    cluster.store.faults().land_delayed();
    append_and_wait(&partition, &["c"]).await.expect("acknowledged");
    assert_eq!(read_all(&partition).await, numbered(&["a", "b", "c"]));
    assert_eq!(broker.logs.status().commit_seq, 3);
    let broker = cluster.restart_without_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, numbered(&["a", "b", "c"]));
}

#[tokio::test(start_paused = true)]
async fn a_commit_whose_answer_was_lost_counts_once() {
    survives(Fault::UnknownApplied).await;
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_was_lost_is_made_again() {
    survives(Fault::UnknownNotApplied).await;
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_lands_late_changes_nothing() {
    survives(Fault::Delayed).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ended_commits_nothing() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    append_and_wait(&partition, &["a"]).await.expect("acknowledged");
    cluster.end_session().await;
    let mut waiting = Box::pin(append(&partition, &["b"], Acks::All).acknowledged());
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!((&mut waiting).now_or_never().is_none());
    assert_eq!(cluster.head(broker.session.id).await, 1);
    assert!(broker.logs.flush().await.is_err());
    assert_eq!(read_all(&partition).await, numbered(&["a"]));
}

#[tokio::test(start_paused = true)]
async fn a_commit_of_a_dead_session_that_lands_late_is_refused() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    append_and_wait(&partition, &["a"]).await.expect("acknowledged");
    cluster.store.faults().fail_every(1, Fault::Delayed);
    let _waiting = append(&partition, &["b"], Acks::All);
    tokio::time::sleep(Duration::from_secs(5)).await;
    cluster.store.faults().heal();
    let broker = cluster.restart_without_disk(broker).await;
    cluster.store.faults().land_delayed();
    let partition = cluster.open(&broker, 0).await.expect("open");
    append_and_wait(&partition, &["c"]).await.expect("acknowledged");
    assert_eq!(read_all(&partition).await, numbered(&["a", "c"]));
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_metadata_contradicts_stops_all_commits_and_says_why() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    append_and_wait(&partition, &["a"]).await.expect("acknowledged");
    assert_eq!(broker.logs.halted(), None);
    // A hand in the store: the session's head goes back although the session lives.
    let head = families::encode(CommitHead { seq: 0, ..CommitHead::default() });
    let key = cluster.keys.commit_head(broker.session.id);
    cluster.transact(vec![Operation::put(key, head)]).await;
    let mut waiting = Box::pin(append(&partition, &["b"], Acks::All).acknowledged());
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!((&mut waiting).now_or_never().is_none());
    let reason = broker.logs.halted().expect("halted");
    assert!(reason.contains("refused although its session lives; head: 0"), "{reason}");
    assert!(matches!(broker.logs.flush().await, Err(LogError::Inconsistent(_))));
    assert_eq!(read_all(&partition).await, numbered(&["a"]));
}

#[tokio::test(start_paused = true)]
async fn another_object_under_the_number_of_a_commit_stops_all_commits() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    let session = broker.session.id;
    let other = Commit { object: "other".to_owned(), ..Commit::default() };
    let head = CommitHead { seq: 1, ..CommitHead::default() };
    cluster
        .transact(vec![
            Operation::put(cluster.keys.commit(session, 1), families::encode(other)),
            Operation::put(cluster.keys.commit_head(session), families::encode(head)),
        ])
        .await;
    let mut waiting = Box::pin(append(&partition, &["a"], Acks::All).acknowledged());
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!((&mut waiting).now_or_never().is_none());
    assert!(broker.logs.halted().is_some_and(|reason| reason.contains("another object")));
}
