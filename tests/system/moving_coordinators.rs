//! Groups and transactions go on while everything they rest on moves: the partitions they read and write, and the slots of their
//! coordinators. The copy is exact, the group reads each record, and no client is told of an error.

use crate::harness::{
    Broker, Deployment, Kind, Member, Running, eventually,
    placement::{leaders_by_any, move_all},
    programs::{Client, create_topic},
    records::{numbers, produce, read_distinct, read_values, until_read},
    until,
};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

const PARTITIONS: u32 = 3;
/// Of `__consumer_offsets` and of `__transaction_state`.
const SLOTS: u32 = 50;

/// Three brokers, a writer, a transactional copier of what it writes to another topic, and a group that reads it.
struct Flow {
    deployment: Deployment,
    brokers: Vec<Broker>,
    writer: Writer,
    copier: Running,
    member: Member,
}

/// Writes numbers, a few at a time, until it is stopped.
struct Writer {
    stopped: Arc<AtomicBool>,
    thread: JoinHandle<u32>,
}

impl Writer {
    const BATCH: u32 = 20;

    fn start(bootstrap: String) -> Self {
        let stopped = Arc::<AtomicBool>::default();
        let asked = Arc::clone(&stopped);
        let thread = thread::spawn(move || {
            let mut written = 0;
            while !asked.load(Ordering::Acquire) {
                produce(&bootstrap, "from", written..written + Self::BATCH);
                written += Self::BATCH;
            }
            written
        });
        Self { stopped, thread }
    }

    /// Answers how many numbers were written.
    fn stop(self) -> u32 {
        self.stopped.store(true, Ordering::Release);
        self.thread.join().unwrap()
    }
}

impl Flow {
    fn start(client: Client) -> Self {
        let deployment = Deployment::start(Kind::Cluster);
        let settings = [
            "session.lease.ttl=3s",
            "session.lease.margin=1s",
            "group.initial.rebalance.delay.ms=0",
            "leader.imbalance.check.interval.seconds=1",
        ];
        let brokers = deployment.brokers(3, &settings);
        let bootstrap = bootstrap(&brokers);
        for topic in ["from", "to"] {
            create_topic(&bootstrap, topic, PARTITIONS, &[]);
        }
        let directory = deployment.directory();
        let mut command = client.transactions();
        command.args(["copy", "--bootstrap", &bootstrap, "--source", "from", "--topic", "to"]);
        command.args(["--group", "copier", "--id", "copier"]);
        let copier = Running::start(&mut command, directory, "copier");
        let member = Member::start(client, directory, "member", &bootstrap, "from", "readers");
        let writer = Writer::start(bootstrap);
        let flow = Self { deployment, brokers, writer, copier, member };
        flow.go_on();
        until("the group reads nothing", || !flow.member.records().is_empty());
        flow
    }

    /// Waits until some transactions more are complete.
    fn go_on(&self) {
        let transactions = || self.copier.output().lines().count();
        let before = transactions();
        until("the copier makes no progress", || transactions() > before + 2);
    }

    /// Everything was copied once and read once, and nobody had to complain.
    fn verify(self) {
        let Self { deployment, brokers, writer, copier, member } = self;
        let (bootstrap, written) = (bootstrap(&brokers), writer.stop());
        let expected: BTreeSet<String> = (0..written).map(|it| it.to_string()).collect();
        eventually(|| {
            let copied = read_values(&bootstrap, "to", PARTITIONS, "read_committed").len();
            let enough = copied >= expected.len();
            if enough { Ok(()) } else { Err(format!("{copied} copied\n{}", copier.errors())) }
        });
        assert_eq!(read_distinct(&bootstrap, "to", PARTITIONS, "read_committed"), expected);
        until_read(&[&member], &[], 0..written);
        assert_eq!(numbers(&[&member]), (0..written).collect::<Vec<_>>());
        for errors in [copier.errors(), member.errors()] {
            assert!(!errors.contains("Exception") && !errors.contains("KafkaError"), "{errors}");
        }
        copier.stop();
        member.stop();
        drop(deployment);
    }
}

fn bootstrap(brokers: &[Broker]) -> String {
    brokers.iter().map(Broker::address).collect::<Vec<_>>().join(",")
}

fn flows_while_everything_moves(client: Client) {
    let flow = Flow::start(client);
    let topics = [
        ("from", PARTITIONS),
        ("to", PARTITIONS),
        ("__consumer_offsets", SLOTS),
        ("__transaction_state", SLOTS),
    ];
    for round in 0..6 {
        for (topic, partitions) in topics {
            move_all(&flow.brokers, topic, partitions, |it| (it + round) % 3 + 1);
        }
        flow.go_on();
    }
    flow.verify();
}

#[test]
fn a_copy_and_a_group_of_librdkafka_go_on_while_everything_moves() {
    flows_while_everything_moves(Client::Librdkafka);
}

#[test]
fn a_copy_and_a_group_of_java_go_on_while_everything_moves() {
    flows_while_everything_moves(Client::Java);
}

#[test]
fn a_copy_and_a_group_of_java_go_on_while_each_broker_is_restarted() {
    let mut flow = Flow::start(Client::Java);
    for restarted in 0..3 {
        assert!(flow.brokers[restarted].stop().is_some_and(|status| status.success()));
        flow.go_on();
        flow.brokers[restarted].restart();
        let id = restarted as i32 + 1;
        eventually(|| {
            let slots = leaders_by_any(&flow.brokers, "__transaction_state")?;
            let has_some = slots.values().any(|leader| *leader == id);
            if has_some { Ok(()) } else { Err(format!("broker {id} has no slot: {slots:?}")) }
        });
        flow.go_on();
    }
    flow.verify();
}
