//! How far the store's history may be forgotten: not what is younger than five minutes, or one when the store is large. Pure.

use metadata::Revision;
use runtime::BootTime;
use std::{collections::VecDeque, time::Duration};

/// History that is kept for watchers that were away.
const KEEP: Duration = Duration::from_secs(300);

/// The same while the store is larger than [`LARGE`]: who was away for longer reads anew, which is cheaper than a full store.
const KEEP_OF_LARGE: Duration = Duration::from_secs(60);

/// Bytes that a store uses beyond which it is large: an eighth of etcd's default quota of 2 GiB.
const LARGE: u64 = 256 << 20;

/// How often a sample is taken.
const RHYTHM: Duration = Duration::from_secs(15);

/// Revisions by when they were seen, a sample each quarter of a minute.
#[derive(Debug, Default)]
pub(crate) struct History {
    samples: VecDeque<(BootTime, Revision)>,
    forgotten: Revision,
}

impl History {
    /// Whether [`forget`](Self::forget) is due at `now`.
    pub fn is_due(&self, now: BootTime) -> bool {
        self.samples.back().is_none_or(|(at, _)| now.since(*at) >= RHYTHM)
    }

    /// Takes note of `revision` at `now`, when the store used so many bytes (`None`: it bounds itself); answers what to compact to.
    pub fn forget(
        &mut self,
        now: BootTime,
        revision: Revision,
        used: Option<u64>,
    ) -> Option<Revision> {
        self.samples.push_back((now, revision));
        let keep = if used.is_some_and(|used| used > LARGE) { KEEP_OF_LARGE } else { KEEP };
        let mut oldest = None;
        while let Some((at, revision)) = self.samples.front().copied() {
            if now.since(at) < keep {
                break;
            }
            oldest = Some(revision);
            self.samples.pop_front();
        }
        let target = oldest.filter(|revision| *revision > self.forgotten)?;
        self.forgotten = target;
        Some(target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> BootTime {
        BootTime(Duration::from_secs(seconds))
    }

    #[test]
    fn nothing_younger_than_five_minutes_is_forgotten() {
        let mut history = History::default();
        assert_eq!(history.forget(at(0), Revision(10), Some(LARGE)), None);
        assert_eq!(history.forget(at(60), Revision(20), None), None);
        assert_eq!(history.forget(at(299), Revision(30), Some(1)), None);
        assert_eq!(history.forget(at(300), Revision(40), None), Some(Revision(10)));
        assert_eq!(history.forget(at(315), Revision(50), None), None);
        assert_eq!(history.forget(at(360), Revision(60), None), Some(Revision(20)));
    }

    #[test]
    fn a_large_store_keeps_one_minute() {
        let mut history = History::default();
        let large = Some(LARGE + 1);
        assert_eq!(history.forget(at(0), Revision(10), None), None);
        assert_eq!(history.forget(at(60), Revision(20), None), None);
        assert_eq!(history.forget(at(90), Revision(30), large), Some(Revision(10)));
        assert_eq!(history.forget(at(120), Revision(30), large), Some(Revision(20)));
        assert_eq!(history.forget(at(135), Revision(30), None), None, "it is small again");
    }

    #[test]
    fn a_sample_is_due_four_times_a_minute() {
        let mut history = History::default();
        assert!(history.is_due(at(0)));
        history.forget(at(0), Revision(10), None);
        assert!(!history.is_due(at(14)));
        assert!(history.is_due(at(15)));
    }
}
