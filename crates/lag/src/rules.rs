//! Burrow's rules. Pure.

use crate::{Commit, CommitWindow, Status};

/// Judges a partition by its commits, the recent ends of its log and its current lag. Without commits there is nothing to say against it.
///
/// The one difference from Burrow: where lag at the time is known of fewer than two commits, as after a restart, it is not said to grow.
pub fn judge(
    window: &CommitWindow,
    log_ends: &[i64],
    current_lag: u64,
    now: i64,
    allowed_lag: u64,
) -> Status {
    let (Some(first), Some(last)) = (window.first(), window.last()) else { return Status::Ok };
    if current_lag <= allowed_lag {
        return Status::Ok;
    }
    let silence = now.saturating_sub(last.timestamp);
    let stopped = silence > last.timestamp.saturating_sub(first.timestamp);
    let caught_up_lately = log_ends.iter().any(|end| *end <= last.offset);
    if stopped && !caught_up_lately {
        return Status::Stop;
    }
    if is_rewound(window) {
        return Status::Rewind;
    }
    if window.commits().any(|commit| commit.lag.is_some_and(|lag| lag <= allowed_lag)) {
        return Status::Ok;
    }
    if window.commits().all(|commit| commit.offset == first.offset) {
        return Status::Stall;
    }
    if falls_behind(window) { Status::Warning } else { Status::Ok }
}

/// Whether a commit went back (the first that did counts) and none since has come to where it was.
fn is_rewound(window: &CommitWindow) -> bool {
    let commits: Vec<&Commit> = window.commits().collect();
    let back = commits.windows(2).position(|pair| matches!(pair, [a, b] if b.offset < a.offset));
    back.and_then(|at| commits.get(at..)).is_some_and(|since| match since {
        [before, after @ ..] => after.iter().all(|commit| commit.offset < before.offset),
        [] => false,
    })
}

