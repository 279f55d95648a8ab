//! What an ended session stored and never committed is collected, and nothing else is.

use crate::{
    cluster::{BROKER, Broker, Cluster},
    records::{append_and_wait, numbered, read_all},
};
use formats::metadata::{Cluster as ClusterRecord, CommitHead};
use metadata::{MetadataStore, Operation, RangeQuery, families, memory::Fault};
use model::{SessionId, config::DurabilityMode};
use std::time::Duration;
use storage::ObjectName;

/// Longer than a few checks and delete delays.
const LONG: Duration = Duration::from_secs(2_000);

async fn stored(cluster: &Cluster, prefix: &str) -> usize {
    cluster.objects.list(prefix).await.expect("a list").len()
}

async fn head(cluster: &Cluster, session: SessionId) -> CommitHead {
    let key = RangeQuery::key(cluster.keys.commit_head(session));
    let found = cluster.store.range(key).await.expect("a store");
    families::decode(found.entries.first().expect("an entry")).expect("a head")
}

/// A segment of `session` that nobody committed.
async fn put_segment(cluster: &Cluster, session: SessionId, seq: u64) -> ObjectName {
    let name = format!("data/7f/{session}/{seq:020}-0123456789abcdef");
    let name = ObjectName::new(&name).expect("a name");
    cluster.objects.put(&name, vec!["uncommitted".into()]).await.expect("stored");
    name
}

/// A broker that is killed when a segment is stored and its commit did not get through; answers its session, and the next life.
async fn kill_between_put_and_commit(cluster: &Cluster) -> (SessionId, Broker) {
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    append_and_wait(&partition, &["a"]).await.expect("acknowledged");
    cluster.store.faults().fail_every(1, Fault::Unavailable);
    let unanswered = Box::pin(append_and_wait(&partition, &["b"]));
    assert!(tokio::time::timeout(Duration::from_secs(5), unanswered).await.is_err());
    cluster.store.faults().heal();
    let session = broker.session.id;
    broker.wal.fail("the machine is gone");
    cluster.end_session().await;
    assert_eq!(stored(cluster, "data/").await, 2);
    assert_eq!(head(cluster, session).await.seq, 1);
    broker.tasks.shut_down().await;
    (session, cluster.start_as(BROKER).await)
}

#[tokio::test(start_paused = true)]
async fn a_segment_that_was_never_committed_goes_once_its_session_is_over() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let (session, broker) = kill_between_put_and_commit(&cluster).await;
    tokio::time::sleep(LONG).await;
    assert_eq!(stored(&cluster, "data/").await, 1);
    assert!(head(&cluster, session).await.swept);
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, numbered(&["a"]));
    append_and_wait(&partition, &["c"]).await.expect("acknowledged");
    assert_eq!(read_all(&partition).await, numbered(&["a", "c"]));
    assert!(!head(&cluster, broker.session.id).await.swept);
}

#[tokio::test(start_paused = true)]
async fn an_index_object_that_was_never_swapped_in_goes_once_its_session_is_over() {
    let mut cluster = Cluster::new(DurabilityMode::Object);
    cluster.options.gather = None;
    cluster.options.fold_fan_in = 2;
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    for value in ["a", "b"] {
        append_and_wait(&partition, &[value]).await.expect("acknowledged");
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    append_and_wait(&partition, &["c"]).await.expect("acknowledged");
    // The fourth commit passes, its fold does not.
    cluster.store.faults().plan([None]);
    cluster.store.faults().fail_every(1, Fault::Unavailable);
    append_and_wait(&partition, &["d"]).await.expect("acknowledged");
    tokio::time::sleep(Duration::from_secs(1)).await;
    cluster.store.faults().heal();
    cluster.end_session().await;
    assert_eq!(stored(&cluster, "index/").await, 2);
    let broker = cluster.restart_without_disk(broker).await;
    tokio::time::sleep(LONG).await;
    assert_eq!(stored(&cluster, "index/").await, 1);
    assert_eq!(stored(&cluster, "data/").await, 4);
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert_eq!(read_all(&partition).await, numbered(&["a", "b", "c", "d"]));
}

#[tokio::test(start_paused = true)]
async fn what_a_lasting_session_has_under_way_stays() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let broker = cluster.start().await;
    put_segment(&cluster, broker.session.id, 1).await;
    tokio::time::sleep(LONG).await;
    assert_eq!(stored(&cluster, "data/").await, 1);
}

/// A metadata store that was put back from a backup looks like this: what is there may be all that is left of acknowledged records.
#[tokio::test(start_paused = true)]
async fn nothing_of_a_session_goes_whose_segments_are_beyond_what_it_can_have_had_under_way() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let (session, broker) = kill_between_put_and_commit(&cluster).await;
    let far = put_segment(&cluster, session, 1 + 67).await;
    tokio::time::sleep(LONG).await;
    assert_eq!(stored(&cluster, "data/").await, 3);
    assert!(!head(&cluster, session).await.swept);
    // Others are looked through all the same; after a restart it is as before.
    cluster.objects.delete(&[far]).await.expect("deleted");
    tokio::time::sleep(LONG).await;
    assert_eq!(stored(&cluster, "data/").await, 2);
    let _broker = cluster.restart_without_disk(broker).await;
    tokio::time::sleep(LONG).await;
    assert_eq!(stored(&cluster, "data/").await, 1);
}

#[tokio::test(start_paused = true)]
async fn sessions_from_before_a_recovery_keep_everything() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let (session, _broker) = kill_between_put_and_commit(&cluster).await;
    // A recovery writes it last, after all heads.
    let record = families::encode(ClusterRecord::default());
    cluster.transact(vec![Operation::put(cluster.keys.cluster(), record)]).await;
    tokio::time::sleep(LONG).await;
    assert_eq!(stored(&cluster, "data/").await, 2);
    assert!(!head(&cluster, session).await.swept);
}
