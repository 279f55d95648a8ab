//! [`Simulation`]: a cluster, its clients and what goes wrong, by one seed.

use crate::{
    broker::Broker,
    client::{Client, PARTITIONS, topic},
    consumer::Consumer,
    machine::Machine,
    nemesis::Nemesis,
    producer::Producer,
    recorder::Recorder,
    scenario::Scenario,
    transactional::{Rules, TransactionalProducer},
    trimmer::Trimmer,
    world::{ORIGIN_UNIX_MS, World},
};
use kafka_protocol::messages::{CreateTopicsRequest, create_topics_request::CreatableTopic};
use partition_log::{
    Stores,
    fsck::{self, Depth, Event, Options, Verified},
};
use runtime::Randomness;
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::sync::watch;

/// All time passes in steps of this.
const TICK: Duration = Duration::from_millis(1);
const BROKERS: u32 = 3;
/// `TOPIC_ALREADY_EXISTS`: an attempt before was carried out.
const EXISTS: i16 = 36;
const PRODUCERS: usize = 3;
const TRANSACTIONAL_PRODUCERS: usize = 2;
const CONSUMERS: usize = 2;
/// The number of who reads everything at the end.
const LAST_READER: u32 = 100;
/// So long things go wrong.
const TROUBLE: Duration = Duration::from_secs(40);
/// So long, at most, everything takes to be well again once nothing goes wrong any more.
const RECOVERY: Duration = Duration::from_secs(180);
/// So long after a process ended by itself it is started again.
const RESTART_PAUSE: Duration = Duration::from_secs(1);
/// Where the clients run.
pub const CLIENTS: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 1, 1));

/// A run.
#[derive(Debug)]
pub struct Simulation {
    pub world: World,
    pub brokers: Vec<Broker>,
    clients: Machine,
    /// When brokers are to be started that ended by themselves.
    restarts: Vec<(Duration, u32)>,
}

/// Runs a scenario by a seed; what clients see is written down by `recorder`.
///
/// # Panics
/// When a client is told what nobody may be told, or the cluster does not recover.
pub fn run(scenario: &Scenario, seed: u64, recorder: Recorder) {
    let mut simulation = Simulation::new(scenario, seed, recorder);
    simulation.create_topic();
    let (stop, running) = (watch::Sender::new(false), Running::default());
    let mut processes = 0..;
    for process in processes.by_ref().take(PRODUCERS) {
        let client = simulation.client();
        let client = if process == 0 { client.trusting() } else { client };
        let producer = Producer::new(process, client, simulation.recorder());
        simulation.spawn(&running, producer.run(stop.subscribe()));
    }
    for process in processes.by_ref().take(TRANSACTIONAL_PRODUCERS) {
        let (client, recorder) = (simulation.client(), simulation.recorder());
        let rules = if process % 2 == 0 { Rules::V1 } else { Rules::V2 };
        let producer = TransactionalProducer::new(process, rules, client, recorder);
        simulation.spawn(&running, producer.run(stop.subscribe()));
    }
    for process in processes.by_ref().take(CONSUMERS) {
        let consumer = simulation.consumer(process);
        simulation.spawn(&running, consumer.run(stop.subscribe()));
    }
    let trimmer = Trimmer::new(simulation.client(), simulation.recorder().log_starts());
    simulation.spawn(&running, trimmer.run(stop.subscribe()));
    let mut nemesis =
        Nemesis::new(scenario, Randomness::seeded(simulation.world.randomness.below(u64::MAX)));
    let until = simulation.world.now + TROUBLE;
    while simulation.world.now < until {
        nemesis.act(&mut simulation);
        simulation.tick();
    }
    nemesis.heal(&mut simulation);
    stop.send_replace(true);
    simulation.until("all clients have their answers", |_| running.none());
    let consumer = simulation.consumer(LAST_READER);
    simulation.spawn(&running, consumer.run_to_end());
    simulation.until("everything is read", |_| running.none());
    simulation.spawn(&running, check_stores(simulation.world.stores()));
    simulation.until("everything is checked", |_| running.none());
}

