//! The `commit` command: groups whose members commit offsets at a fixed rate, timed from when a commit was due.
//!
//! The members are none: a commit names its group and no generation, which a coordinator takes for an empty group and stores as any
//! other. So a thousand groups of ten need no connections of their own.

use crate::{
    broker_error::BrokerError,
    cluster::Cluster,
    connection::Connection,
    coordinator::wait_for_coordinator,
    error::DriverError,
    latency::Latency,
    pace::Pace,
    report::{CommitReport, driver_cpu_seconds},
    wire::{Answer, Request},
};
use runtime::{BootTime, Clock};
use std::{
    collections::{BTreeMap, VecDeque},
    io::IoSlice,
    thread,
    time::Duration,
};

const OFFSET_COMMIT: (i16, i16) = (8, 6);

/// Who commits how often.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Commit {
    /// A topic with a partition for each member of a group
    #[arg(long)]
    topic: String,
    /// Groups
    #[arg(long, default_value_t = 1000)]
    groups: usize,
    /// Members of each; every one commits its own partition
    #[arg(long, default_value_t = 10)]
    members: usize,
    /// Commits of each member a second
    #[arg(long, default_value_t = 1.0)]
    rate: f64,
    /// For how long
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Connections that the commits are spread over
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// Commits of a connection that may wait for their answers
    #[arg(long, default_value_t = 256)]
    in_flight: usize,
}

impl Commit {
    /// Runs it.
    pub(crate) fn run(&self, cluster: &Cluster) -> Result<CommitReport, DriverError> {
        let clock = Clock::system();
        wait_for_coordinator(cluster)?;
        let start = clock.boot_time().plus(Duration::from_millis(100));
        let lanes = self.connections.max(1);
        let done: Result<Vec<Done>, DriverError> = thread::scope(|scope| {
            let threads: Vec<_> = (0..lanes)
                .map(|lane| {
                    let clock = &clock;
                    scope.spawn(move || {
                        Committer::open(self, cluster, (lane, lanes), start)?.run(clock)
                    })
                })
                .collect();
            let join = |thread: thread::ScopedJoinHandle<'_, _>| {
                thread.join().unwrap_or(Err(DriverError::Panicked))
            };
            threads.into_iter().map(join).collect()
        });
        let mut latency = Latency::new()?;
        let mut errors: BTreeMap<i16, u64> = BTreeMap::new();
        for one in done? {
            latency.add(&one.latency);
            for (code, count) in one.errors {
                *errors.entry(code).or_default() += count;
            }
        }
        Ok(CommitReport {
            seconds: clock.boot_time().since(start).as_secs_f64(),
            commit_ms: latency.percentiles(),
            errors,
            driver_cpu_seconds: driver_cpu_seconds(),
        })
    }
}

/// What one connection measured.
struct Done {
    latency: Latency,
    errors: BTreeMap<i16, u64>,
}

/// One connection's members.
struct Committer<'a> {
    commit: &'a Commit,
    connection: Connection,
    lane: (usize, usize),
    pace: Pace,
    until: BootTime,
    sent: usize,
    waiting: VecDeque<BootTime>,
    done: Done,
}

impl<'a> Committer<'a> {
    fn open(
        commit: &'a Commit,
        cluster: &Cluster,
        lane: (usize, usize),
        start: BootTime,
    ) -> Result<Self, DriverError> {
        let per_second = commit.rate * (commit.groups * commit.members) as f64;
        Ok(Self {
            commit,
            connection: Connection::open(cluster.bootstrap())?,
            lane,
            // A commit counts as one byte here: the rate is in commits.
            pace: Pace::new(Some(per_second), 1, lane, start),
            until: start.plus(Duration::from_secs(commit.seconds)),
            sent: 0,
            waiting: VecDeque::new(),
            done: Done { latency: Latency::new()?, errors: BTreeMap::new() },
        })
    }

    fn run(mut self, clock: &Clock) -> Result<Done, DriverError> {
        loop {
            let now = clock.boot_time();
            let sending = now < self.until;
            let room = sending && self.waiting.len() < self.commit.in_flight;
            if let Some(due) = self.pace.due(now).filter(|_| room) {
                self.send(due)?;
                continue;
            }
            if !sending && self.waiting.is_empty() {
                return Ok(self.done);
            }
            let wait = self.pace.wait(now).max(Duration::from_micros(1));
            if self.connection.readable(room.then_some(wait))? && !self.waiting.is_empty() {
                self.receive(clock)?;
            }
        }
    }

    /// Member by member through all groups, so that commits of a group lie far apart.
    fn send(&mut self, due: BootTime) -> Result<(), DriverError> {
        let (lane, lanes) = self.lane;
        let number = self.sent * lanes + lane;
        let group = number % self.commit.groups;
        let member = number / self.commit.groups % self.commit.members;
        let mut request = Request::new(OFFSET_COMMIT.0, OFFSET_COMMIT.1, self.sent as i32);
        request.text(&format!("group-{group}")).i32(-1).text("");
        request.i32(1).text(&self.commit.topic).i32(1);
        request.i32(member as i32).i64(number as i64).i32(0).text("");
        self.connection.send(&mut [IoSlice::new(&request.finish(0))])?;
        self.sent += 1;
        self.waiting.push_back(due);
        self.pace.advance();
        Ok(())
    }

    fn receive(&mut self, clock: &Clock) -> Result<(), DriverError> {
        let mut answer = Answer::new("OffsetCommit", self.connection.receive()?)?;
        answer.i32()?;
        answer.count()?;
        answer.text()?;
        answer.count()?;
        answer.i32()?;
        let code = answer.i16()?;
        if BrokerError::from_wire(code).is_some() {
            *self.done.errors.entry(code).or_default() += 1;
        }
        if let Some(due) = self.waiting.pop_front() {
            self.done.latency.record(clock.boot_time().since(due));
        }
        Ok(())
    }
}
