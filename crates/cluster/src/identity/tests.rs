use super::*;

fn id(text: &str) -> ClusterId {
    ClusterId::new(text).unwrap()
}

#[expect(clippy::unnecessary_wraps, reason = "as `decide` takes it")]
fn known(text: &str, used: bool) -> Option<Remembered> {
    Some(Remembered { cluster: id(text), generation: 0, used })
}

#[expect(clippy::unnecessary_wraps, reason = "as `decide` takes it")]
fn marked(text: &str, noted: u64) -> Option<Marker> {
    Some(Marker { cluster: id(text), generation: 0, noted: Revision(noted) })
}

fn decided(
    remembered: Option<Remembered>,
    bucket: Option<Marker>,
    revision: u64,
    asked: Option<&str>,
) -> Result<Plan, ClusterError> {
    let places = Places { metadata: "etcd".to_owned(), bucket: "bucket".to_owned() };
    decide(remembered, bucket, Revision(revision), asked.map(id).as_ref(), &places)
}

fn refusal(result: Result<Plan, ClusterError>) -> String {
    match result {
        Err(ClusterError::Identity(text)) => text,
        other => panic!("not an identity error: {other:?}"),
    }
}

#[test]
fn nothing_anywhere_founds_a_cluster() {
    assert_eq!(decided(None, None, 0, None), Ok(Plan::Found));
}

#[test]
fn a_founding_that_stopped_halfway_is_finished() {
    assert_eq!(decided(known("a", false), None, 5, None), Ok(Plan::FinishFounding(id("a"), 0)));
}

#[test]
fn metadata_and_bucket_that_agree_are_used() {
    assert_eq!(decided(known("a", true), marked("a", 5), 5, Some("a")), Ok(Plan::Use(id("a"))));
}

#[test]
fn empty_metadata_beside_a_marked_bucket_names_recover() {
    assert!(refusal(decided(None, marked("a", 5), 0, None)).contains("alluvium recover"));
}

#[test]
fn a_used_cluster_whose_bucket_has_no_marker_is_refused() {
    assert!(refusal(decided(known("a", true), None, 5, None)).contains("--object-store"));
}

#[test]
fn two_clusters_on_one_prefix_are_both_named() {
    let text = refusal(decided(known("one", true), marked("two", 0), 5, None));
    assert!(text.contains("cluster one") && text.contains("cluster two"), "{text}");
}

#[test]
fn another_cluster_than_asked_for_is_refused_and_both_are_named() {
    let text = refusal(decided(known("one", true), marked("one", 0), 5, Some("two")));
    assert!(text.contains("one") && text.contains("two"), "{text}");
}

#[test]
fn a_revision_below_a_noted_one_is_an_older_backup() {
    assert!(refusal(decided(known("a", true), marked("a", 6), 5, None)).contains("older backup"));
}

#[test]
fn a_generation_that_the_bucket_does_not_have_is_refused() {
    let ahead = Marker { cluster: id("a"), generation: 1, noted: Revision(0) };
    assert!(refusal(decided(known("a", true), Some(ahead), 5, None)).contains("generation"));
}
