//! `alluvium dev`: three programs that come and go as one.

use crate::harness::{
    broker::BINARY,
    only_dev,
    programs::{alluvium, run},
};
use services::{Process, free_port};
use std::{net::TcpStream, path::Path, process::Command, time::Duration};

struct Cluster {
    process: Process,
    address: String,
    stores: Vec<String>,
}

impl Cluster {
    fn start(directory: &Path) -> Self {
        let address = format!("127.0.0.1:{}", free_port().unwrap());
        let log = directory.join("dev.log");
        let _ = std::fs::remove_file(&log);
        let mut command = Command::new(BINARY);
        command
            .args(["dev", "--listeners", &format!("PLAINTEXT://{address}")])
            .args(["--http-address", "off", "--data-dir"])
            .arg(directory.join("data"));
        let mut process = Process::start("alluvium dev", &mut command, &log).unwrap();
        let said = || std::fs::read_to_string(&log).unwrap_or_default();
        process.wait_until_ready(|| said().contains("try:")).unwrap();
        let stores: Vec<String> = said()
            .lines()
            .filter(|line| line.starts_with("etcd ") || line.starts_with("MinIO "))
            .filter_map(|line| line.split_once("http://")?.1.split(' ').next().map(str::to_owned))
            .collect();
        assert_eq!(stores.len(), 2, "{}", said());
        Self { process, address, stores }
    }

    fn stores_answer(&self) -> usize {
        self.stores.iter().filter(|address| TcpStream::connect(address).is_ok()).count()
    }

    /// Waits for what the kernel does in its own time.
    fn stores_are_gone(&self) -> bool {
        (0..500).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            self.stores_answer() == 0
        })
    }
}

#[test]
fn etcd_minio_and_a_broker_start_stop_and_die_together_and_keep_what_was_written() {
    let _only = only_dev();
    let directory = tempfile::tempdir().unwrap();
    let mut cluster = Cluster::start(directory.path());
    assert_eq!(cluster.stores_answer(), 2);
    run(alluvium().args(["produce", "-b", &cluster.address, "t"]), b"one\n");
    assert!(cluster.process.stop(Duration::from_secs(30)).is_some_and(|status| status.success()));
    assert_eq!(cluster.stores_answer(), 0);

    let mut cluster = Cluster::start(directory.path());
    let read = run(alluvium().args(["consume", "-b", &cluster.address, "t", "--exit"]), b"");
    assert_eq!(read.stdout, b"one\n");
    cluster.process.kill();
    assert!(cluster.stores_are_gone());
}
