//! The `tail` command: a load and consumers at its end, timed from when a batch was due to when it has been read.

use crate::{
    batch_shape::Batch,
    cluster::{Cluster, End},
    consumer::{Consumed, Consumer, FetchSize, Positions},
    error::DriverError,
    latency::Latency,
    produce::Produce,
    report::{Counts, TailReport, driver_cpu_seconds, span},
};
use runtime::Clock;
use std::{sync::OnceLock, thread};

/// What to write and how many read.
#[derive(Debug, clap::Args)]
pub(crate) struct Tail {
    #[command(flatten)]
    produce: Produce,
    /// Consumers; each reads all partitions
    #[arg(long, default_value_t = 1)]
    consumers: usize,
    #[command(flatten)]
    size: FetchSize,
}

impl Tail {
    /// Runs it.
    pub(crate) fn run(&self, cluster: &Cluster) -> Result<TailReport, DriverError> {
        let clock = Clock::system();
        let topic = self.produce.topic.as_str();
        let batch = Batch::new(self.produce.shape, &clock)?;
        let leaders = cluster.leaders(topic)?;
        let mut consumers = Vec::new();
        for led in &leaders {
            let first = Cluster::offsets(topic, led, End::Latest)?;
            for _ in 0..self.consumers.max(1) {
                let (stamp_at, first) = (Some(batch.stamp_at()), first.clone());
                consumers.push(Consumer::open(&clock, topic, led, self.size, first, stamp_at)?);
            }
        }
        let ends = OnceLock::new();
        let (produced, consumed) = thread::scope(|scope| {
            let threads: Vec<_> =
                consumers.into_iter().map(|consumer| scope.spawn(|| consumer.run(&ends))).collect();
            let produced = self.produce.load(&clock, &leaders, &batch, true);
            let last = leaders.iter().map(|led| Cluster::offsets(topic, led, End::Latest));
            // Without ends the consumers would read for ever: none at all lets them stop.
            let last: Result<Vec<Positions>, _> = last.collect();
            ends.get_or_init(|| last.into_iter().flatten().flatten().collect());
            let join = |thread: thread::ScopedJoinHandle<'_, _>| {
                thread.join().unwrap_or(Err(DriverError::Panicked))
            };
            let consumed: Result<Vec<Consumed>, _> = threads.into_iter().map(join).collect();
            (produced, consumed)
        });
        let (produced, consumed) = (produced?, consumed?);
        let mut counts = Counts::default();
        let mut end_to_end = Latency::new()?;
        for one in &consumed {
            counts.add(&one.counts);
            end_to_end.add(&one.latency);
        }
        let duration = span(consumed.iter().map(|one| (one.start, one.end)));
        Ok(TailReport {
            produced: produced.counts.over(produced.duration),
            consumed: counts.over(duration),
            produce_ms: produced.latency.percentiles(),
            end_to_end_ms: end_to_end.percentiles(),
            driver_cpu_seconds: driver_cpu_seconds(),
        })
    }
}
