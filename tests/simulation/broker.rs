//! [`Broker`]: one place in the cluster: a disk that stays, and a process that comes and goes.

use crate::{
    machine::Machine,
    metadata_line::{MetadataLine, PREFIX},
    scenario::Planted,
    world::World,
};
use cluster::{Endpoint, Identity};
use kafka::{ListenerSpec, Listeners};
use model::BrokerId;
use node::{Node, Surroundings};
use partition_log::GatherFrom;
use runtime::{Clock, Randomness, Tasks, disk::SimulatedDisk};
use settings::{Settings, Sources};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};
use storage::FaultPlan;
use tokio::sync::Notify;
use wal::Drive;

/// The port of every broker.
const PORT: u16 = 9092;

/// A broker, running or not.
#[derive(Debug)]
pub struct Broker {
    pub number: u32,
    pub disk: SimulatedDisk,
    pub line: MetadataLine,
    pub object_faults: FaultPlan,
    randomness: Randomness,
    process: Option<Process>,
}

#[derive(Debug)]
struct Process {
    machine: Machine,
    clock: Clock,
    drain: Arc<Notify>,
    /// It ended by itself: drained, refused, or without a session that it could still have.
    exited: Arc<AtomicBool>,
}

impl Broker {
    /// A broker that never ran.
    pub fn new(number: u32, world: &World) -> Self {
        let randomness = Randomness::seeded(world.randomness.below(u64::MAX));
        Self {
            number,
            disk: SimulatedDisk::new(),
            line: MetadataLine::new(&world.metadata, randomness.clone(), world.planted),
            object_faults: FaultPlan::new(randomness.clone()),
            randomness,
            process: None,
        }
    }

    pub fn host(&self) -> IpAddr {
        host(self.number)
    }

    /// The address that clients connect to.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host(), PORT)
    }

    pub fn is_running(&self) -> bool {
        self.process.is_some()
    }

    /// The machine that it runs on.
    pub fn machine(&mut self) -> Option<&mut Machine> {
        self.process.as_mut().map(|process| &mut process.machine)
    }

    /// Whether its process ended by itself.
    pub fn has_exited(&self) -> bool {
        self.process.as_ref().is_some_and(|process| process.exited.load(Relaxed))
    }

    /// Starts its process on the disk as it is.
    pub fn start(&mut self, world: &World) {
        let machine = Machine::new();
        if world.planted == Some(Planted::DisksThatDoNotSync) {
            self.disk.ignore_syncs();
        }
        let clock = machine.with(|| Clock::simulated(world.unix_ms()));
        let (drain, exited) = (Arc::<Notify>::default(), Arc::<AtomicBool>::default());
        let surroundings = Surroundings {
            metadata: Arc::new(self.line.clone()),
            keys: metadata::families::Keys::new(PREFIX),
            objects: world.objects.with_faults(self.object_faults.clone()),
            objects_description: "simulated".to_owned(),
            objects_are_local: false,
            gather_from: Some(GatherFrom::Store),
            block_cache: None,
            wal_disk: Arc::new(self.disk.clone()),
            wal_drive: Drive::Manual,
            network: world.wires.of(self.host()),
            clock: clock.clone(),
            randomness: self.randomness.clone(),
            tasks: Tasks::new(),
        };
        let settings = settings(self.number, &world.settings);
        machine.spawn(run(self.number, settings, surroundings, drain.clone(), exited.clone()));
        self.process = Some(Process { machine, clock, drain, exited });
    }

    /// Ends its process where it stands. What it wrote stays written.
    pub fn kill(&mut self, world: &World) {
        let survivor = self.disk.restart();
        self.end(world, survivor);
    }

    /// Takes the power from its machine: what was not synced is lost, kept or torn.
    pub fn cut_power(&mut self, world: &World) {
        let survivor = self.disk.crash(&self.randomness);
        self.end(world, survivor);
    }

    /// Ends its process and takes its disk away: it starts on an empty one.
    pub fn lose_disk(&mut self, world: &World) {
        drop(self.disk.restart());
        self.end(world, SimulatedDisk::new());
    }

    fn end(&mut self, world: &World, survivor: SimulatedDisk) {
        // The disk is off already: what a destructor writes is not written.
        self.process = None;
        self.disk = survivor;
        world.wires.unplug(self.host());
    }

    /// Asks it to leave in order.
    pub fn drain(&self) {
        if let Some(process) = &self.process {
            process.drain.notify_one();
        }
    }

    /// Moves its wall clock.
    pub fn skew(&self, milliseconds: i64) {
        if let Some(process) = &self.process {
            process.clock.skew(milliseconds);
        }
    }
}

fn host(number: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, number as u8))
}

fn settings(number: u32, more: &[(&str, &str)]) -> Settings {
    let own = [
        ("node.id", number.to_string()),
        ("listeners", format!("PLAINTEXT://{}:{PORT}", host(number))),
        ("metadata", "etcd://simulated".to_owned()),
        ("object.store", "s3://simulated".to_owned()),
        ("broker.rack", format!("zone-{number}")),
    ];
    let own = own.into_iter().map(|(key, value)| (key.to_owned(), value));
    let more = more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let flags = own.chain(more).collect();
    Settings::resolve(Sources { flags, ..Sources::default() }).unwrap()
}

/// What the binary does, without the machine's own stores.
async fn run(
    number: u32,
    settings: Settings,
    surroundings: Surroundings,
    drain: Arc<Notify>,
    exited: Arc<AtomicBool>,
) {
    let address = SocketAddr::new(host(number), PORT);
    let specs = ListenerSpec::parse_list(&format!("PLAINTEXT://{address}"), "").unwrap();
    let listeners = Listeners::bind(&specs, surroundings.network.as_ref()).await.unwrap();
    let endpoint = Endpoint {
        listener: "PLAINTEXT".to_owned(),
        host: address.ip().to_string(),
        port: address.port(),
    };
    let identity = Identity {
        broker: BrokerId::new(number).unwrap(),
        rack: settings.text(&model::config::broker::BROKER_RACK).map(str::to_owned),
        endpoints: vec![endpoint],
        cluster_id: None,
    };
    match Node::join(settings, surroundings, identity).await {
        Ok(node) => {
            let server = node.serve(listeners).await;
            tokio::select! {
                reason = node.cluster().failed() => tracing::warn!(reason, "gave up"),
                () = drain.notified() => drop(node.drain(server).await),
            }
        }
        Err(error) => tracing::warn!(%error, "did not start"),
    }
    exited.store(true, Relaxed);
}
