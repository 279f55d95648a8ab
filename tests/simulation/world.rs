//! [`World`]: what outlives every process: the stores, the wires, the time.

use crate::{
    metadata_line::PREFIX,
    network::Wires,
    recorder::Recorder,
    scenario::{Planted, Scenario},
};
use metadata::{MemoryStore, families::Keys};
use partition_log::Stores;
use runtime::{Clock, Randomness};
use std::{sync::Arc, time::Duration};
use storage::Objects;

/// When every simulation begins, in milliseconds since 1970.
pub const ORIGIN_UNIX_MS: i64 = 1_700_000_000_000;

/// Settings of every broker: short times, so that seconds have room for much, and small files.
const SETTINGS: &[(&str, &str)] = &[
    ("session.lease.ttl", "3s"),
    ("session.lease.margin", "1s"),
    ("drain.timeout", "5s"),
    ("wal.file.bytes", "1048576"),
    ("wal.max.bytes", "67108864"),
    // A broker lives for seconds here: it folds, and gathers, all the same.
    ("fold.commits", "6"),
    ("log.retention.check.interval.ms", "2000"),
    ("log.segment.delete.delay.ms", "3000"),
    ("metadata.snapshot.interval.ms", "3000"),
    ("leader.imbalance.check.interval.seconds", "5"),
    ("offsets.topic.num.partitions", "2"),
    ("transaction.state.log.num.partitions", "2"),
];

/// All machines live in it.
#[derive(Debug)]
pub struct World {
    pub clock: Clock,
    pub metadata: MemoryStore,
    pub objects: Objects,
    pub wires: Wires,
    pub randomness: Randomness,
    pub recorder: Recorder,
    /// Settings of every broker.
    pub settings: Vec<(&'static str, &'static str)>,
    pub planted: Option<Planted>,
    pub now: Duration,
}

impl World {
    pub fn new(seed: u64, scenario: &Scenario, recorder: Recorder) -> Self {
        let randomness = Randomness::seeded(seed);
        let of_part = || Randomness::seeded(randomness.below(u64::MAX));
        let clock = Clock::driven(ORIGIN_UNIX_MS);
        Self {
            metadata: MemoryStore::new(clock.clone()),
            objects: Objects::in_memory(clock.clone(), of_part()),
            wires: Wires::new(of_part()),
            clock,
            recorder,
            settings: [&[("durability.mode", scenario.mode)], SETTINGS].concat(),
            planted: scenario.planted,
            now: Duration::ZERO,
            randomness,
        }
    }

    /// Time goes on, for all that is no machine.
    pub fn pass(&mut self, duration: Duration) {
        self.now += duration;
        self.clock.advance(duration);
        self.recorder.pass(self.now);
        self.wires.deliver(self.now);
    }

    /// The stores, as somebody sees them whom nothing troubles.
    pub fn stores(&self) -> Stores {
        Stores {
            metadata: Arc::new(self.metadata.clone()),
            keys: Keys::new(PREFIX),
            objects: self.objects.clone(),
        }
    }

    /// What an accurate clock shows.
    pub fn unix_ms(&self) -> i64 {
        self.clock.unix_ms()
    }
}
