//! The `outage` command: writes to every partition in turns, and says how long each went without an acknowledgement.
//!
//! Made for brokers that die meanwhile. A turn is one request to each leader, with a batch for each of its partitions, `acks=all`.
//! What is refused, or was on its way to a broker that is gone, comes again with new stamps at the next turn. In the end everything
//! is read back: an acknowledged batch that is not there is lost.

use crate::{
    batch_shape::{Batch, BatchShape},
    broker_error::BrokerError,
    cluster::{Cluster, End, Led},
    connection::Connection,
    consumer::{Consumer, FetchSize, Positions},
    error::DriverError,
    latency::Latency,
    report::{OutageReport, driver_cpu_seconds},
    wire::{Answer, Request},
};
use clap::Args;
use runtime::{BootTime, Clock};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::IoSlice,
    sync::OnceLock,
    thread,
    time::Duration,
};

const PRODUCE: (i16, i16) = (0, 7);
const POLL: Duration = Duration::from_millis(1);
/// Between two questions for leaders.
const ASK_PAUSE: Duration = Duration::from_millis(50);
/// A broker that says nothing for so long is asked no more.
const PATIENCE: Duration = Duration::from_secs(10);

/// What to write.
#[derive(Clone, Debug, Args)]
pub(crate) struct Outage {
    /// Topic to write to
    #[arg(long)]
    topic: String,
    /// For how long
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Milliseconds between two turns of a leader, if it is that fast
    #[arg(long, default_value_t = 100)]
    interval_ms: u64,
    /// Bytes of each record
    #[arg(long, default_value_t = 64)]
    record_bytes: usize,
    #[command(flatten)]
    size: FetchSize,
}

impl Outage {
    /// Runs it.
    pub(crate) fn run(&self, cluster: &Cluster) -> Result<OutageReport, DriverError> {
        let clock = Clock::system();
        let leaders = cluster.leaders(&self.topic)?;
        let mut begins = Positions::new();
        for led in &leaders {
            begins.extend(Cluster::offsets(&self.topic, led, End::Latest)?);
        }
        let shape = BatchShape { batch_bytes: 0, record_bytes: self.record_bytes };
        let start = clock.boot_time();
        let mut writer = Writer {
            outage: self,
            clock: &clock,
            batch: Batch::new(shape, &clock)?,
            addresses: leaders.iter().map(|led| led.address.clone()).collect(),
            lanes: BTreeMap::new(),
            stale_since: None,
            partitions: begins.keys().map(|&partition| (partition, Seen::from(start))).collect(),
            errors: BTreeMap::new(),
        };
        writer.follow(leaders.clone());
        writer.write_until(start.plus(Duration::from_secs(self.seconds)));
        let end = clock.boot_time();
        let read = self.read_back(cluster, &clock, &begins, writer.batch.stamp_at())?;
        writer.report(&leaders, &cluster.leaders(&self.topic)?, (start, end), &read)
    }

    /// The stamps of all batches from `begins` on.
    fn read_back(
        &self,
        cluster: &Cluster,
        clock: &Clock,
        begins: &Positions,
        stamp_at: usize,
    ) -> Result<BTreeMap<i32, BTreeSet<BootTime>>, DriverError> {
        let mut read = BTreeMap::new();
        for led in cluster.leaders(&self.topic)? {
            let ends = OnceLock::from(Cluster::offsets(&self.topic, &led, End::Latest)?);
            let positions =
                led.partitions.iter().filter_map(|one| Some((*one, *begins.get(one)?))).collect();
            let stamp_at = Some(stamp_at);
            let consumer =
                Consumer::open(clock, &self.topic, &led, self.size, positions, stamp_at)?;
            read.extend(consumer.keeping_stamps().run(&ends)?.stamps.unwrap_or_default());
        }
        Ok(read)
    }
}

/// What is known of a partition.
struct Seen {
    acknowledged_at: BootTime,
    longest: Duration,
    stamps: Vec<BootTime>,
}

impl Seen {
    fn from(start: BootTime) -> Self {
        Self { acknowledged_at: start, longest: Duration::ZERO, stamps: Vec::new() }
    }

    /// How long it went without an acknowledgement at most, the time up to `end` included.
    fn longest(&self, end: BootTime) -> Duration {
        self.longest.max(end.since(self.acknowledged_at))
    }
}

/// A leader's connection.
struct Lane {
    connection: Connection,
    partitions: Vec<i32>,
    due: BootTime,
    waiting: Option<BootTime>,
}

struct Writer<'a> {
    outage: &'a Outage,
    clock: &'a Clock,
    batch: Batch,
    /// Brokers that were ever named.
    addresses: BTreeSet<String>,
    lanes: BTreeMap<String, Lane>,
    /// When leaders were last asked for in vain.
    stale_since: Option<BootTime>,
    partitions: BTreeMap<i32, Seen>,
    errors: BTreeMap<i16, u64>,
}

