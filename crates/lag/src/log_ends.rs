//! [`LogEnds`]: where a partition's log ended, and when: what says how far, and for how long, a group has been behind.

use crate::LagOptions;
use std::{collections::VecDeque, time::Duration};

/// Ends that are kept, at most, beside those of the window that commits are judged in.
const OLDER: usize = 22;

/// Ends of one log with the time they were seen at (milliseconds since 1970), oldest first. Those of the last minutes are all there, older
/// ones ever more sparsely: a log of any age takes the same room.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogEnds {
    seen: VecDeque<(i64, i64)>,
    /// The newest that is known, which may not have been kept.
    current: Option<i64>,
}

impl LogEnds {
    pub(crate) fn add(&mut self, end: i64, now: i64, options: &LagOptions) {
        let most = options.intervals + OLDER;
        if self.seen.len() >= most {
            let older = most.saturating_sub(options.intervals);
            let mut place = 0;
            self.seen.retain(|_| {
                place += 1;
                place == 1 || place > older || place % 2 == 0
            });
        }
        self.seen.push_back((now, end));
        self.current = Some(end);
    }

    /// The end at this moment, which is kept for later only if it is the first.
    pub(crate) fn glance(&mut self, end: i64, now: i64) {
        if self.seen.is_empty() {
            self.seen.push_back((now, end));
        }
        self.current = Some(end);
    }

    /// The newest that is known.
    pub(crate) fn last(&self) -> Option<i64> {
        self.current
    }

    /// The newest that was noted by that time: a group that keeps up is not behind it, however late its commit is told.
    pub(crate) fn known_at(&self, time: i64) -> Option<i64> {
        self.seen.iter().rev().find(|(seen, _)| *seen <= time).map(|(_, end)| *end)
    }

    /// Those of the window that commits are judged in.
    pub(crate) fn recent(&self, intervals: usize) -> impl Iterator<Item = i64> + '_ {
        self.seen.iter().rev().take(intervals).map(|(_, end)| *end)
    }

    /// How old the oldest record is that a group has not read which will read `offset` next: for how long the log has ended beyond it,
    /// between two that were seen as if records had come evenly. As long as is known, when it was behind all that time.
    pub(crate) fn behind_for(&self, offset: i64, now: i64) -> Duration {
        let latest = self.current.map(|end| (now, end));
        let ends: Vec<(i64, i64)> = self.seen.iter().copied().chain(latest).collect();
        let Some(beyond) = ends.iter().position(|(_, end)| *end > offset) else {
            return Duration::ZERO;
        };
        let Some((later, end)) = ends.get(beyond).copied() else { return Duration::ZERO };
        let before = beyond.checked_sub(1).and_then(|before| ends.get(before)).copied();
        let since = before.map_or(later, |(earlier, start)| {
            let part = (offset - start) as f64 / (end - start).max(1) as f64;
            earlier + ((later - earlier) as f64 * part) as i64
        });
        Duration::from_millis(u64::try_from(now.saturating_sub(since)).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(ends: &[(i64, i64)]) -> LogEnds {
        let mut all = LogEnds::default();
        for (now, end) in ends {
            all.add(*end, *now, &LagOptions::default());
        }
        all
    }

    #[test]
    fn lag_in_time_is_the_age_of_the_first_record_that_was_not_read() {
        let ends = seen(&[(10_000, 100), (20_000, 200), (30_000, 200), (40_000, 300)]);
        let seconds = |offset| ends.behind_for(offset, 50_000).as_secs();
        assert_eq!(seconds(300), 0, "nothing is left");
        assert_eq!(seconds(400), 0, "ahead of what was seen");
        assert_eq!(seconds(250), 15, "half way between two that were seen");
        assert_eq!(seconds(200), 20, "since the log went on");
        assert_eq!(seconds(100), 40);
        assert_eq!(seconds(50), 40, "at least as long as is known");
    }

    #[test]
    fn a_commit_that_is_told_late_is_compared_with_what_was_known_when_it_was_made() {
        let mut ends = seen(&[(10_000, 100), (20_000, 200)]);
        ends.glance(300, 25_000);
        let known = [9_999, 10_000, 19_999, 24_000].map(|time| ends.known_at(time));
        assert_eq!(known, [None, Some(100), Some(100), Some(200)]);
        assert_eq!(ends.last(), Some(300));
    }

    #[test]
    fn old_ends_thin_out_and_recent_ones_stay() {
        let options = LagOptions::default();
        let mut ends = LogEnds::default();
        for n in 0..10_000 {
            ends.add(n, n * 1_000, &options);
        }
        assert!(ends.seen.len() <= options.intervals + OLDER, "{}", ends.seen.len());
        assert!(ends.recent(options.intervals).eq((9_990..10_000).rev()));
        assert_eq!(ends.seen.front(), Some(&(0, 0)), "the first says how far back is known");
        assert!(ends.seen.iter().is_sorted());
    }
}
