//! The last commits of a group in a partition.

use serde::Serialize;
use std::{collections::VecDeque, time::Duration};

/// A commit as it is kept. Times are in milliseconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Commit {
    /// The next offset to read.
    pub offset: i64,
    /// Orders the commits of a partition: where this one stands in `__consumer_offsets`.
    #[serde(skip)]
    pub order: i64,
    /// When it was made.
    pub timestamp: i64,
    /// When it was seen here.
    #[serde(rename = "observedAt")]
    pub observed_at: i64,
    /// How far it was behind when it was seen; `None` when it was seen long after it was made.
    pub lag: Option<u64>,
}

/// The last commits, oldest first.
#[derive(Clone, Debug)]
pub struct CommitWindow {
    commits: VecDeque<Commit>,
    intervals: usize,
}

impl CommitWindow {
    /// An empty one of so many commits; at least one.
    pub fn new(intervals: usize) -> Self {
        Self { commits: VecDeque::new(), intervals: intervals.max(1) }
    }

    /// Adds a commit that comes after all others; others are dropped. One that was made less than `min_distance` after the one before
    /// takes its place and its time: otherwise a group that commits without pause would show nothing but its last moments.
    pub fn add(&mut self, mut commit: Commit, min_distance: Duration) {
        if let Some(last) = self.commits.back_mut() {
            if last.order >= commit.order {
                return;
            }
            let distance = commit.timestamp.saturating_sub(last.timestamp);
            if i128::from(distance) < min_distance.as_millis() as i128 {
                commit.timestamp = last.timestamp;
                *last = commit;
                return;
            }
        }
        if self.commits.len() == self.intervals {
            self.commits.pop_front();
        }
        self.commits.push_back(commit);
    }

    /// The commits, oldest first.
    pub fn commits(&self) -> impl ExactSizeIterator<Item = &Commit> + Clone {
        self.commits.iter()
    }

    /// The oldest commit.
    pub fn first(&self) -> Option<&Commit> {
        self.commits.front()
    }

    /// The newest commit.
    pub fn last(&self) -> Option<&Commit> {
        self.commits.back()
    }

    /// The part of the commits to be kept that is there.
    pub fn complete(&self) -> f64 {
        self.commits.len() as f64 / self.intervals as f64
    }

    /// The commits as Burrow shows them: places that no commit has taken yet come first.
    pub fn slots(&self) -> Vec<Option<Commit>> {
        let empty = self.intervals.saturating_sub(self.commits.len());
        let empty = std::iter::repeat_n(None, empty);
        empty.chain(self.commits.iter().copied().map(Some)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn commit(order: i64, timestamp: i64) -> Commit {
        Commit { offset: order * 10, order, timestamp, observed_at: timestamp, lag: Some(0) }
    }

    fn times(window: &CommitWindow) -> Vec<(i64, i64)> {
        window.commits().map(|it| (it.order, it.timestamp)).collect()
    }

    #[test]
    fn the_oldest_commit_makes_room() {
        let mut window = CommitWindow::new(2);
        assert_eq!(window.slots(), [None, None]);
        for n in 1..=3 {
            window.add(commit(n, n * 1_000), SECOND);
        }
        assert_eq!(times(&window), [(2, 2_000), (3, 3_000)]);
        assert!((window.complete() - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_partial_window_is_so_complete_and_shows_its_empty_places_first() {
        let mut window = CommitWindow::new(4);
        window.add(commit(1, 1_000), SECOND);
        assert!((window.complete() - 0.25).abs() < f64::EPSILON);
        assert_eq!(window.slots(), [None, None, None, Some(commit(1, 1_000))]);
    }

    #[test]
    fn commits_in_quick_succession_are_one_with_the_time_of_the_first() {
        let mut window = CommitWindow::new(3);
        for (order, time) in [(1, 1_000), (2, 1_400), (3, 1_900), (4, 2_000)] {
            window.add(commit(order, time), SECOND);
        }
        assert_eq!(times(&window), [(3, 1_000), (4, 2_000)]);
    }

    #[test]
    fn a_commit_that_was_seen_before_is_dropped() {
        let mut window = CommitWindow::new(3);
        for (order, time) in [(5, 5_000), (4, 9_000), (5, 9_000)] {
            window.add(commit(order, time), SECOND);
        }
        assert_eq!(times(&window), [(5, 5_000)]);
    }
}
