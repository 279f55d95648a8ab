//! Real S3 implementations on bad days: permissions, missing buckets, a process that hangs or is gone.

use runtime::{Clock, Randomness};
use services::{Minio, UnconditionalVersitygw};
use std::time::Duration;
use storage::{ObjectError, ObjectErrorKind, ObjectName, Objects, ObjectsOptions, Verdict};

fn options(minio: &Minio, url: &str) -> ObjectsOptions {
    ObjectsOptions {
        endpoint: Some(minio.endpoint()),
        credentials: Some((minio.access_key().into(), minio.secret_key().into())),
        ..ObjectsOptions::new(url)
    }
}

fn open(options: &ObjectsOptions) -> Objects {
    Objects::open(options, Clock::system(), Randomness::system()).expect("open")
}

fn name() -> ObjectName {
    ObjectName::new("a").expect("name")
}

/// What each operation answers.
async fn errors(objects: &Objects) -> Vec<ObjectError> {
    vec![
        objects.put(&name(), vec!["x".into()]).await.expect_err("put"),
        objects.put_if_absent(&name(), "x".into()).await.expect_err("create"),
        objects.get(&name()).await.expect_err("get"),
        objects.get_range(&name(), 0..1).await.expect_err("range"),
        objects.size(&name()).await.expect_err("size"),
        objects.delete(&[name()]).await.expect_err("delete"),
        objects.list("").await.expect_err("list"),
    ]
}

#[tokio::test]
async fn minio_is_refused_counted_probed_and_outlived() {
    let minio = Minio::start().expect("minio");

    let stranger = ObjectsOptions {
        credentials: Some(("nobody".into(), "wrong-secret".into())),
        ..options(&minio, "s3://alluvium")
    };
    for error in errors(&open(&stranger)).await {
        assert_eq!(error.kind, ObjectErrorKind::Denied, "{error}");
        assert!(error.reason.contains("403"), "{error}");
    }
    let report = open(&stranger).probe().await.expect("probe");
    assert_eq!((report.verdict(), report.checks.len()), (Verdict::Fail, 1), "{report:?}");

    for error in errors(&open(&options(&minio, "s3://missing"))).await {
        assert_eq!(error.kind, ObjectErrorKind::Denied, "{error}");
        assert!(error.reason.contains("NoSuchBucket"), "{error}");
    }

    let objects = open(&options(&minio, "s3://alluvium/prefix"));
    let report = objects.probe().await.expect("probe");
    assert_eq!(report.verdict(), Verdict::Ok, "{report:?}");
    assert!(report.checks.iter().any(|check| check.name == "lifecycle"));
    assert_eq!(objects.abort_uploads(i64::MAX).await.expect("uploads"), 0);

    let before = objects.request_counts();
    objects.put(&name(), vec!["x".into()]).await.expect("put");
    assert_eq!(objects.request_counts().puts, before.puts + 1);

    let impatient = open(&ObjectsOptions {
        attempt_timeout: Duration::from_millis(300),
        call_timeout: Duration::from_secs(2),
        ..options(&minio, "s3://alluvium/prefix")
    });
    minio.pause();
    let error = impatient.get(&name()).await.expect_err("hangs");
    assert_eq!(error.kind, ObjectErrorKind::Unavailable, "{error}");
    minio.resume();
    let counts = impatient.request_counts();
    assert!(counts.gets >= 2 && counts.failures == counts.gets, "every attempt: {counts:?}");
    assert_eq!(objects.get(&name()).await.expect("resumed"), "x");
}

#[tokio::test]
async fn a_store_that_ignores_conditions_fails_the_probe() {
    let versitygw = UnconditionalVersitygw::start().expect("versitygw");
    let objects = open(&ObjectsOptions {
        endpoint: Some(versitygw.endpoint()),
        credentials: Some((versitygw.access_key().into(), versitygw.secret_key().into())),
        ..ObjectsOptions::new("s3://alluvium")
    });
    let report = objects.probe().await.expect("probe");
    let failed: Vec<&str> = report
        .checks
        .iter()
        .filter(|check| check.verdict == Verdict::Fail)
        .map(|check| check.name)
        .collect();
    assert_eq!(failed, ["conditional write"], "{report:?}");
}
