//! Checking what is stored: damage of every kind is found and named, and nothing else is.

use crate::{
    cluster::{Broker, Cluster},
    records::{append_and_wait, read_all},
};
use bytes::Bytes;
use formats::{
    metadata::{Commit, Topic},
    segment::Footer,
};
use metadata::{Entry, MetadataStore, Operation, RangeQuery, families};
use model::{Offset, SessionId, config::DurabilityMode};
use partition_log::{
    GatherOptions, Partition, Stores,
    fsck::{self, Depth, Event, Finding, FindingKind, Options, Summary, Verified},
};
use std::time::Duration;
use storage::ObjectName;

/// So late that everything is older than any grace.
const LATE: i64 = i64::MAX / 2;

/// Long enough for garbage to be noted and deleted.
const LONG: Duration = Duration::from_secs(1_000);

const GRACE: Duration = Duration::from_secs(3_600);

/// What a check finds, and its summary.
async fn check_at(cluster: &Cluster, depth: Depth, now_unix_ms: i64) -> (Vec<Finding>, Summary) {
    let stores = Stores {
        metadata: std::sync::Arc::new(cluster.store.clone()),
        keys: cluster.keys.clone(),
        objects: cluster.objects.clone(),
    };
    let mut findings = Vec::new();
    let report = |event| {
        if let Event::Finding(finding) = event {
            findings.push(finding);
        }
    };
    let options = Options { depth, grace: GRACE, now_unix_ms, verified: Verified::default() };
    let summary = fsck::check(&stores, options, report).await.expect("stores that answer");
    assert_eq!(summary.findings, findings.len() as u64);
    (findings, summary)
}

/// What is found when every batch is read, long after.
pub(crate) async fn check_batches(cluster: &Cluster) -> Vec<Finding> {
    check_at(cluster, Depth::Batches, LATE).await.0
}

async fn check(cluster: &Cluster) -> Vec<Finding> {
    check_at(cluster, Depth::Footers, LATE).await.0
}

/// A cluster whose topic metadata knows, with a broker and its partition 0.
async fn start(cluster: &Cluster) -> (Broker, Partition) {
    let topic = Topic {
        id: Bytes::copy_from_slice(cluster.topic.as_bytes()),
        name: "orders".to_owned(),
        partitions: 2,
        ..Topic::default()
    };
    let put = Operation::put(cluster.keys.topic(cluster.topic), families::encode(topic));
    cluster.transact(vec![put]).await;
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    (broker, partition)
}

async fn append(partition: &Partition, count: usize) {
    for number in 0..count {
        append_and_wait(partition, &[&number.to_string()]).await.expect("acknowledged");
    }
}

/// Three commits of one record each, offsets 0 to 2.
async fn three_commits() -> (Cluster, Broker) {
    let cluster = Cluster::new(DurabilityMode::Object);
    let (broker, partition) = start(&cluster).await;
    append(&partition, 3).await;
    assert_eq!(check(&cluster).await, []);
    (cluster, broker)
}

async fn commit(cluster: &Cluster, session: SessionId, seq: u64) -> (Entry, Commit) {
    let key = cluster.keys.commit(session, seq);
    let found = cluster.store.range(RangeQuery::key(key)).await.expect("a store");
    let entry = found.entries.into_iter().next().expect("a commit");
    let commit = families::decode(&entry).expect("a commit");
    (entry, commit)
}

/// The object of the second commit, which holds offset 1.
async fn second_segment(cluster: &Cluster, broker: &Broker) -> ObjectName {
    let (_, commit) = commit(cluster, broker.session.id, 2).await;
    ObjectName::new(&commit.object).expect("a name")
}

async fn change(cluster: &Cluster, object: &ObjectName, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = cluster.objects.get(object).await.expect("an object").to_vec();
    change(&mut bytes);
    cluster.objects.put(object, vec![bytes.into()]).await.expect("a put");
}

