//! The `rebalance` command: a large group forms, then one more member joins; timed until everybody has what is theirs.
//!
//! Members act as soon as they can: no time is spent waiting for the next heartbeat of an interval, which is the client's. With
//! `--groups` that many groups of one member each are made and left alone, for what a broker needs for groups at rest.

use crate::{
    cluster::Cluster,
    coordinator::wait_for_coordinator,
    error::DriverError,
    member::Member,
    report::{RebalanceReport, driver_cpu_seconds},
};
use runtime::{BootTime, Clock};
use std::{thread, time::Duration};

const REBALANCE_IN_PROGRESS: i16 = 27;
/// The coordinator is not available, loading, or another one.
const COMES_BACK: [i16; 3] = [14, 15, 16];
const PAUSE: Duration = Duration::from_millis(50);
/// Rounds of heartbeats until a group must be at rest.
const ROUNDS: usize = 1_000;

/// How groups assign.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(crate) enum Protocol {
    /// Members join generations, and one of them assigns.
    Classic,
    /// The coordinator assigns (KIP-848).
    Consumer,
}

/// How many members of what.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Rebalance {
    /// A topic with at least as many partitions as there are members
    #[arg(long)]
    topic: String,
    /// The protocol
    #[arg(long, value_enum, default_value = "classic")]
    protocol: Protocol,
    /// The group, all of whose members must follow one protocol; with `--groups` what the names of all begin with
    #[arg(long, default_value = "rebalanced")]
    group: String,
    /// Members of the group
    #[arg(long, default_value_t = 1000)]
    members: usize,
    /// Make so many groups of one member each instead, and leave them
    #[arg(long)]
    groups: Option<usize>,
}

impl Rebalance {
    /// Runs it.
    pub(crate) fn run(&self, cluster: &Cluster) -> Result<RebalanceReport, DriverError> {
        let clock = Clock::system();
        wait_for_coordinator(cluster)?;
        let start = clock.boot_time();
        if let Some(groups) = self.groups {
            for number in 0..groups {
                let group = format!("{}-{number}", self.group);
                let mut one = vec![Member::open(cluster.bootstrap(), &group, &self.topic)?];
                self.settle(&mut one)?;
            }
            return Ok(report(groups, since(&clock, start), 0.0));
        }
        let open = || Member::open(cluster.bootstrap(), &self.group, &self.topic);
        let mut members = Vec::with_capacity(self.members + 1);
        for _ in 0..self.members {
            members.push(open()?);
        }
        let start = clock.boot_time();
        self.settle(&mut members)?;
        let formed = since(&clock, start);
        members.push(open()?);
        let start = clock.boot_time();
        self.settle(&mut members)?;
        Ok(report(self.members, formed, since(&clock, start)))
    }

    /// Lets members that are new join, until everybody is in one generation with its share.
    fn settle(&self, members: &mut [Member]) -> Result<(), DriverError> {
        match self.protocol {
            Protocol::Classic => settle_classic(members),
            Protocol::Consumer => settle_consumers(members),
        }
    }
}

fn report(members: usize, formed_seconds: f64, rebalanced_seconds: f64) -> RebalanceReport {
    RebalanceReport {
        members,
        formed_seconds,
        rebalanced_seconds,
        driver_cpu_seconds: driver_cpu_seconds(),
    }
}

fn since(clock: &Clock, start: BootTime) -> f64 {
    clock.boot_time().since(start).as_secs_f64()
}

fn settle_classic(members: &mut [Member]) -> Result<(), DriverError> {
    for member in members.iter_mut().filter(|member| member.id.is_empty()) {
        member.send_join()?;
    }
    // The others learn of it by their heartbeats.
    let mut waiting: Vec<&mut Member> =
        members.iter_mut().filter(|member| !member.id.is_empty()).collect();
    while !waiting.is_empty() {
        for member in &mut waiting {
            member.send_heartbeat()?;
        }
        let mut unaware = Vec::new();
        for member in waiting {
            if member.heard()? == REBALANCE_IN_PROGRESS {
                member.send_join()?;
            } else {
                unaware.push(member);
            }
        }
        waiting = unaware;
    }
    for member in members.iter_mut() {
        while COMES_BACK.contains(&member.joined()?) {
            thread::sleep(PAUSE);
            member.send_join()?;
        }
    }
    for member in members.iter_mut() {
        member.send_sync()?;
    }
    for member in members.iter_mut() {
        match member.synced()? {
            0 => {}
            _ => return Err(DriverError::Usage("members joined too far apart: try again")),
        }
    }
    Ok(())
}

fn settle_consumers(members: &mut [Member]) -> Result<(), DriverError> {
    for _ in 0..ROUNDS {
        for member in members.iter_mut() {
            member.send_consumer_heartbeat()?;
        }
        let (mut changed, mut too_early) = (false, false);
        for member in members.iter_mut() {
            let (code, news) = member.consumer_heard()?;
            if code != 0 && !COMES_BACK.contains(&code) {
                return Err(DriverError::Usage("a heartbeat was refused"));
            }
            too_early |= code != 0;
            changed |= news || code != 0;
        }
        if too_early {
            thread::sleep(PAUSE);
        }
        let shares = members.iter().map(Member::share);
        if !changed && shares.min() > Some(0) {
            return Ok(());
        }
    }
    Err(DriverError::Usage("the group does not come to rest; has the topic enough partitions?"))
}
