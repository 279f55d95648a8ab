//! The launcher starts and stops the real programs.

use services::{Etcd, Minio, Process, Purpose, Versitygw};
use std::{process::Command, thread, time::Duration};

#[test]
fn etcd_restarts_over_its_data() {
    let mut etcd = Etcd::start().unwrap();
    let endpoint = etcd.endpoint();
    etcd.kill();
    etcd.restart().unwrap();
    assert_eq!(etcd.endpoint(), endpoint);
    assert!(etcd.process().is_running());
}

#[test]
fn minio_and_versitygw_start_beside_each_other() {
    let mut minio = Minio::start().unwrap();
    let mut versitygw = Versitygw::start().unwrap();
    assert!(minio.process().is_running());
    assert!(versitygw.process().is_running());
    minio.stop();
    assert!(!minio.process().is_running());
}

#[test]
fn a_development_service_does_not_outlive_the_thread_that_launched_it() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    let launched = thread::spawn(move || {
        let mut sleep = Command::new("sleep");
        Process::start_for(Purpose::Development, "sleep", sleep.arg("1000"), &log).unwrap()
    });
    let mut process = launched.join().unwrap();
    for _ in 0..1_000 {
        if !process.is_running() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("it lives on");
}
