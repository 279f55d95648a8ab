//! A WAL whose disk has no room: producers are told to wait, and everything goes on once there is room.

use crate::harness::{Broker, Deployment, Kind, Load, programs::create_topic};
use std::{
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

const PARTITIONS: u32 = 4;

/// A small file system of its own.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts it; `None` where that is not allowed.
    fn mount(at: &Path) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=160m", "alluvium-test"])
            .arg(at)
            .status();
        mounted.is_ok_and(|status| status.success()).then(|| Self(at.to_owned()))
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        let mut file = std::fs::File::create(self.ballast()).unwrap();
        let zeroes = vec![0; 64 << 10];
        while std::io::Write::write_all(&mut file, &zeroes).is_ok() {}
    }

    fn make_room(&self) {
        std::fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the broker may still have it open.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

fn wait_for(what: &str, broker: &Broker, mut happened: impl FnMut() -> bool) {
    for _ in 0..3_000 {
        if happened() {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("{what} did not happen within a minute:\n{}", broker.log());
}

#[test]
fn a_full_wal_disk_holds_producers_back_until_there_is_room() {
    let deployment = Deployment::start(Kind::Embedded);
    let Some(disk) = SmallDisk::mount(&deployment.directory().join("small")) else {
        eprintln!("skipped: only root may mount a small disk");
        return;
    };
    let wal = disk.0.join("wal");
    let mut broker = deployment.broker(&[&format!("wal.dir={}", wal.display())]);
    create_topic(&broker.address(), "squeezed", PARTITIONS, &[]);
    disk.fill();
    let mut load = Load::new("squeezed", PARTITIONS);
    let patience = ["--patience-ms", "300000", "--size", "4000"];
    load.start(&broker.address(), deployment.directory(), "all", &patience);
    wait_for("a full disk", &broker, || broker.log().contains("the WAL's disk is full"));
    assert!(broker.counter("alluvium_wal_disk_full_total") > 0);
    disk.make_room();
    let before = load.acknowledged();
    wait_for("progress", &broker, || load.acknowledged() > before + 5_000);
    load.stop();
    let verified = load.verify(&broker.address());
    assert!(verified.read >= verified.acknowledged && verified.acknowledged > 0, "{verified:?}");
    assert!(broker.stop().is_some_and(|status| status.success()), "{}", broker.log());
}