/// What is stored must be whole, also what nobody read.
async fn check_stores(stores: Stores) {
    let report = |event| {
        if let Event::Finding(finding) = event {
            panic!("{finding}");
        }
    };
    let options = Options {
        depth: Depth::Batches,
        // Nothing is as old as that.
        grace: Duration::from_secs(3_600),
        now_unix_ms: ORIGIN_UNIX_MS,
        verified: Verified::default(),
    };
    fsck::check(&stores, options, report).await.unwrap();
}

/// How many clients still run.
#[derive(Clone, Debug, Default)]
struct Running(Arc<AtomicUsize>);

impl Running {
    fn none(&self) -> bool {
        self.0.load(Relaxed) == 0
    }
}

impl Simulation {
    fn new(scenario: &Scenario, seed: u64, recorder: Recorder) -> Self {
        let world = World::new(seed, scenario, recorder);
        let mut brokers: Vec<_> = (1..=BROKERS).map(|number| Broker::new(number, &world)).collect();
        for broker in &mut brokers {
            broker.start(&world);
        }
        Self { world, brokers, clients: Machine::new(), restarts: Vec::new() }
    }

    /// Lets a moment pass for everybody, in an order of its own.
    pub fn tick(&mut self) {
        self.world.pass(TICK);
        let first = self.world.randomness.below(self.brokers.len() as u64 + 1) as usize;
        for place in 0..=self.brokers.len() {
            match (first + place) % (self.brokers.len() + 1) {
                0 => self.clients.pass(TICK),
                number => {
                    if let Some(machine) = self.brokers[number - 1].machine() {
                        machine.pass(TICK);
                    }
                }
            }
        }
        self.restart_exited();
    }

    /// A supervisor: what ended by itself is started again.
    fn restart_exited(&mut self) {
        for broker in self.brokers.iter_mut().filter(|broker| broker.has_exited()) {
            broker.kill(&self.world);
            self.restarts.push((self.world.now + RESTART_PAUSE, broker.number));
        }
        let due = self.restarts.extract_if(.., |(at, _)| *at <= self.world.now);
        let due: Vec<_> = due.map(|(_, number)| number).collect();
        for number in due {
            self.start(number);
        }
    }

    /// Starts a broker, unless it runs.
    pub fn start(&mut self, number: u32) {
        let broker = &mut self.brokers[number as usize - 1];
        if !broker.is_running() {
            broker.start(&self.world);
        }
    }

    fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let deadline = self.world.now + RECOVERY;
        while !holds(self) {
            assert!(self.world.now < deadline, "not within {RECOVERY:?}: {what}");
            self.tick();
        }
    }

    fn spawn(&self, running: &Running, client: impl Future<Output = ()> + Send + 'static) {
        let running = running.clone();
        running.0.fetch_add(1, Relaxed);
        self.clients.spawn(async move {
            client.await;
            running.0.fetch_sub(1, Relaxed);
        });
    }

    fn client(&self) -> Client {
        let bootstrap = self.brokers.iter().map(Broker::address).collect();
        let randomness = Randomness::seeded(self.world.randomness.below(u64::MAX));
        Client::new(self.world.wires.of(CLIENTS), bootstrap, randomness)
    }

    fn consumer(&self, process: u32) -> Consumer {
        let recorder = self.recorder();
        let starts = recorder.log_starts();
        Consumer::new(process, self.client(), recorder, starts)
    }

    fn recorder(&self) -> Recorder {
        self.world.recorder.clone()
    }

    fn create_topic(&mut self) {
        let (running, mut client) = (Running::default(), self.client());
        self.spawn(&running, async move {
            let new = CreatableTopic::default()
                .with_name(topic())
                .with_num_partitions(PARTITIONS)
                .with_replication_factor(1);
            let request =
                CreateTopicsRequest::default().with_topics(vec![new]).with_timeout_ms(10_000);
            loop {
                let told = client.call_any(5, &request).await;
                if told.is_some_and(|told| [0, EXISTS].contains(&told.topics[0].error_code)) {
                    return;
                }
                client.pause().await;
            }
        });
        self.until("the topic exists", |_| running.none());
    }
}
