//! A local directory as a store: what is refused at the start, what a crash leaves.

use runtime::{Clock, Randomness};
use std::{fs, path::Path};
use storage::{ObjectError, ObjectErrorKind, ObjectName, Objects, ObjectsOptions, Verdict};

fn open(root: &Path) -> Result<Objects, ObjectError> {
    let options = ObjectsOptions::new(format!("file://{}", root.display()));
    Objects::open(&options, Clock::system(), Randomness::system())
}

fn refused(root: &Path) -> ObjectError {
    let error = open(root).expect_err("refused");
    assert!(error.reason.contains(&root.display().to_string()), "{error}");
    error
}

#[test]
fn a_directory_that_cannot_be_is_refused_by_name() {
    let parent = tempfile::tempdir().expect("directory");
    let file = parent.path().join("file");
    fs::write(&file, "x").expect("file");
    assert!(refused(&file).reason.contains("not a directory"));
    let orphan = parent.path().join("missing/objects");
    assert!(refused(&orphan).reason.contains("no parent directory"));
}

/// `/sys` refuses writes even to root, as a read-only volume does.
#[test]
fn a_directory_that_cannot_be_written_is_refused() {
    for root in ["/sys", "/sys/alluvium"] {
        let error = refused(Path::new(root));
        assert_eq!(error.kind, ObjectErrorKind::Denied, "{error}");
        assert!(error.reason.contains("make it writable"), "{error}");
    }
}

#[test]
fn urls_that_mean_nothing_are_refused() {
    for url in ["", "objects", "file://host/dir", "ftp://a/b"] {
        let options = ObjectsOptions::new(url);
        let outcome = Objects::open(&options, Clock::system(), Randomness::system());
        assert_eq!(outcome.expect_err(url).kind, ObjectErrorKind::Invalid);
    }
}

#[tokio::test]
async fn what_a_crash_left_is_not_listed_and_can_be_removed() {
    let parent = tempfile::tempdir().expect("directory");
    let root = parent.path().join("objects");
    let objects = open(&root).expect("open");
    let name = ObjectName::new("a/b").expect("name");
    objects.put(&name, vec!["x".into()]).await.expect("put");
    fs::write(root.join("a/c#1"), "half").expect("left over");
    assert_eq!(objects.list("").await.expect("list").len(), 1);
    assert_eq!(objects.abort_uploads(0).await.expect("too young"), 0);
    assert_eq!(objects.abort_uploads(i64::from(u32::MAX) * 1000).await.expect("aborted"), 1);
    assert_eq!(objects.get(&name).await.expect("kept"), "x");
    assert!(!root.join("a/c#1").exists());
}

#[tokio::test]
async fn a_volume_that_went_away_does_not_look_empty() {
    let parent = tempfile::tempdir().expect("directory");
    let root = parent.path().join("objects");
    let objects = open(&root).expect("open");
    let name = ObjectName::new("a/b").expect("name");
    objects.put(&name, vec!["x".into()]).await.expect("put");
    fs::remove_dir_all(&root).expect("gone");
    assert_eq!(objects.get(&name).await.expect_err("get").kind, ObjectErrorKind::Denied);
    assert_eq!(objects.list("").await.expect_err("list").kind, ObjectErrorKind::Denied);
    let put = objects.put(&name, vec!["x".into()]).await;
    assert_eq!(put.expect_err("put").kind, ObjectErrorKind::Denied);
    assert!(!root.exists());
}

#[tokio::test]
async fn a_sound_directory_passes_the_probe_and_is_left_clean() {
    let parent = tempfile::tempdir().expect("directory");
    let objects = open(&parent.path().join("objects")).expect("open");
    let report = objects.probe().await.expect("probe");
    assert_eq!(report.verdict(), Verdict::Ok, "{report:?}");
    assert!(objects.list("").await.expect("list").is_empty());
}
