//! Three brokers under load while one fault follows another: kills, pauses, drains, stores that hang. After each, everything goes on; at the
//! end nothing acknowledged is lost or doubled, and what transactions copied is there exactly once.
//!
//! `SYSTEM_TEST_CHAOS_SECONDS` sets how long it lasts, `SYSTEM_TEST_CHAOS_SEED` which faults come.

use crate::harness::{
    Broker, Deployment, Kind, Load, Running, eventually,
    programs::{Client, create_topic},
    records::{produce, read_distinct, read_values},
    until,
};
use runtime::{BootTime, Clock, Randomness};
use std::{collections::BTreeSet, thread, time::Duration};

const PARTITIONS: u32 = 6;

/// Records for the copier before each fault.
const PORTION: u32 = 50;

/// What befalls the cluster. Milliseconds are of both sides of the lease's three seconds.
#[derive(Debug)]
enum Fault {
    Kill { broker: usize, away: u64 },
    Pause { broker: usize, away: u64 },
    Drain { broker: usize, away: u64 },
    KillAll { away: u64 },
    FreezeEtcd { away: u64 },
    FreezeMinio { away: u64 },
    RestartMinio { away: u64 },
}

impl Fault {
    fn choose(randomness: &Randomness, brokers: usize) -> Self {
        let away = randomness.below(6_000);
        let broker = usize::try_from(randomness.below(brokers as u64)).unwrap();
        match randomness.below(10) {
            0..=2 => Self::Kill { broker, away },
            3..=4 => Self::Pause { broker, away },
            5..=6 => Self::Drain { broker, away },
            7 => Self::KillAll { away },
            8 => Self::FreezeEtcd { away },
            _ => match randomness.below(2) {
                0 => Self::FreezeMinio { away },
                _ => Self::RestartMinio { away },
            },
        }
    }
}

/// The cluster and its loads: both durability modes, and a transactional copy.
struct Cluster {
    brokers: Vec<Broker>,
    plain: [Load; 2],
    copier: Running,
    copied: u32,
    deployment: Deployment,
}

impl Cluster {
    fn start() -> Self {
        let deployment = Deployment::start(Kind::Cluster);
        let settings = [
            "fold.commits=8",
            "session.lease.ttl=3s",
            "session.lease.margin=1s",
            "leader.imbalance.check.interval.seconds=2",
            "group.initial.rebalance.delay.ms=0",
        ];
        let brokers = deployment.brokers(3, &settings);
        let bootstrap = bootstrap(&brokers);
        for topic in ["from", "to"] {
            create_topic(&bootstrap, topic, PARTITIONS, &[]);
        }
        let plain = ["wal", "object"].map(|mode| {
            create_topic(&bootstrap, mode, PARTITIONS, &[&format!("durability.mode={mode}")]);
            let mut load = Load::new(mode, PARTITIONS);
            let paced = ["--rate", "200", "--patience-ms", "300000"];
            load.start(&bootstrap, deployment.directory(), "all", &paced);
            load
        });
        // Not librdkafka: its commit of offsets can wait for ever for a coordinator that left (docs/operations).
        let mut command = Client::Java.transactions();
        command.args(["copy", "--bootstrap", &bootstrap, "--source", "from", "--topic", "to"]);
        command.args(["--group", "copier", "--id", "copier"]);
        let copier = Running::start(&mut command, deployment.directory(), "copier");
        Self { brokers, plain, copier, copied: 0, deployment }
    }

