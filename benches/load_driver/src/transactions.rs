//! The `transactions` command: producers that do one transaction after another, each with an id of its own; and ids at rest.

use crate::{
    cluster::Cluster,
    error::DriverError,
    latency::Latency,
    report::{TransactionsReport, driver_cpu_seconds},
    transactional_producer::{Content, TransactionalProducer},
};
use runtime::{BootTime, Clock};
use std::{thread, time::Duration};

/// Who does how much in each transaction.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Transactions {
    /// The topic that is written to
    #[arg(long)]
    topic: String,
    /// Producers, each on a connection of its own
    #[arg(long, default_value_t = 16)]
    producers: usize,
    /// Partitions of each transaction: the topic's first ones
    #[arg(long, default_value_t = 2)]
    partitions: i32,
    /// Records that each partition gets
    #[arg(long, default_value_t = 10)]
    records: usize,
    /// Bytes of each record's value
    #[arg(long, default_value_t = 100)]
    record_bytes: usize,
    /// For how long
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Ids that are taken first and then left at rest
    #[arg(long, default_value_t = 0)]
    at_rest: usize,
}

/// What one producer measured.
struct Done {
    transactions: u64,
    came_back: u64,
    whole: Latency,
    begins: Latency,
    ends: Latency,
}

impl Transactions {
    /// Runs it.
    pub(crate) fn run(&self, cluster: &Cluster) -> Result<TransactionsReport, DriverError> {
        let clock = Clock::system();
        let at_rest_seconds = self.take_ids_at_rest(cluster, &clock)?;
        let start = clock.boot_time();
        let until = start.plus(Duration::from_secs(self.seconds));
        let done: Vec<Done> = thread::scope(|scope| {
            let work = |number| {
                let clock = &clock;
                scope.spawn(move || self.produce(cluster, clock, number, until))
            };
            let threads: Vec<_> = (0..self.producers).map(work).collect();
            let join = |thread: thread::ScopedJoinHandle<'_, _>| {
                thread.join().unwrap_or(Err(DriverError::Panicked))
            };
            threads.into_iter().map(join).collect::<Result<_, _>>()
        })?;
        let seconds = clock.boot_time().since(start).as_secs_f64();
        let mut all = Done::new()?;
        for one in &done {
            all.add(one);
        }
        Ok(TransactionsReport {
            seconds,
            transactions: all.transactions,
            transactions_per_second: all.transactions as f64 / seconds.max(1e-9),
            came_back: all.came_back,
            transaction_ms: all.whole.percentiles(),
            begin_ms: all.begins.percentiles(),
            end_ms: all.ends.percentiles(),
            at_rest_seconds,
            driver_cpu_seconds: driver_cpu_seconds(),
        })
    }

    /// How long it took, with as many connections as there are producers.
    fn take_ids_at_rest(&self, cluster: &Cluster, clock: &Clock) -> Result<f64, DriverError> {
        let start = clock.boot_time();
        let lanes = self.producers.max(1);
        thread::scope(|scope| {
            let take = |lane| scope.spawn(move || self.take_lane(cluster, (lane, lanes)));
            let threads: Vec<_> = (0..lanes).map(take).collect();
            let mut joined = threads.into_iter().map(thread::ScopedJoinHandle::join);
            joined.try_for_each(|joined| joined.unwrap_or(Err(DriverError::Panicked)))
        })?;
        Ok(clock.boot_time().since(start).as_secs_f64())
    }

    fn take_lane(
        &self,
        cluster: &Cluster,
        (lane, lanes): (usize, usize),
    ) -> Result<(), DriverError> {
        let mut ids = (lane..self.at_rest).step_by(lanes).map(|number| format!("at-rest-{number}"));
        let Some(first) = ids.next() else { return Ok(()) };
        let mut producer = TransactionalProducer::open(cluster.bootstrap(), &first)?;
        ids.try_for_each(|id| producer.take_another(&id))
    }

    fn produce(
        &self,
        cluster: &Cluster,
        clock: &Clock,
        number: usize,
        until: BootTime,
    ) -> Result<Done, DriverError> {
        let partitions: Vec<i32> = (0..self.partitions.max(1)).collect();
        let content = Content {
            records: self.records.max(1),
            record_bytes: self.record_bytes,
            unix_ms: clock.unix_ms(),
        };
        let id = format!("transactions-{number}");
        let mut producer = TransactionalProducer::open(cluster.bootstrap(), &id)?;
        let mut done = Done::new()?;
        while clock.boot_time() < until {
            let start = clock.boot_time();
            done.came_back += u64::from(producer.begin(&self.topic, &partitions)?);
            done.begins.record(clock.boot_time().since(start));
            producer.write(&self.topic, &partitions, content)?;
            let ending = clock.boot_time();
            producer.commit()?;
            let end = clock.boot_time();
            done.ends.record(end.since(ending));
            done.whole.record(end.since(start));
            done.transactions += 1;
        }
        Ok(done)
    }
}

impl Done {
    fn new() -> Result<Self, DriverError> {
        let (whole, begins, ends) = (Latency::new()?, Latency::new()?, Latency::new()?);
        Ok(Self { transactions: 0, came_back: 0, whole, begins, ends })
    }

    fn add(&mut self, other: &Self) {
        self.transactions += other.transactions;
        self.came_back += other.came_back;
        self.whole.add(&other.whole);
        self.begins.add(&other.begins);
        self.ends.add(&other.ends);
    }
}
