//! How far the store's history may be forgotten: never younger than five minutes. Pure.

use metadata::Revision;
use runtime::BootTime;
use std::{collections::VecDeque, time::Duration};

const KEEP: Duration = Duration::from_secs(300);
const RHYTHM: Duration = Duration::from_secs(30);

/// Revisions by when they were seen, a sample every half minute.
#[derive(Debug, Default)]
pub(crate) struct History {
    samples: VecDeque<(BootTime, Revision)>,
    forgotten: Revision,
}

impl History {
    /// Takes note of `revision` at `now`; answers what to compact to, at most once for each sample.
    pub fn forget(&mut self, now: BootTime, revision: Revision) -> Option<Revision> {
        if self.samples.back().is_none_or(|(at, _)| now.since(*at) >= RHYTHM) {
            self.samples.push_back((now, revision));
        }
        let mut oldest = None;
        while let Some((at, revision)) = self.samples.front().copied() {
            if now.since(at) < KEEP {
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

    #[test]
    fn nothing_younger_than_five_minutes_is_forgotten() {
        let mut history = History::default();
        let at = |seconds| BootTime(Duration::from_secs(seconds));
        assert_eq!(history.forget(at(0), Revision(10)), None);
        assert_eq!(history.forget(at(60), Revision(20)), None);
        assert_eq!(history.forget(at(299), Revision(30)), None);
        assert_eq!(history.forget(at(300), Revision(40)), Some(Revision(10)));
        assert_eq!(history.forget(at(301), Revision(50)), None);
        assert_eq!(history.forget(at(360), Revision(60)), Some(Revision(20)));
    }
}
