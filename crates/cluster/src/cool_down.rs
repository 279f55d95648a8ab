//! [`CoolDown`]: when partitions are moved for the sake of balance. Pure.
//!
//! Not before the brokers have been the same for a while: one that restarts gets its partitions back without others having moved. Then
//! until the spread is even, and not again for as long.

use model::BrokerId;
use runtime::BootTime;
use std::{collections::BTreeSet, time::Duration};

/// The controller's patience.
#[derive(Clone, Debug)]
pub(crate) struct CoolDown {
    interval: Duration,
    brokers: BTreeSet<BrokerId>,
    until: Option<BootTime>,
}

impl CoolDown {
    /// Waits for `interval` each time.
    pub(crate) fn new(interval: Duration) -> Self {
        Self { interval, brokers: BTreeSet::new(), until: None }
    }

    /// Whether partitions may be moved now, among these brokers.
    pub(crate) fn is_over(&mut self, brokers: BTreeSet<BrokerId>, now: BootTime) -> bool {
        if self.brokers != brokers {
            self.brokers = brokers;
            self.until = None;
        }
        let interval = self.interval;
        now >= *self.until.get_or_insert_with(|| now.plus(interval))
    }

    /// The spread is even: it is left alone for a while.
    pub(crate) fn begin(&mut self, now: BootTime) {
        self.until = Some(now.plus(self.interval));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> BootTime {
        BootTime(Duration::from_secs(seconds))
    }

    fn brokers(numbers: &[u32]) -> BTreeSet<BrokerId> {
        numbers.iter().map(|number| BrokerId::new(*number).unwrap()).collect()
    }

    #[test]
    fn brokers_must_have_been_the_same_for_the_whole_interval() {
        let mut cool_down = CoolDown::new(Duration::from_secs(10));
        assert!(!cool_down.is_over(brokers(&[1, 2]), at(0)));
        assert!(!cool_down.is_over(brokers(&[1]), at(9)));
        assert!(!cool_down.is_over(brokers(&[1, 2]), at(18)));
        assert!(!cool_down.is_over(brokers(&[1, 2]), at(27)));
        assert!(cool_down.is_over(brokers(&[1, 2]), at(28)));
    }

    #[test]
    fn what_is_even_is_left_alone_for_the_interval() {
        let mut cool_down = CoolDown::new(Duration::from_secs(10));
        assert!(!cool_down.is_over(brokers(&[1]), at(0)));
        assert!(
            cool_down.is_over(brokers(&[1]), at(10)) && cool_down.is_over(brokers(&[1]), at(11))
        );
        cool_down.begin(at(12));
        assert!(
            !cool_down.is_over(brokers(&[1]), at(21)) && cool_down.is_over(brokers(&[1]), at(22))
        );
    }
}