impl Writer<'_> {
    fn write_until(&mut self, end: BootTime) {
        while self.clock.boot_time() < end {
            let addresses: Vec<_> = self.lanes.keys().cloned().collect();
            for address in addresses {
                if self.step(&address).is_err() {
                    self.lanes.remove(&address);
                    self.stale_since.get_or_insert(BootTime::default());
                }
            }
            self.ask_again();
            thread::sleep(POLL);
        }
    }

    /// Sends or receives what a leader is due. An error ends its connection.
    fn step(&mut self, address: &str) -> Result<(), DriverError> {
        let Some(lane) = self.lanes.get_mut(address) else {
            return Ok(());
        };
        let now = self.clock.boot_time();
        match lane.waiting {
            None if lane.due <= now && !lane.partitions.is_empty() => {
                self.batch.stamp(now);
                let request = request(&self.outage.topic, &lane.partitions, self.batch.bytes());
                lane.connection.send(&mut [IoSlice::new(&request)])?;
                lane.waiting = Some(now);
                lane.due = now.plus(Duration::from_millis(self.outage.interval_ms));
            }
            Some(sent) if lane.connection.readable(Some(Duration::ZERO))? => {
                lane.waiting = None;
                let codes = read_codes(lane.connection.receive()?)?;
                self.note(sent, codes);
            }
            Some(sent) if now.since(sent) > PATIENCE => {
                return Err(DriverError::Usage("a broker does not answer"));
            }
            _ => {}
        }
        Ok(())
    }

    fn note(&mut self, sent: BootTime, codes: Vec<(i32, i16)>) {
        let now = self.clock.boot_time();
        for (partition, code) in codes {
            if BrokerError::from_wire(code).is_some() {
                *self.errors.entry(code).or_default() += 1;
                self.stale_since.get_or_insert(BootTime::default());
            } else if let Some(seen) = self.partitions.get_mut(&partition) {
                seen.longest = seen.longest.max(now.since(seen.acknowledged_at));
                seen.acknowledged_at = now;
                seen.stamps.push(sent);
            }
        }
    }

    /// Asks any broker for the leaders, until each partition has one that can be reached.
    fn ask_again(&mut self) {
        let now = self.clock.boot_time();
        if self.stale_since.is_none_or(|asked| now.since(asked) < ASK_PAUSE) {
            return;
        }
        self.stale_since = Some(now);
        let topic = &self.outage.topic;
        let answer = self.addresses.iter().find_map(|one| Cluster::at(one).leaders_now(topic).ok());
        if let Some(leaders) = answer
            && self.follow(leaders)
        {
            self.stale_since = None;
        }
    }

    /// Writes to these leaders from now on. Whether each partition has one that can be reached.
    fn follow(&mut self, leaders: Vec<Led>) -> bool {
        for lane in self.lanes.values_mut() {
            lane.partitions.clear();
        }
        let mut led = 0;
        for Led { address, partitions } in leaders {
            self.addresses.insert(address.clone());
            if !self.lanes.contains_key(&address) {
                let Ok(connection) = Connection::open(&address) else { continue };
                let due = BootTime::default();
                let lane = Lane { connection, partitions: Vec::new(), due, waiting: None };
                self.lanes.insert(address.clone(), lane);
            }
            led += partitions.len();
            if let Some(lane) = self.lanes.get_mut(&address) {
                lane.partitions = partitions;
            }
        }
        led == self.partitions.len()
    }

    fn report(
        &self,
        before: &[Led],
        after: &[Led],
        (start, end): (BootTime, BootTime),
        read: &BTreeMap<i32, BTreeSet<BootTime>>,
    ) -> Result<OutageReport, DriverError> {
        let (before, after) = (by_partition(before), by_partition(after));
        let (mut moved, mut stayed) = (Latency::new()?, Latency::new()?);
        let (mut acknowledged, mut lost) = (0, 0);
        for (partition, seen) in &self.partitions {
            let kept = before.get(partition) == after.get(partition);
            if kept { &mut stayed } else { &mut moved }.record(seen.longest(end));
            acknowledged += seen.stamps.len() as u64;
            let found = read.get(partition);
            let missing =
                seen.stamps.iter().filter(|stamp| !found.is_some_and(|all| all.contains(stamp)));
            lost += missing.count() as u64;
        }
        let (moved, stayed) = (moved.percentiles(), stayed.percentiles());
        Ok(OutageReport {
            seconds: end.since(start).as_secs_f64(),
            partitions: self.partitions.len(),
            moved: moved.samples as usize,
            moved_ms: moved,
            stayed_ms: stayed,
            acknowledged,
            lost,
            errors: self.errors.clone(),
            driver_cpu_seconds: driver_cpu_seconds(),
        })
    }
}

fn by_partition(leaders: &[Led]) -> BTreeMap<i32, &str> {
    leaders
        .iter()
        .flat_map(|led| led.partitions.iter().map(|&one| (one, led.address.as_str())))
        .collect()
}

/// One batch for each partition, `acks=all`.
fn request(topic: &str, partitions: &[i32], batch: &[u8]) -> Vec<u8> {
    let mut request = Request::new(PRODUCE.0, PRODUCE.1, 0);
    // No transactional id.
    request.i16(-1).i16(-1).i32(30_000).i32(1).text(topic).i32(partitions.len() as i32);
    for partition in partitions {
        request.i32(*partition).bytes(batch);
    }
    request.finish(0)
}

/// The error code of each partition in an answer.
fn read_codes(frame: &[u8]) -> Result<Vec<(i32, i16)>, DriverError> {
    let mut answer = Answer::new("Produce", frame)?;
    let mut codes = Vec::new();
    for _ in 0..answer.count()? {
        answer.text()?;
        for _ in 0..answer.count()? {
            codes.push((answer.i32()?, answer.i16()?));
            let (_, _, _) = (answer.i64()?, answer.i64()?, answer.i64()?);
        }
    }
    Ok(codes)
}
