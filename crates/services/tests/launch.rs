//! The launcher starts and stops the real programs.

use services::{Etcd, Minio, Versitygw};

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
    let mut versitygw = Versitygw::start("bucket").unwrap();
    assert!(minio.process().is_running());
    assert!(versitygw.process().is_running());
    minio.stop();
    assert!(!minio.process().is_running());
}
