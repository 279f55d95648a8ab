use super::*;
use proptest::prelude::*;
use runtime::BootTime;

const POLICY: FlushPolicy = FlushPolicy {
    max_bytes: 8 << 20,
    max_interval: ms(250),
    idle_interval: ms(2_000),
    uploads_max: 4,
};

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn at(milliseconds: u64) -> BootTime {
    BootTime(ms(milliseconds))
}

/// The decision at `now` after appends of `(at, bytes)`, with budget and nothing in flight.
fn after(arrivals: &[(u64, u64)], awaited: bool, now: u64) -> Decision {
    let mut meter = ArrivalMeter::default();
    for &(moment, bytes) in arrivals {
        meter.record(at(moment), bytes);
    }
    decide(&POLICY, &state(&meter, arrivals.iter().map(|a| a.1).sum(), awaited, now))
}

fn state(meter: &ArrivalMeter, buffered_bytes: u64, awaited: bool, now: u64) -> FlushState {
    FlushState {
        buffered_bytes,
        awaited,
        windows_full: false,
        arrivals: meter.arrivals(at(now)),
        uploads_in_flight: 0,
        budget_wait: Duration::ZERO,
    }
}

#[test]
fn an_idle_broker_sends_nothing() {
    assert_eq!(after(&[], true, 10_000), Decision::Nothing);
    assert_eq!(after(&[], false, 10_000), Decision::Nothing);
}

#[test]
fn a_full_buffer_is_flushed_at_once_even_without_budget() {
    let mut meter = ArrivalMeter::default();
    meter.record(at(0), POLICY.max_bytes);
    let state = FlushState { budget_wait: ms(40), ..state(&meter, POLICY.max_bytes, false, 0) };
    assert_eq!(decide(&POLICY, &state), Decision::FlushNow(FlushReason::Full));
}

#[test]
fn a_lone_producer_that_waits_is_answered_after_the_shortest_window() {
    assert_eq!(after(&[(100, 1_000)], true, 100), Decision::WaitFor(ms(2)));
    assert_eq!(after(&[(100, 1_000)], true, 102), Decision::FlushNow(FlushReason::Stalled));
}

#[test]
fn full_windows_need_no_silence() {
    let mut meter = ArrivalMeter::default();
    meter.record(at(0), 1_000);
    let full = |awaited| FlushState { windows_full: true, ..state(&meter, 1_000, awaited, 0) };
    assert_eq!(decide(&POLICY, &full(true)), Decision::FlushNow(FlushReason::Stalled));
    assert!(matches!(decide(&POLICY, &full(false)), Decision::WaitFor(_)));
    let poor = FlushState { budget_wait: ms(40), ..full(true) };
    assert_eq!(decide(&POLICY, &poor), Decision::WaitFor(ms(40)));
}

#[test]
fn data_that_nobody_waits_for_stays_for_the_idle_interval() {
    assert_eq!(after(&[(0, 1_000)], false, 500), Decision::WaitFor(ms(1_500)));
    assert_eq!(after(&[(0, 1_000)], false, 2_000), Decision::FlushNow(FlushReason::Aged));
}

#[test]
fn while_data_keeps_arriving_the_interval_decides() {
    let steady: Vec<_> = (0..125).map(|n| (n * 2, 10_000)).collect();
    assert!(matches!(after(&steady, true, 248), Decision::WaitFor(_)));
    assert_eq!(after(&steady, true, 250), Decision::FlushNow(FlushReason::Aged));
}

#[test]
fn a_burst_that_ends_is_flushed_as_stalled() {
    let burst: Vec<_> = (0..20).map(|n| (n, 50_000)).collect();
    assert!(matches!(after(&burst, true, 20), Decision::WaitFor(_)));
    assert_eq!(after(&burst, true, 24), Decision::FlushNow(FlushReason::Stalled));
}

#[test]
fn the_batches_of_a_request_are_one_arrival() {
    let mut meter = ArrivalMeter::default();
    let request = |at_ms: u64| {
        (0_u64..16).map(move |batch| Duration::from_micros(at_ms * 1_000 + batch * 20))
    };
    for moment in (0..100).step_by(8).flat_map(request) {
        meter.record(BootTime(moment), 16_000);
    }
    // Seven milliseconds after the last request, the next is not even due.
    assert!(matches!(decide(&POLICY, &state(&meter, 3 << 20, true, 103)), Decision::WaitFor(_)));
    let stalled = decide(&POLICY, &state(&meter, 3 << 20, true, 130));
    assert_eq!(stalled, Decision::FlushNow(FlushReason::Stalled));
}

#[test]
fn a_pause_that_an_answer_ended_says_nothing_of_how_data_arrives() {
    let mut meter = ArrivalMeter::default();
    for moment in [0, 200, 400] {
        meter.record(at(moment), 1_000);
        meter.cut();
        meter.answered();
    }
    meter.record(at(600), 1_000);
    let decision = decide(&POLICY, &state(&meter, 1_000, true, 602));
    assert_eq!(decision, Decision::FlushNow(FlushReason::Stalled));
}

