//! Merging: records of many partitions in the order of their times, each partition's in the order of its offsets.

use super::scan::Found;
use std::collections::VecDeque;

/// A partition on the way through a search.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) partition: i32,
    pub(super) leader: u32,
    /// Where to read on.
    pub(super) next: i64,
    /// Where to stop.
    pub(super) end: i64,
    /// Found and not yet taken.
    pub(super) found: VecDeque<Found>,
    /// Why it is not read on.
    pub(super) problem: Option<String>,
}

impl Run {
    /// Whether there is nothing to be fetched.
    pub(super) fn is_read(&self) -> bool {
        self.next >= self.end || self.problem.is_some()
    }

    /// Where the next search goes on.
    pub(super) fn resume(&self) -> i64 {
        self.found.front().map_or(self.next, |found| found.offset)
    }
}

/// Takes the oldest, until there are `limit` or a partition has to be read on to know which that is.
pub(super) fn take_oldest(runs: &mut [Run], taken: &mut Vec<Found>, limit: usize) {
    while taken.len() < limit && runs.iter().all(|run| !run.found.is_empty() || run.is_read()) {
        let first = |run: &&mut Run| run.found.front().map(|it| (it.timestamp, run.partition));
        let oldest = runs.iter_mut().filter(|run| !run.found.is_empty()).min_by_key(first);
        match oldest.and_then(|run| run.found.pop_front()) {
            Some(found) => taken.push(found),
            None => return,
        }
    }
}

/// Takes the newest, the newest first.
pub(super) fn take_newest(runs: &mut [Run], limit: usize) -> Vec<Found> {
    let mut taken = Vec::new();
    while taken.len() < limit {
        let last = |run: &&mut Run| run.found.back().map(|it| (it.timestamp, run.partition));
        let newest = runs.iter_mut().filter(|run| !run.found.is_empty()).max_by_key(last);
        match newest.and_then(|run| run.found.pop_back()) {
            Some(found) => taken.push(found),
            None => break,
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::{super::shown::Shown, *};

    fn found(partition: i32, offset: i64, timestamp: i64) -> Found {
        let shown = Shown {
            partition,
            offset: offset.to_string(),
            timestamp,
            append_time: false,
            transactional: false,
            key: None,
            value: None,
            headers: Vec::new(),
            headers_left_out: 0,
        };
        Found { offset, timestamp, shown }
    }

    /// A partition with records of these times, at offsets from 0.
    fn run(partition: i32, times: &[i64], end: i64) -> Run {
        let found: VecDeque<Found> =
            (0..).zip(times).map(|(offset, &time)| found(partition, offset, time)).collect();
        let next = found.len() as i64;
        Run { partition, leader: 1, next, end, found, problem: None }
    }

    fn places(taken: &[Found]) -> Vec<(i32, i64)> {
        taken.iter().map(|it| (it.shown.partition, it.offset)).collect()
    }

    #[test]
    fn the_oldest_come_first_and_offsets_stay_in_order() {
        // Times of a partition may go back: its offsets do not.
        let mut runs = [run(0, &[10, 5, 30], 3), run(1, &[7, 20], 2)];
        let mut taken = Vec::new();
        take_oldest(&mut runs, &mut taken, 4);
        assert_eq!(places(&taken), [(1, 0), (0, 0), (0, 1), (1, 1)]);
        assert_eq!((runs[0].resume(), runs[1].resume()), (2, 2));
    }

    #[test]
    fn nothing_is_taken_before_it_is_known_to_be_the_oldest() {
        let mut runs = [run(0, &[10], 1), run(1, &[5], 9)];
        let mut taken = Vec::new();
        take_oldest(&mut runs, &mut taken, 10);
        assert_eq!(places(&taken), [(1, 0)]);
        assert_eq!(runs[0].resume(), 0);
        // A partition that can't be read holds nobody up.
        runs[1].problem = Some("gone".to_owned());
        take_oldest(&mut runs, &mut taken, 10);
        assert_eq!(places(&taken), [(1, 0), (0, 0)]);
    }

    #[test]
    fn the_newest_come_first_from_the_end() {
        let mut runs = [run(0, &[10, 5, 30], 3), run(1, &[7, 20], 2)];
        assert_eq!(places(&take_newest(&mut runs, 3)), [(0, 2), (1, 1), (1, 0)]);
        assert_eq!(places(&take_newest(&mut runs, 3)), [(0, 1), (0, 0)]);
    }
}