/// Whether lag never shrank from one commit to the next. It takes two to say so.
fn falls_behind(window: &CommitWindow) -> bool {
    let lags: Vec<u64> = window.commits().filter_map(|commit| commit.lag).collect();
    lags.len() > 1 && lags.is_sorted()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const NOW: i64 = 1_000_000;

    /// Commits ten seconds apart as (offset, lag at that time); the last is `age` seconds old.
    fn window(commits: &[(i64, Option<u64>)], age: i64) -> CommitWindow {
        let mut window = CommitWindow::new(10);
        let count = commits.len() as i64;
        for (order, (offset, lag)) in (0..).zip(commits) {
            let timestamp = NOW - age * 1_000 - (count - 1 - order) * 10_000;
            let (offset, lag) = (*offset, *lag);
            let commit = Commit { offset, order, timestamp, observed_at: timestamp, lag };
            window.add(commit, Duration::from_secs(1));
        }
        window
    }

    /// What is said of commits of which the last is so many seconds old, with this current lag and these recent ends of the log.
    struct Case {
        what: &'static str,
        commits: &'static [(i64, Option<u64>)],
        age: i64,
        lag: u64,
        ends: &'static [i64],
        expected: Status,
    }

    const fn case(
        what: &'static str,
        commits: &'static [(i64, Option<u64>)],
        (age, lag, ends): (i64, u64, &'static [i64]),
        expected: Status,
    ) -> Case {
        Case { what, commits, age, lag, ends, expected }
    }

    use Status::{Ok as Well, Rewind, Stall, Stop, Warning};

    const CASES: &[Case] = &[
        case("no commits", &[], (0, 50, &[]), Well),
        // No lag now: nothing is wrong, whatever the commits look like.
        case("no lag, stands", &[(10, Some(5)), (10, Some(6))], (600, 0, &[10]), Well),
        case("no lag, went back", &[(90, Some(3)), (10, Some(9))], (5, 0, &[10]), Well),
        // Rule 1: lag that was zero at any commit.
        case("zero lag once", &[(10, Some(5)), (20, Some(0)), (30, Some(9))], (5, 9, &[39]), Well),
        case("stands, lag was zero", &[(10, Some(0)), (10, Some(9))], (5, 9, &[19]), Well),
        // Rule 2: a commit that went back, and was not made up for.
        case("went back", &[(90, Some(3)), (10, Some(90)), (20, Some(80))], (5, 70, &[90]), Rewind),
        case("went back from zero lag", &[(90, Some(0)), (10, Some(90))], (5, 80, &[90]), Rewind),
        case("made up", &[(90, Some(3)), (10, Some(90)), (90, Some(5))], (5, 9, &[99]), Well),
        case(
            "went back last",
            &[(10, Some(9)), (20, Some(9)), (19, Some(9))],
            (5, 9, &[28]),
            Rewind,
        ),
        case(
            "made up, then back again: only the first counts",
            &[(90, Some(3)), (10, Some(90)), (95, Some(5)), (50, Some(60))],
            (5, 60, &[110]),
            Well,
        ),
        // Rule 3: no commit for longer than between the first and the last.
        case("silent too long", &[(10, Some(5)), (20, Some(3))], (11, 40, &[60]), Stop),
        case("… with lag zero once", &[(10, Some(0)), (20, Some(3))], (11, 40, &[60]), Stop),
        case("… after it went back", &[(90, Some(3)), (10, Some(90))], (11, 80, &[90]), Stop),
        case("… standing still", &[(10, Some(5)), (10, Some(5))], (11, 5, &[15]), Stop),
        case("silent just as long", &[(10, Some(0)), (20, Some(3))], (10, 40, &[60]), Well),
        case("one commit, long ago", &[(10, Some(3))], (60, 40, &[50]), Stop),
        case("one commit, now", &[(10, Some(3))], (0, 40, &[50]), Stall),
        case("silent, read all lately", &[(10, Some(0)), (20, Some(0))], (60, 40, &[20, 60]), Well),
        case(
            "silent, read all long ago",
            &[(10, Some(0)), (20, Some(0))],
            (60, 40, &[40, 60]),
            Stop,
        ),
        // Rule 4: the same offset again and again.
        case(
            "stands, lag grows",
            &[(10, Some(5)), (10, Some(9)), (10, Some(12))],
            (5, 15, &[25]),
            Stall,
        ),
        case("stands, lag stays", &[(10, Some(5)), (10, Some(5))], (5, 5, &[15]), Stall),
        case("stands, lag not known", &[(10, None), (10, None)], (5, 5, &[15]), Stall),
        // Rule 5: it goes on, and lag never shrinks.
        case("lag grows", &[(10, Some(5)), (20, Some(6)), (30, Some(7))], (5, 8, &[38]), Warning),
        case("lag stays", &[(10, Some(5)), (20, Some(5)), (30, Some(5))], (5, 5, &[35]), Warning),
        case(
            "lag shrinks once",
            &[(10, Some(5)), (20, Some(4)), (30, Some(9))],
            (5, 9, &[39]),
            Well,
        ),
        case(
            "shrinks over a gap",
            &[(10, Some(5)), (20, None), (30, Some(4))],
            (5, 4, &[34]),
            Well,
        ),
        case(
            "grows over a gap",
            &[(10, Some(5)), (20, None), (30, Some(6))],
            (5, 6, &[36]),
            Warning,
        ),
        // Ours: Burrow says WARN of commits of which no lag is known.
        case("lag not known", &[(10, None), (20, None), (30, None)], (5, 9, &[39]), Well),
        case("lag known once", &[(10, None), (20, None), (30, Some(9))], (5, 9, &[39]), Well),
    ];

    #[test]
    fn each_rule_of_burrow() {
        for Case { what, commits, age, lag, ends, expected } in CASES {
            assert_eq!(judge(&window(commits, *age), ends, *lag, NOW, 0), *expected, "{what}");
        }
    }

    #[test]
    fn lag_within_what_is_allowed_is_none() {
        let commits = [(10, Some(5)), (10, Some(5))];
        assert_eq!(judge(&window(&commits, 5), &[15], 5, NOW, 5), Status::Ok);
        assert_eq!(judge(&window(&commits, 5), &[15], 6, NOW, 4), Status::Stall);
        assert_eq!(judge(&window(&commits, 5), &[16], 6, NOW, 5), Status::Ok);
    }
}
