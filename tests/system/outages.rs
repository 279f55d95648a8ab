//! Stores that stop, stall and fail under load: everything resumes by itself, nothing is lost, memory stays bounded.
//!
//! `SYSTEM_TEST_OUTAGE_SECONDS` sets how long each outage lasts: 12 seconds otherwise, longer than a session lasts.

use crate::harness::{Broker, Deployment, FlakyProxy, Kind, Load, programs::create_topic};
use std::{thread, time::Duration};

const PARTITIONS: u32 = 4;
/// What a broker with default settings may take at most: log buffers, read cache, requests and answers in flight, and itself.
const MEMORY_LIMIT_BYTES: u64 = 384 << 20;

fn outage() -> Duration {
    let seconds =
        std::env::var("SYSTEM_TEST_OUTAGE_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(12))
}

struct Scene {
    deployment: Deployment,
    broker: Broker,
    load: Load,
}

impl Scene {
    fn set(mode: &str) -> Self {
        Self::set_on(mode, Deployment::start(Kind::Cluster), &[])
    }

    fn set_on(mode: &str, deployment: Deployment, settings: &[&str]) -> Self {
        let broker = deployment.broker(settings);
        create_topic(
            &broker.address(),
            "outage",
            PARTITIONS,
            &[&format!("durability.mode={mode}")],
        );
        let mut load = Load::new("outage", PARTITIONS);
        let patience = ["--patience-ms", "300000", "--size", "1000"];
        load.start(&broker.address(), deployment.directory(), "all", &patience);
        let scene = Self { deployment, broker, load };
        scene.wait_for_progress("before the outage");
        scene
    }

    fn wait_for_progress(&self, when: &str) {
        self.wait_for_records(500, when);
    }

    /// Waits until `count` more are acknowledged.
    fn wait_for_records(&self, count: u64, when: &str) {
        let before = self.load.acknowledged();
        for _ in 0..6_000 {
            if self.load.acknowledged() >= before + count {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("no progress within two minutes {when}:\n{}", self.broker.log());
    }

    /// Lets the outage last, watching memory.
    fn endure(&self) {
        let mut peak = 0;
        for _ in 0..outage().as_secs() {
            thread::sleep(Duration::from_secs(1));
            peak = peak.max(self.broker.resident_bytes());
        }
        assert!(peak < MEMORY_LIMIT_BYTES, "the broker grew to {} MiB", peak >> 20);
    }

    fn finish(mut self) {
        self.wait_for_progress("after the outage");
        self.load.stop();
        self.load.verify(&self.broker.address());
        assert!(!self.broker.log().contains("panicked"));
        assert!(self.broker.stop().is_some_and(|status| status.success()), "{}", self.broker.log());
    }
}

#[test]
fn a_stopped_object_store_is_outlived() {
    let mut scene = Scene::set("object");
    scene.deployment.minio.as_mut().unwrap().kill();
    scene.endure();
    scene.deployment.minio.as_mut().unwrap().restart().unwrap();
    scene.finish();
}

#[test]
fn a_store_that_answers_503_to_three_requests_in_ten_is_outlived() {
    let mut deployment = Deployment::start(Kind::Cluster);
    let proxy = FlakyProxy::start(&deployment.minio.as_ref().unwrap().endpoint(), 30);
    deployment.object_store_endpoint = Some(proxy.endpoint());
    let scene = Scene::set_on("object", deployment, &[]);
    proxy.set_failing(true);
    scene.wait_for_progress("while the store fails");
    scene.endure();
    proxy.set_failing(false);
    assert!(proxy.refused() > 10, "only {} requests were refused", proxy.refused());
    scene.finish();
}

#[test]
fn a_hanging_object_store_is_outlived_and_wal_mode_goes_on_meanwhile() {
    // Not more of the disk than this, however fast it is; a producer waits then.
    let settings = ["wal.max.bytes=2147483648"];
    let scene = Scene::set_on("wal", Deployment::start(Kind::Cluster), &settings);
    scene.deployment.minio.as_ref().unwrap().pause();
    scene.wait_for_progress("while the store hangs");
    scene.endure();
    scene.deployment.minio.as_ref().unwrap().resume();
    scene.finish();
}

#[test]
fn an_outage_that_memory_can_not_hold_is_held_by_the_wal() {
    let settings = ["log.buffer.max.bytes=16777216"];
    let scene = Scene::set_on("wal", Deployment::start(Kind::Cluster), &settings);
    scene.deployment.minio.as_ref().unwrap().pause();
    // Records of 1,000 bytes: four times what memory may hold.
    scene.wait_for_records(64_000, "while the store hangs");
    let resident = scene.broker.resident_bytes();
    assert!(resident < 128 << 20, "the broker grew to {} MiB", resident >> 20);
    scene.deployment.minio.as_ref().unwrap().resume();
    scene.finish();
}

#[test]
fn a_frozen_etcd_is_outlived() {
    for mode in ["object", "wal"] {
        let scene = Scene::set(mode);
        scene.deployment.etcd.as_ref().unwrap().pause();
        scene.endure();
        scene.deployment.etcd.as_ref().unwrap().resume();
        scene.finish();
    }
}

#[test]
fn a_restarted_etcd_is_outlived() {
    let mut scene = Scene::set("object");
    for _ in 0..3 {
        scene.deployment.etcd.as_mut().unwrap().kill();
        thread::sleep(Duration::from_secs(2));
        scene.deployment.etcd.as_mut().unwrap().restart().unwrap();
        scene.wait_for_progress("after a restart of etcd");
    }
    scene.finish();
}