async fn only_object(cluster: &Cluster, prefix: &str, suffix: &str) -> ObjectName {
    let listed = cluster.objects.list(prefix).await.expect("a list");
    let mut names = listed.into_iter().map(|it| it.name);
    names.find(|name| name.as_str().ends_with(suffix)).expect("an object")
}

/// What one finding says: its kind, the offsets, the object.
fn told(finding: &Finding) -> (FindingKind, String, String) {
    let place = finding.place.as_ref().map(ToString::to_string).unwrap_or_default();
    (finding.kind, place, finding.object.clone().unwrap_or_default())
}

fn at(offsets: &str) -> String {
    format!("topic orders partition 0 offsets {offsets}")
}

#[tokio::test(start_paused = true)]
async fn what_is_whole_gives_no_findings_through_folds_merges_and_restarts() {
    let mut cluster = Cluster::new(DurabilityMode::Object);
    cluster.options.fold_fan_in = 4;
    cluster.options.merge_min_commits = Some(40);
    let (mut broker, mut partition) = start(&cluster).await;
    for _ in 0..3 {
        let other = cluster.open(&broker, 1).await.expect("open");
        append(&partition, 30).await;
        append(&other, 7).await;
        // What the openings folded anew leaves a rest behind, for garbage collection.
        tokio::time::sleep(LONG).await;
        assert_eq!(check_at(&cluster, Depth::Batches, LATE).await.0, []);
        append(&partition, 30).await;
        tokio::time::sleep(LONG).await;
        let (findings, summary) = check_at(&cluster, Depth::Batches, LATE).await;
        assert_eq!((findings, summary.partitions), (vec![], 2));
        broker = cluster.restart_without_disk(broker).await;
        partition = cluster.open(&broker, 0).await.expect("open");
    }
    assert!(cluster.manifest(0).await.merged_through > 0, "something was merged");
    assert_eq!(read_all(&partition).await.len(), 180);
}

