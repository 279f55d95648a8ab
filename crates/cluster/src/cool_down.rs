//! [`CoolDown`]: when partitions are moved for the sake of balance. Pure.
//!
//! Soon after brokers came, to where partitions are, that nobody knew or that had been away for long: they came to take load. Otherwise not before the brokers have
//! been the same for a while: one that restarts gets its partitions back without others having moved. Then until the spread is even, and not
//! again for as long.

use model::BrokerId;
use runtime::BootTime;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// How long new brokers are waited for after one came: they seldom come alone.
const SETTLING: Duration = Duration::from_secs(10);

/// The controller's patience.
#[derive(Clone, Debug)]
pub(crate) struct CoolDown {
    interval: Duration,
    brokers: BTreeSet<BrokerId>,
    /// Brokers that are not there, and since when at least.
    away: BTreeMap<BrokerId, BootTime>,
    until: Option<BootTime>,
}

impl CoolDown {
    /// Waits for `interval` each time.
    pub(crate) fn new(interval: Duration) -> Self {
        Self { interval, brokers: BTreeSet::new(), away: BTreeMap::new(), until: None }
    }

    /// Whether partitions may be moved now, among these brokers. `registered` are all that ever were, and nobody forgot; `has_load` says whether
    /// there are partitions.
    pub(crate) fn is_over(
        &mut self,
        brokers: BTreeSet<BrokerId>,
        registered: impl IntoIterator<Item = BrokerId>,
        has_load: bool,
        now: BootTime,
    ) -> bool {
        if self.until.is_none() || self.brokers != brokers {
            let gone = registered.into_iter().filter(|broker| !brokers.contains(broker));
            let away: BTreeMap<_, _> =
                gone.map(|it| (it, *self.away.get(&it).unwrap_or(&now))).collect();
            let mut came = brokers.difference(&self.brokers);
            let restarted = came.clone().filter_map(|broker| self.away.get(broker));
            let recent = |since: &BootTime| now.since(*since) < self.interval;
            let unrest = away.values().chain(restarted).any(recent);
            let is_known = self.until.is_some() && has_load;
            let soon = is_known && came.next().is_some() && !unrest;
            let pause = if soon { SETTLING.min(self.interval) } else { self.interval };
            self.until = Some(now.plus(pause));
            (self.brokers, self.away) = (brokers, away);
        }
        self.until.is_some_and(|until| now >= until)
    }

    /// The spread is even: it is left alone for a while.
    pub(crate) fn begin(&mut self, now: BootTime) {
        self.until = Some(now.plus(self.interval));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: u64 = 100;

    /// Brokers by their numbers, of which some are not there.
    struct Watched {
        cool_down: CoolDown,
        registered: BTreeSet<BrokerId>,
        has_load: bool,
    }

    impl Watched {
        fn new() -> Self {
            let cool_down = CoolDown::new(Duration::from_secs(INTERVAL));
            Self { cool_down, registered: BTreeSet::new(), has_load: true }
        }

        fn is_over(&mut self, brokers: &[u32], seconds: u64) -> bool {
            let brokers: BTreeSet<_> =
                brokers.iter().map(|number| BrokerId::new(*number).unwrap()).collect();
            self.registered.extend(&brokers);
            self.cool_down.is_over(
                brokers,
                self.registered.iter().copied(),
                self.has_load,
                at(seconds),
            )
        }
    }

    fn at(seconds: u64) -> BootTime {
        BootTime(Duration::from_secs(seconds))
    }

    #[test]
    fn brokers_that_nobody_knew_are_given_partitions_soon() {
        let mut watched = Watched::new();
        assert!(!watched.is_over(&[1, 2], 0) && !watched.is_over(&[1, 2], 19));
        assert!(!watched.is_over(&[1, 2, 3], 20) && !watched.is_over(&[1, 2, 3, 4], 29));
        assert!(!watched.is_over(&[1, 2, 3, 4], 38) && watched.is_over(&[1, 2, 3, 4], 39));
        watched.cool_down.begin(at(40));
        assert!(!watched.is_over(&[1, 2, 3, 4, 5], 50) && watched.is_over(&[1, 2, 3, 4, 5], 60));
    }

    #[test]
    fn a_cluster_that_is_being_started_is_left_alone() {
        let mut watched = Watched { has_load: false, ..Watched::new() };
        assert!(!watched.is_over(&[1], 0) && !watched.is_over(&[1, 2, 3], 5));
        watched.has_load = true;
        assert!(!watched.is_over(&[1, 2, 3], 104) && watched.is_over(&[1, 2, 3], 105));
    }

    #[test]
    fn one_that_restarts_finds_everything_as_it_was() {
        let mut watched = Watched::new();
        assert!(!watched.is_over(&[1, 2, 3], 0));
        assert!(!watched.is_over(&[1, 2], 50));
        assert!(!watched.is_over(&[1, 2, 3], 149));
        assert!(!watched.is_over(&[1, 2, 3], 248) && watched.is_over(&[1, 2, 3], 249));
    }

    #[test]
    fn one_that_was_away_for_long_is_as_good_as_new() {
        let mut watched = Watched::new();
        assert!(!watched.is_over(&[1, 2, 3], 0) && !watched.is_over(&[1, 2], 50));
        assert!(!watched.is_over(&[1, 2], 149) && watched.is_over(&[1, 2], 150));
        assert!(!watched.is_over(&[1, 2, 3], 200) && watched.is_over(&[1, 2, 3], 210));
    }

    #[test]
    fn a_new_controller_waits_for_those_that_are_not_there() {
        let mut watched = Watched::new();
        watched.registered.extend([1, 2, 3].map(|number| BrokerId::new(number).unwrap()));
        assert!(!watched.is_over(&[1, 2], 0) && !watched.is_over(&[1, 2, 3], 20));
        assert!(!watched.is_over(&[1, 2, 3], 119) && watched.is_over(&[1, 2, 3], 120));
        // Somebody new, while another one is away only briefly.
        assert!(!watched.is_over(&[1, 2], 200) && !watched.is_over(&[1, 2, 4], 210));
        assert!(!watched.is_over(&[1, 2, 4], 309) && watched.is_over(&[1, 2, 4], 310));
    }

    #[test]
    fn what_is_even_is_left_alone_for_the_interval() {
        let mut watched = Watched::new();
        assert!(!watched.is_over(&[1], 0));
        assert!(watched.is_over(&[1], 100) && watched.is_over(&[1], 101));
        watched.cool_down.begin(at(102));
        assert!(!watched.is_over(&[1], 201) && watched.is_over(&[1], 202));
    }

    #[test]
    fn a_short_interval_is_never_exceeded() {
        let mut cool_down = CoolDown::new(Duration::from_secs(2));
        let broker: BTreeSet<_> = BrokerId::new(1).into_iter().collect();
        assert!(!cool_down.is_over(BTreeSet::new(), [], true, at(0)));
        assert!(!cool_down.is_over(broker.clone(), broker.clone(), true, at(1)));
        assert!(cool_down.is_over(broker.clone(), broker, true, at(3)));
    }
}
