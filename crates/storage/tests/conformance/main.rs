//! One specification, every store.

mod suite;

use runtime::{Clock, Randomness};
use storage::{Objects, ObjectsOptions};

fn open(options: &ObjectsOptions) -> Objects {
    Objects::open(options, Clock::system(), Randomness::system()).expect("open")
}

#[tokio::test]
async fn a_directory_conforms() {
    let directory = tempfile::tempdir().expect("directory");
    let root = directory.path().join("objects");
    suite::all(&open(&ObjectsOptions::new(format!("file://{}", root.display())))).await;
}

#[tokio::test]
async fn memory_conforms() {
    suite::all(&open(&ObjectsOptions::new("memory://"))).await;
    suite::all(&Objects::memory()).await;
}

#[tokio::test]
async fn minio_conforms() {
    let minio = services::Minio::start().expect("minio");
    let options = ObjectsOptions {
        endpoint: Some(minio.endpoint()),
        credentials: Some((minio.access_key().into(), minio.secret_key().into())),
        ..ObjectsOptions::new("s3://alluvium/a/prefix")
    };
    suite::all(&open(&options)).await;
    suite::all(&open(&ObjectsOptions { url: "s3://alluvium".into(), ..options })).await;
}

#[tokio::test]
async fn versitygw_conforms() {
    let versitygw = services::Versitygw::start().expect("versitygw");
    let options = ObjectsOptions {
        endpoint: Some(versitygw.endpoint()),
        credentials: Some((versitygw.access_key().into(), versitygw.secret_key().into())),
        ..ObjectsOptions::new("s3://alluvium/prefix")
    };
    suite::all(&open(&options)).await;
}
