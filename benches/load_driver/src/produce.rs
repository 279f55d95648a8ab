//! The `produce` command: several [`Producer`]s on one topic.

use crate::{
    batch_shape::{Batch, BatchShape},
    cluster::{Cluster, Led},
    error::DriverError,
    latency::Latency,
    pace::Pace,
    producer::{Done, Load, Producer},
    report::{Counts, ProduceReport, driver_cpu_seconds, span},
};
use runtime::Clock;
use std::{sync::atomic::AtomicU64, thread, time::Duration};

const MIB: f64 = 1_048_576.0;

/// What to write, and how hard.
#[derive(Debug, clap::Args)]
pub(crate) struct Produce {
    /// Topic to write to
    #[arg(long)]
    pub(crate) topic: String,
    /// Connections; each has partitions of its own while there are enough
    #[arg(long, default_value_t = 1)]
    pub(crate) connections: usize,
    /// Requests of a connection that may wait for their answers
    #[arg(long, default_value_t = 5)]
    pub(crate) in_flight: usize,
    #[command(flatten)]
    pub(crate) shape: BatchShape,
    /// Batches of a request, each for another partition; no more than a connection has
    #[arg(long, default_value_t = 1)]
    pub(crate) batches_per_request: usize,
    /// 1, or -1 for all
    #[arg(long, default_value_t = -1, allow_hyphen_values = true, value_parser = clap::value_parser!(i16).range(-1..=1))]
    pub(crate) acks: i16,
    /// Rate of all connections together; without one, as fast as the broker answers
    #[arg(long)]
    pub(crate) mib_per_second: Option<f64>,
    /// Stop after so many seconds
    #[arg(long, default_value_t = 3_600.0)]
    pub(crate) seconds: f64,
    /// Stop after so many MiB
    #[arg(long)]
    pub(crate) mib: Option<f64>,
}

/// What all connections did.
#[derive(Debug)]
pub(crate) struct Produced {
    pub(crate) counts: Counts,
    pub(crate) latency: Latency,
    pub(crate) duration: Duration,
}

impl Produce {
    /// Runs it.
    pub(crate) fn run(&self, cluster: &Cluster) -> Result<ProduceReport, DriverError> {
        let clock = Clock::system();
        let batch = Batch::new(self.shape, &clock)?;
        let leaders = cluster.leaders(&self.topic)?;
        let produced = self.load(&clock, &leaders, &batch, false)?;
        Ok(ProduceReport {
            produced: produced.counts.over(produced.duration),
            produce_ms: produced.latency.percentiles(),
            driver_cpu_seconds: driver_cpu_seconds(),
        })
    }

    /// Writes, one thread for each connection, until the run's end.
    pub(crate) fn load(
        &self,
        clock: &Clock,
        leaders: &[Led],
        batch: &Batch,
        stamped: bool,
    ) -> Result<Produced, DriverError> {
        if self.acks == 0 {
            return Err(DriverError::Usage("--acks 0 has no answers to measure"));
        }
        let start = clock.boot_time();
        let lanes = share(leaders, self.connections.max(1));
        // A request names a partition once.
        let partitions = lanes.iter().map(|lane| lane.partitions.len()).min().unwrap_or(1);
        let batches = self.batches_per_request.clamp(1, partitions.max(1));
        let request_bytes = batch.bytes().len() * batches;
        let requests = self.mib.map_or(u64::MAX, |mib| (mib * MIB / request_bytes as f64) as u64);
        let load = Load {
            clock,
            topic: &self.topic,
            acks: self.acks,
            in_flight: self.in_flight.max(1),
            batches_per_request: batches,
            stamped,
            until: start.plus(Duration::from_secs_f64(self.seconds)),
            requests_left: &AtomicU64::new(requests),
        };
        let rate = self.mib_per_second.map(|rate| rate * MIB);
        let done: Vec<Done> = thread::scope(|scope| {
            let threads: Vec<_> = lanes
                .iter()
                .enumerate()
                .map(|(lane, led)| {
                    let pace = Pace::new(rate, request_bytes, (lane, lanes.len()), start);
                    let load = &load;
                    scope.spawn(move || Producer::open(load, led, batch.clone(), pace)?.run())
                })
                .collect();
            let join = |thread: thread::ScopedJoinHandle<'_, _>| {
                thread.join().unwrap_or(Err(DriverError::Panicked))
            };
            threads.into_iter().map(join).collect::<Result<_, _>>()
        })?;
        let mut counts = Counts::default();
        let mut latency = Latency::new()?;
        for one in &done {
            counts.add(&one.counts);
            latency.add(&one.latency);
        }
        let duration = span(done.iter().map(|one| (one.start, one.end)));
        Ok(Produced { counts, latency, duration })
    }
}

/// Deals the partitions out to `connections`, at least one for each leader. With more connections than partitions, several write to one.
fn share(leaders: &[Led], connections: usize) -> Vec<Led> {
    let mut lanes: Vec<Led> = Vec::new();
    for (index, led) in leaders.iter().enumerate() {
        let rounds = connections.saturating_sub(index).div_ceil(leaders.len()).max(1);
        for round in 0..rounds {
            let first = round % led.partitions.len().max(1);
            let partitions = led.partitions.iter().skip(first).step_by(rounds).copied().collect();
            lanes.push(Led { address: led.address.clone(), partitions });
        }
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn led(address: &str, partitions: &[i32]) -> Led {
        Led { address: address.to_owned(), partitions: partitions.to_vec() }
    }

    #[test]
    fn connections_divide_a_leaders_partitions() {
        let lanes = share(&[led("a", &[0, 1, 2, 3, 4])], 2);
        assert_eq!(lanes, [led("a", &[0, 2, 4]), led("a", &[1, 3])]);
    }

    #[test]
    fn more_connections_than_partitions_share_them() {
        let lanes = share(&[led("a", &[7])], 3);
        assert_eq!(lanes, [led("a", &[7]), led("a", &[7]), led("a", &[7])]);
    }

    #[test]
    fn each_leader_has_a_connection() {
        let lanes = share(&[led("a", &[0, 2]), led("b", &[1])], 3);
        assert_eq!(lanes, [led("a", &[0]), led("a", &[2]), led("b", &[1])]);
        assert_eq!(share(&[led("a", &[0]), led("b", &[1])], 1).len(), 2);
    }
}