#[test]
fn the_first_arrival_of_a_buffer_is_no_stall_where_data_comes_unprompted() {
    let mut meter = ArrivalMeter::default();
    (0..8).for_each(|request| meter.record(at(8 * request), 250_000));
    meter.cut();
    meter.record(at(64), 250_000);
    assert!(matches!(decide(&POLICY, &state(&meter, 250_000, true, 90)), Decision::WaitFor(_)));
    let stalled = decide(&POLICY, &state(&meter, 250_000, true, 96));
    assert_eq!(stalled, Decision::FlushNow(FlushReason::Stalled));
}

#[test]
fn pauses_of_long_ago_are_forgotten() {
    let mut meter = ArrivalMeter::default();
    meter.record(at(0), 1_000);
    meter.record(at(500), 1_000);
    meter.cut();
    meter.answered();
    meter.record(at(1_600), 1_000);
    let decision = decide(&POLICY, &state(&meter, 1_000, true, 1_602));
    assert_eq!(decision, Decision::FlushNow(FlushReason::Stalled));
}

#[test]
fn a_stall_waits_for_the_budget() {
    let mut meter = ArrivalMeter::default();
    meter.record(at(0), 1_000);
    let state = FlushState { budget_wait: ms(40), ..state(&meter, 1_000, true, 10) };
    assert_eq!(decide(&POLICY, &state), Decision::WaitFor(ms(40)));
}

#[test]
fn uploads_in_flight_hold_the_next_flush_back() {
    let mut meter = ArrivalMeter::default();
    meter.record(at(0), 9 << 20);
    let state = FlushState { uploads_in_flight: 4, ..state(&meter, 9 << 20, true, 900) };
    assert_eq!(decide(&POLICY, &state), Decision::Nothing);
}

#[test]
fn at_a_high_rate_a_small_stalled_buffer_waits_to_grow_but_not_long() {
    let mut meter = ArrivalMeter::default();
    (0..1_000).for_each(|moment| meter.record(at(moment), 100_000));
    meter.cut();
    meter.record(at(1_000), 10_000);
    assert!(matches!(decide(&POLICY, &state(&meter, 10_000, true, 1_010)), Decision::WaitFor(_)));
    let later = decide(&POLICY, &state(&meter, 10_000, true, 1_040));
    assert_eq!(later, Decision::FlushNow(FlushReason::Stalled));
}

#[test]
fn the_budget_refills_and_never_saves_more_than_a_quarter_second() {
    let mut budget = RequestBudget::new(Some(20), at(0));
    for _ in 0..5 {
        assert_eq!(budget.wait(at(10_000)), Duration::ZERO);
        budget.spend(at(10_000));
    }
    assert!(budget.wait(at(10_000)) > ms(49) && budget.wait(at(10_000)) < ms(51));
    assert_eq!(budget.wait(at(10_051)), Duration::ZERO);
    assert_eq!(RequestBudget::new(None, at(0)).wait(at(0)), Duration::ZERO);
}

/// Runs the schedule as the flush task would over random appends; answers the cuts as `(when, age of the oldest)`.
fn simulate(appends: &[(u64, u64)], requests_per_second: u32) -> Vec<(u64, Duration, FlushReason)> {
    let mut meter = ArrivalMeter::default();
    let mut budget = RequestBudget::new(Some(requests_per_second), at(0));
    let (mut buffered, mut cuts, mut next) = (0, Vec::new(), 0);
    for now in 0..appends.last().map_or(0, |a| a.0) + 10_000 {
        while let Some(&(_, bytes)) = appends.get(next).filter(|a| a.0 == now) {
            meter.record(at(now), bytes);
            buffered += bytes;
            next += 1;
        }
        let state =
            FlushState { budget_wait: budget.wait(at(now)), ..state(&meter, buffered, true, now) };
        if let Decision::FlushNow(reason) = decide(&POLICY, &state) {
            cuts.push((now, state.arrivals.oldest_age, reason));
            budget.spend(at(now));
            meter.cut();
            buffered = 0;
        }
    }
    assert_eq!(buffered, 0, "something was never flushed");
    cuts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn nothing_awaited_is_older_than_the_interval_while_the_budget_allows_it(
        gaps in prop::collection::vec((0_u64..60, 1_u64..2_000_000), 1..80),
    ) {
        let mut now = 0;
        let appends: Vec<_> = gaps.iter().map(|&(gap, bytes)| { now += gap; (now, bytes) }).collect();
        for (_, age, _) in simulate(&appends, 1_000) {
            prop_assert!(age <= POLICY.max_interval);
        }
    }

    #[test]
    fn stalled_and_aged_flushes_stay_within_the_request_budget(
        gaps in prop::collection::vec((0_u64..60, 1_u64..1_000), 1..80),
        per_second in 1_u32..40,
    ) {
        let mut now = 0;
        let appends: Vec<_> = gaps.iter().map(|&(gap, bytes)| { now += gap; (now, bytes) }).collect();
        let cuts = simulate(&appends, per_second);
        let allowed = |seconds: f64| {
            (f64::from(per_second) / 4.0).max(1.0) + seconds * f64::from(per_second) + 1e-3
        };
        for (index, first) in cuts.iter().enumerate() {
            for (count, last) in cuts.iter().skip(index).enumerate() {
                let seconds = (last.0 - first.0) as f64 / 1_000.0;
                prop_assert!((count + 1) as f64 <= allowed(seconds));
            }
        }
    }
}