    /// Waits until each load got on since it was called.
    fn go_on(&mut self, after: &str) {
        let (clock, began) = stopwatch();
        let acknowledged = self.plain.each_ref().map(Load::acknowledged);
        let transactions = self.transactions();
        produce(&bootstrap(&self.brokers), "from", self.copied..self.copied + PORTION);
        self.copied += PORTION;
        for (load, before) in self.plain.iter().zip(acknowledged) {
            let stuck = format!("nothing is acknowledged any more after {after}");
            until(&stuck, || load.acknowledged() > before + 100);
            println!(
                "        {after}: acknowledged again after {} ms",
                clock.boot_time().since(began).as_millis()
            );
        }
        eventually(|| {
            let errors = self.copier.errors();
            let last: Vec<&str> = errors.lines().rev().take(20).collect();
            let copied = self.transactions() > transactions;
            let stuck = || format!("nothing is copied any more after {after}\n{}", last.join("\n"));
            copied.then_some(()).ok_or_else(stuck)
        });
        println!(
            "        {after}: copied again after {} ms",
            clock.boot_time().since(began).as_millis()
        );
    }

    fn transactions(&self) -> usize {
        self.copier.output().lines().count()
    }

    fn suffer(&mut self, fault: &Fault) {
        let wait = |away: u64| thread::sleep(Duration::from_millis(away));
        match *fault {
            Fault::Kill { broker, away } => {
                self.brokers[broker].kill();
                wait(away);
                self.brokers[broker].restart();
            }
            Fault::Pause { broker, away } => {
                self.brokers[broker].process().pause();
                wait(away);
                self.brokers[broker].process().resume();
            }
            Fault::Drain { broker, away } => {
                let status = self.brokers[broker].stop();
                assert!(status.is_some_and(|it| it.success()), "{status:?}");
                wait(away);
                self.brokers[broker].restart();
            }
            Fault::KillAll { away } => {
                self.brokers.iter_mut().for_each(Broker::kill);
                wait(away);
                self.brokers.iter_mut().rev().for_each(Broker::restart);
            }
            Fault::FreezeEtcd { away } => {
                let etcd = self.deployment.etcd.as_mut().unwrap();
                etcd.process().pause();
                wait(away);
                etcd.process().resume();
            }
            Fault::FreezeMinio { away } => {
                let minio = self.deployment.minio.as_mut().unwrap();
                minio.process().pause();
                wait(away);
                minio.process().resume();
            }
            Fault::RestartMinio { away } => {
                let minio = self.deployment.minio.as_mut().unwrap();
                minio.stop();
                wait(away);
                minio.restart().unwrap();
            }
        }
    }

    /// Stops the loads and holds what is there against what was acknowledged and copied.
    fn verify(mut self) {
        let address = bootstrap(&self.brokers);
        for load in &mut self.plain {
            load.stop();
            load.verify(&address);
        }
        let expected: BTreeSet<String> = (0..self.copied).map(|it| it.to_string()).collect();
        until("not everything was copied", || {
            read_values(&address, "to", PARTITIONS, "read_committed").len() >= expected.len()
        });
        assert_eq!(read_distinct(&address, "to", PARTITIONS, "read_committed"), expected);
        self.copier.stop();
        for broker in &self.brokers {
            assert!(!broker.log().contains("panicked"), "{}", broker.log());
        }
    }
}

fn bootstrap(brokers: &[Broker]) -> String {
    brokers.iter().map(Broker::address).collect::<Vec<_>>().join(",")
}

fn stopwatch() -> (Clock, BootTime) {
    let clock = Clock::system();
    let now = clock.boot_time();
    (clock, now)
}

/// A number from the environment.
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

#[test]
fn three_brokers_lose_nothing_whatever_befalls_them() {
    let length = Duration::from_secs(number("SYSTEM_TEST_CHAOS_SECONDS").unwrap_or(120));
    let seed = number("SYSTEM_TEST_CHAOS_SEED").unwrap_or(1);
    println!("SYSTEM_TEST_CHAOS_SEED={seed}");
    let randomness = Randomness::seeded(seed);
    let mut cluster = Cluster::start();
    cluster.go_on("the start");
    let (clock, started) = stopwatch();
    let elapsed = || clock.boot_time().since(started);
    while elapsed() < length {
        let fault = Fault::choose(&randomness, cluster.brokers.len());
        println!("{:4} s: {fault:?}", elapsed().as_secs());
        cluster.suffer(&fault);
        cluster.go_on(&format!("{fault:?}"));
    }
    cluster.verify();
}