#[tokio::test(start_paused = true)]
async fn gathered_commits_are_whole_before_and_after_their_segments_go() {
    let mut cluster = Cluster::new(DurabilityMode::Object);
    cluster.options.fold_fan_in = 4;
    cluster.options.gather = Some(GatherOptions { bytes_per_second: None, segment_bytes: 150 });
    let (_broker, partition) = start(&cluster).await;
    append(&partition, 21).await;
    for wait in [Duration::from_secs(5), LONG] {
        tokio::time::sleep(wait).await;
        let (findings, _) = check_at(&cluster, Depth::Batches, LATE).await;
        assert_eq!(findings, []);
    }
    assert!(!cluster.objects.list("gathered/").await.expect("a list").is_empty());
    assert_eq!(cluster.objects.list("data/").await.expect("a list").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_missing_segment_is_named_with_its_offsets() {
    let (cluster, broker) = three_commits().await;
    let object = second_segment(&cluster, &broker).await;
    cluster.objects.delete(std::slice::from_ref(&object)).await.expect("a delete");
    let findings = check(&cluster).await;
    let expected = (FindingKind::Missing, at("1..2"), object.to_string());
    assert_eq!(findings.iter().map(told).collect::<Vec<_>>(), [expected]);
    assert_eq!(
        findings[0].to_string(),
        format!("missing: topic orders partition 0 offsets 1..2, object {object}: it is not there")
    );
}

#[tokio::test(start_paused = true)]
async fn a_missing_segment_of_an_index_is_named_with_its_offsets() {
    let mut cluster = Cluster::new(DurabilityMode::Object);
    cluster.options.gather = None;
    cluster.options.fold_fan_in = 4;
    let (broker, partition) = start(&cluster).await;
    append(&partition, 1).await;
    let (_, first) = commit(&cluster, broker.session.id, 1).await;
    append(&partition, 20).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let object = ObjectName::new(&first.object).expect("a name");
    cluster.objects.delete(std::slice::from_ref(&object)).await.expect("a delete");
    let expected = (FindingKind::Missing, at("0..1"), object.to_string());
    assert_eq!(check(&cluster).await.iter().map(told).collect::<Vec<_>>(), [expected]);
}

#[tokio::test(start_paused = true)]
async fn a_truncated_segment_is_named() {
    let (cluster, broker) = three_commits().await;
    let object = second_segment(&cluster, &broker).await;
    change(&cluster, &object, |bytes| bytes.truncate(bytes.len() - 1)).await;
    let expected = (FindingKind::Size, at("1..2"), object.to_string());
    assert_eq!(check(&cluster).await.iter().map(told).collect::<Vec<_>>(), [expected]);
}

#[tokio::test(start_paused = true)]
async fn a_flipped_byte_of_a_footer_is_found() {
    let (cluster, broker) = three_commits().await;
    let object = second_segment(&cluster, &broker).await;
    let (_, commit) = commit(&cluster, broker.session.id, 2).await;
    change(&cluster, &object, |bytes| bytes[commit.footer_offset as usize + 40] ^= 1).await;
    let expected = (FindingKind::Damaged, at("1..2"), object.to_string());
    assert_eq!(check(&cluster).await.iter().map(told).collect::<Vec<_>>(), [expected]);
}

#[tokio::test(start_paused = true)]
async fn a_flipped_byte_of_a_batch_is_found_when_batches_are_read() {
    let (cluster, broker) = three_commits().await;
    let object = second_segment(&cluster, &broker).await;
    // Behind the segment's header and the batch's.
    change(&cluster, &object, |bytes| bytes[16 + 61 + 2] ^= 1).await;
    assert_eq!(check(&cluster).await, []);
    let (findings, summary) = check_at(&cluster, Depth::Batches, LATE).await;
    let expected = (FindingKind::Damaged, at("1..2"), object.to_string());
    assert_eq!(findings.iter().map(told).collect::<Vec<_>>(), [expected]);
    assert!(summary.bytes_read > 0);
}

/// Makes the list say that the slice of the second commit has these offsets.
async fn list_second_as(cluster: &Cluster, broker: &Broker, offsets: std::ops::Range<u64>) {
    let (entry, mut commit) = commit(cluster, broker.session.id, 2).await;
    let mut footer = Footer::decode(&commit.footer).expect("a footer");
    let slice = footer.slices.first_mut().expect("a slice");
    slice.base_offset = Offset::new(offsets.start).expect("small");
    slice.end_offset = Offset::new(offsets.end).expect("small");
    commit.footer = footer.encode().into();
    cluster.transact(vec![Operation::put(entry.key, families::encode(commit))]).await;
}

#[tokio::test(start_paused = true)]
async fn commits_that_overlap_are_found() {
    let cluster = Cluster::new(DurabilityMode::Object);
    let (broker, partition) = start(&cluster).await;
    for _ in 0..3 {
        append_and_wait(&partition, &["a", "b"]).await.expect("acknowledged");
    }
    let object = second_segment(&cluster, &broker).await;
    // Part of the third commit's offsets, and all of them.
    for offsets in [2..5, 2..6] {
        list_second_as(&cluster, &broker, offsets.clone()).await;
        let findings = check(&cluster).await;
        let listed = at(&format!("{}..{}", offsets.start, offsets.end));
        assert_eq!(told(&findings[0]), (FindingKind::Differs, listed, object.to_string()));
        assert_eq!(findings[1].kind, FindingKind::Log, "{findings:?}");
        assert_eq!(told(&findings[1]).1, "topic orders partition 0");
        assert_eq!(findings.len(), 2, "{findings:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_gap_between_commits_is_found() {
    let (cluster, broker) = three_commits().await;
    let (entry, _) = commit(&cluster, broker.session.id, 2).await;
    cluster.transact(vec![Operation::Delete(entry.key)]).await;
    let findings = check(&cluster).await;
    assert_eq!(findings.len(), 1, "its session lasts, so its object is no orphan: {findings:?}");
    assert_eq!(findings[0].kind, FindingKind::Log);
    assert!(findings[0].reason.contains("offsets 2 follow 1"), "{findings:?}");
}

#[tokio::test(start_paused = true)]
async fn an_object_that_nothing_names_is_an_orphan_once_it_is_old() {
    let (cluster, broker) = three_commits().await;
    let (entry, commit) = commit(&cluster, broker.session.id, 3).await;
    cluster.transact(vec![Operation::Delete(entry.key)]).await;
    let (findings, summary) = check_at(&cluster, Depth::Footers, LATE).await;
    assert_eq!((findings, summary.in_grace), (vec![], 1), "its session lasts");
    cluster.end_session().await;
    let (findings, summary) = check_at(&cluster, Depth::Footers, 0).await;
    assert_eq!((findings, summary.in_grace), (vec![], 1), "it is young");
    let findings = check(&cluster).await;
    let expected = (FindingKind::Orphan, String::new(), commit.object);
    assert_eq!(findings.iter().map(told).collect::<Vec<_>>(), [expected]);
}

#[tokio::test(start_paused = true)]
async fn an_object_with_a_name_of_no_broker_is_an_orphan() {
    let (cluster, _) = three_commits().await;
    let object = ObjectName::new("data/readme.txt").expect("a name");
    cluster.objects.put(&object, vec![Bytes::from_static(b"hello")]).await.expect("a put");
    let expected = (FindingKind::Orphan, String::new(), object.to_string());
    assert_eq!(check(&cluster).await.iter().map(told).collect::<Vec<_>>(), [expected]);
}

/// A cluster whose partition 0 lies in a partition segment.
async fn merged() -> Cluster {
    let mut cluster = Cluster::new(DurabilityMode::Object);
    cluster.options.merge_min_commits = Some(8);
    let (_broker, partition) = start(&cluster).await;
    append(&partition, 10).await;
    tokio::time::sleep(LONG).await;
    assert_eq!(cluster.manifest(0).await.merged_through, 10);
    assert_eq!(check(&cluster).await, []);
    cluster
}

#[tokio::test(start_paused = true)]
async fn a_missing_partition_segment_is_named() {
    let cluster = merged().await;
    let rest = only_object(&cluster, "partition/", "-rest").await;
    let objects = cluster.objects.list("partition/").await.expect("a list");
    let segment = objects.into_iter().map(|it| it.name).find(|name| *name != rest);
    let segment = segment.expect("a partition segment");
    cluster.objects.delete(std::slice::from_ref(&segment)).await.expect("a delete");
    let expected = (FindingKind::Missing, at("0..10"), segment.to_string());
    assert_eq!(check(&cluster).await.iter().map(told).collect::<Vec<_>>(), [expected]);
}

#[tokio::test(start_paused = true)]
async fn a_damaged_rest_of_a_manifest_is_named_and_what_it_named_is_no_orphan() {
    let cluster = merged().await;
    let rest = only_object(&cluster, "partition/", "-rest").await;
    change(&cluster, &rest, |bytes| bytes[3] ^= 1).await;
    let findings = check(&cluster).await;
    let kinds: Vec<_> = findings.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [FindingKind::Damaged, FindingKind::Log], "{findings:?}");
    assert_eq!(told(&findings[0]).2, rest.to_string());
}

#[tokio::test(start_paused = true)]
async fn a_damaged_index_is_named_and_what_it_named_is_no_orphan() {
    let mut cluster = Cluster::new(DurabilityMode::Object);
    cluster.options.fold_fan_in = 4;
    let (_broker, partition) = start(&cluster).await;
    append(&partition, 4).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    cluster.end_session().await;
    assert_eq!(check(&cluster).await, []);
    let index = only_object(&cluster, "index/", "").await;
    change(&cluster, &index, |bytes| bytes[50] ^= 1).await;
    let findings = check(&cluster).await;
    let first = (FindingKind::Damaged, at("0..4"), index.to_string());
    assert_eq!(told(&findings[0]), first, "{findings:?}");
    assert!(findings.iter().all(|it| it.kind != FindingKind::Orphan), "{findings:?}");
}
