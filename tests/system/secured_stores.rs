//! A broker whose etcd and object store speak TLS by an authority of their own.

use crate::harness::{
    Authority, Broker,
    programs::{create_topic, run, text},
};
use services::{Purpose, SecuredEtcd, SecuredMinio, free_port};
use std::{fs, path::Path, process::Command, time::Duration};

/// Starts both, and answers the arguments of a broker that is to use them.
fn start(directory: &Path, authority: &Authority) -> (SecuredEtcd, SecuredMinio, Vec<String>) {
    let (etcd, minio) = (directory.join("etcd"), directory.join("minio"));
    for place in [&etcd, &minio] {
        fs::create_dir_all(place).unwrap();
        fs::copy(authority.certificate(), place.join("authority.pem")).unwrap();
        fs::copy(authority.issue("server"), place.join("server.pem")).unwrap();
    }
    let (etcd_port, minio_port) = (free_port().unwrap(), free_port().unwrap());
    let etcd = SecuredEtcd::start_in(Purpose::Test, &etcd, etcd_port).unwrap();
    let minio = SecuredMinio::start_in(Purpose::Test, &minio, minio_port).unwrap();
    let local = directory.join("local");
    let arguments = [
        ("--data-dir", local.display().to_string()),
        ("--wal-dir", local.join("wal").display().to_string()),
        ("--metadata", format!("etcds://localhost:{etcd_port}")),
        ("--object-store", "s3://alluvium/test".to_owned()),
        ("--object-store-endpoint", format!("https://localhost:{minio_port}")),
        ("--broker-id", "1".to_owned()),
    ];
    let arguments = arguments.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]);
    (etcd, minio, arguments.collect())
}

fn environment() -> Vec<(String, String)> {
    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
        .map(|name| (name.to_owned(), "minioadmin".to_owned()))
        .to_vec()
}

fn with(arguments: &[String], settings: &[(&str, &str)]) -> Vec<String> {
    let set =
        settings.iter().flat_map(|(key, value)| ["--set".to_owned(), format!("{key}={value}")]);
    arguments.iter().cloned().chain(set).collect()
}

#[test]
fn a_broker_lives_on_an_etcd_and_an_object_store_over_tls() {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new(&directory.path().join("keys"));
    let (_etcd, _minio, arguments) = start(directory.path(), &authority);
    let (trusted, own) = (authority.certificate(), authority.issue("broker"));
    let complete = [
        ("etcd.ssl.ca.location", trusted.as_str()),
        ("etcd.ssl.certificate.location", &own),
        ("etcd.ssl.key.location", &own),
        ("object.store.ssl.ca.location", &trusted),
    ];
    let mut broker = Broker::start(directory.path(), &with(&arguments, &complete), &environment());
    create_topic(&broker.address(), "t", 1, &[]);
    let kcat = |arguments: &[&str]| {
        let mut kcat = Command::new("kcat");
        kcat.args(["-b", &broker.address(), "-t", "t", "-p", "0"]).args(arguments);
        kcat
    };
    run(&mut kcat(&["-P", "-X", "acks=all"]), b"hello\n");
    let read = run(&mut kcat(&["-C", "-o", "beginning", "-e", "-q"]), b"");
    assert_eq!(text(&read.stdout), "hello\n");
    assert!(!broker.log().contains("PRIVATE KEY"));
    broker.kill();

    // What is missing or does not fit is told by its setting, and stops the start.
    for (settings, told) in [
        (&complete[3..], "needs etcd.ssl.ca.location"),
        (&complete[1..], "needs etcd.ssl.ca.location"),
        (&[complete[0], complete[1], complete[3]][..], "etcd.ssl.key.location belong together"),
        (&[complete[0], ("etcd.username", "a")][..], "etcd.username and etcd.password belong"),
        (&[("etcd.ssl.ca.location", "/nowhere.pem")][..], "etcd.ssl.ca.location /nowhere.pem"),
        (
            &[("object.store.ssl.ca.location", "/nowhere.pem")][..],
            "object.store.ssl.ca.location /nowhere.pem",
        ),
    ] {
        let arguments = with(&arguments, settings);
        let mut broker = Broker::launch(directory.path(), &arguments, &environment());
        let (ended, log) = broker.wait_for_exit(Duration::from_secs(20));
        assert!(ended && log.contains(told), "{told}: {log}");
    }
}
