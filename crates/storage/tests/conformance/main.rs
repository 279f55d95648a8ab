//! One specification, every store.

mod suite;

use runtime::{Clock, Randomness};
use std::{net::TcpStream, process::Command};
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

/// With a sidecar directory for metadata: without any it ignores If-None-Match.
#[tokio::test]
async fn versitygw_conforms() {
    let directory = tempfile::tempdir().expect("directory");
    let (data, sidecar) = (directory.path().join("data"), directory.path().join("sidecar"));
    std::fs::create_dir_all(data.join("alluvium")).expect("bucket");
    std::fs::create_dir_all(&sidecar).expect("sidecar");
    let port = services::free_port().expect("port");
    let mut command = Command::new(services::Tool::Versitygw.path().expect("versitygw"));
    command.args(["--access", "key", "--secret", "secret", "--port", &format!("127.0.0.1:{port}")]);
    command.arg("posix").arg("--sidecar").args([&sidecar, &data]);
    let log = directory.path().join("log");
    let mut process = services::Process::start("versitygw", &mut command, &log).expect("start");
    process.wait_until_ready(|| TcpStream::connect(("127.0.0.1", port)).is_ok()).expect("ready");
    let options = ObjectsOptions {
        endpoint: Some(format!("http://127.0.0.1:{port}")),
        credentials: Some(("key".into(), "secret".into())),
        ..ObjectsOptions::new("s3://alluvium/prefix")
    };
    suite::all(&open(&options)).await;
}
