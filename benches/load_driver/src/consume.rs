//! The `consume` command: reads what a topic holds.

use crate::{
    cluster::{Cluster, End},
    consumer::{Consumed, Consumer, FetchSize, Positions},
    error::DriverError,
    report::{ConsumeReport, Counts, driver_cpu_seconds, span},
};
use runtime::Clock;
use std::{sync::OnceLock, thread};

/// What to read.
#[derive(Debug, clap::Args)]
pub(crate) struct Consume {
    /// Topic to read
    #[arg(long)]
    topic: String,
    /// Consumers; each reads all of it
    #[arg(long, default_value_t = 1)]
    consumers: usize,
    #[command(flatten)]
    size: FetchSize,
}

impl Consume {
    /// Runs it.
    pub(crate) fn run(&self, cluster: &Cluster) -> Result<ConsumeReport, DriverError> {
        let clock = Clock::system();
        let ends = OnceLock::new();
        let mut last = Positions::new();
        let mut consumers = Vec::new();
        for led in cluster.leaders(&self.topic)? {
            last.extend(Cluster::offsets(&self.topic, &led, End::Latest)?);
            let first = Cluster::offsets(&self.topic, &led, End::Earliest)?;
            for _ in 0..self.consumers.max(1) {
                let (topic, size) = (self.topic.as_str(), self.size);
                consumers.push(Consumer::open(&clock, topic, &led, size, first.clone(), None)?);
            }
        }
        ends.get_or_init(|| last);
        let done: Vec<Consumed> = thread::scope(|scope| {
            let threads: Vec<_> =
                consumers.into_iter().map(|consumer| scope.spawn(|| consumer.run(&ends))).collect();
            let join = |thread: thread::ScopedJoinHandle<'_, _>| {
                thread.join().unwrap_or(Err(DriverError::Panicked))
            };
            threads.into_iter().map(join).collect::<Result<_, _>>()
        })?;
        let mut counts = Counts::default();
        for one in &done {
            counts.add(&one.counts);
        }
        let duration = span(done.iter().map(|one| (one.start, one.end)));
        Ok(ConsumeReport {
            consumed: counts.over(duration),
            driver_cpu_seconds: driver_cpu_seconds(),
        })
    }
}
