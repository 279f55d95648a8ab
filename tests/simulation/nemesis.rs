//! [`Nemesis`]: lets things go wrong and mends them again, by its own dice.

use crate::{
    broker::Broker,
    scenario::{Scenario, Trouble},
    simulation::{CLIENTS, Simulation},
};
use runtime::Randomness;
use std::{collections::BTreeMap, net::IpAddr, ops::Range, time::Duration};
use storage::Fault;

/// Pause between two troubles.
const PAUSE_MS: Range<u64> = 300..6_000;
/// How long one lasts. The lease is 3 s.
const LASTS_MS: Range<u64> = 200..9_000;

/// What mends a trouble.
#[derive(Clone, Copy, Debug)]
enum Remedy {
    Start(u32),
    /// Ends its process, if it runs, and starts it.
    Restart(u32),
    GoOn(u32),
    HealLine(u32),
    HealObjects(u32),
    HealWires,
}

/// Who lets things go wrong.
#[derive(Debug)]
pub struct Nemesis {
    troubles: &'static [Trouble],
    randomness: Randomness,
    next: Duration,
    /// By when they are due; the number tells apart what is due at once.
    remedies: BTreeMap<(Duration, u64), Remedy>,
    told: u64,
}

impl Nemesis {
    pub fn new(scenario: &Scenario, randomness: Randomness) -> Self {
        let (next, remedies) = (Duration::ZERO, BTreeMap::new());
        Self { troubles: scenario.troubles, randomness, next, remedies, told: 0 }
    }

    /// Does what is due now.
    pub fn act(&mut self, simulation: &mut Simulation) {
        let now = simulation.world.now;
        while let Some(due) = self.remedies.first_entry().filter(|due| due.key().0 <= now) {
            mend(simulation, due.remove());
        }
        if now < self.next {
            return;
        }
        self.next = now + self.draw(PAUSE_MS);
        if let Some(trouble) = self.one_of(self.troubles) {
            let broker = 1 + self.randomness.below(simulation.brokers.len() as u64) as u32;
            let remedy = self.strike(simulation, trouble, broker);
            tracing::info!(?now, ?trouble, broker, "strikes");
            if let Some(remedy) = remedy {
                self.told += 1;
                self.remedies.insert((now + self.draw(LASTS_MS), self.told), remedy);
            }
        }
    }

    /// Mends everything.
    pub fn heal(&mut self, simulation: &mut Simulation) {
        for (_, remedy) in std::mem::take(&mut self.remedies) {
            mend(simulation, remedy);
        }
        simulation.world.wires.heal();
        for number in 1..=simulation.brokers.len() as u32 {
            for remedy in
                [Remedy::HealLine(number), Remedy::HealObjects(number), Remedy::Start(number)]
            {
                mend(simulation, remedy);
            }
        }
    }

    fn strike(
        &mut self,
        simulation: &mut Simulation,
        trouble: Trouble,
        number: u32,
    ) -> Option<Remedy> {
        let Simulation { world, brokers, .. } = simulation;
        let others: Vec<IpAddr> = brokers.iter().map(Broker::host).chain([CLIENTS]).collect();
        let broker = &mut brokers[number as usize - 1];
        match trouble {
            Trouble::Kill => broker.kill(world),
            Trouble::PowerCut => broker.cut_power(world),
            Trouble::DiskLost => broker.lose_disk(world),
            Trouble::Drain => broker.drain(),
            Trouble::DiskFails => {
                broker.disk.fail_next_sync();
                return Some(Remedy::Restart(number));
            }
            Trouble::Pause => {
                broker.machine()?.stop();
                return Some(Remedy::GoOn(number));
            }
            Trouble::MetadataCut => {
                broker.line.cut();
                return Some(Remedy::HealLine(number));
            }
            Trouble::LostAnswers => {
                broker.line.lose_answers(self.randomness.below(40));
                return Some(Remedy::HealLine(number));
            }
            Trouble::WatchGap => {
                world.metadata.faults().cut_watches();
                return None;
            }
            Trouble::ObjectErrors => {
                let faults = [Fault::Unavailable, Fault::AppliedButFailed, Fault::Late];
                let fault = self.one_of(&faults)?;
                broker.object_faults.fail_percent(self.randomness.below(60) as u8, fault);
                return Some(Remedy::HealObjects(number));
            }
            Trouble::SlowObjects => {
                let longest = Duration::from_millis(self.randomness.below(4_000));
                broker.object_faults.delay(Duration::ZERO..longest);
                return Some(Remedy::HealObjects(number));
            }
            Trouble::NetworkCut => {
                let host = broker.host();
                let other = self.one_of(&others).filter(|other| *other != host)?;
                world.wires.cut(host, other);
                if self.randomness.below(2) == 0 {
                    world.wires.cut(other, host);
                }
                return Some(Remedy::HealWires);
            }
            Trouble::Skew => {
                broker.skew(self.randomness.below(20_000) as i64 - 10_000);
                return None;
            }
        }
        Some(Remedy::Start(number))
    }

    fn draw(&self, milliseconds: Range<u64>) -> Duration {
        let spread = self.randomness.below(milliseconds.end - milliseconds.start);
        Duration::from_millis(milliseconds.start + spread)
    }

    fn one_of<T: Copy>(&self, these: &[T]) -> Option<T> {
        these.get(self.randomness.below(these.len() as u64) as usize).copied()
    }
}

fn mend(simulation: &mut Simulation, remedy: Remedy) {
    let (Remedy::Start(number)
    | Remedy::Restart(number)
    | Remedy::GoOn(number)
    | Remedy::HealLine(number)
    | Remedy::HealObjects(number)) = remedy
    else {
        return simulation.world.wires.heal();
    };
    let broker = &mut simulation.brokers[number as usize - 1];
    match remedy {
        Remedy::GoOn(_) => {
            if let Some(machine) = broker.machine() {
                machine.go_on();
            }
        }
        Remedy::HealLine(_) => {
            broker.line.heal();
            broker.line.land_delayed();
        }
        Remedy::HealObjects(_) => broker.object_faults.heal(),
        Remedy::Restart(_) => {
            broker.kill(&simulation.world);
            simulation.start(number);
        }
        Remedy::Start(_) | Remedy::HealWires => simulation.start(number),
    }
}
