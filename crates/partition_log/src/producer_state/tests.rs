use super::*;
use formats::record_batch::{
    EndTransactionMarker,
    TransactionResult::{self, Abort, Commit},
};
use proptest::prelude::*;

const MAX: u32 = i32::MAX as u32;
const DAY_MS: u64 = 86_400_000;

fn offset(value: u64) -> Offset {
    Offset::new(value).unwrap()
}

/// A batch of producer 1 of epoch `epoch`, sequences `first..first + records`.
fn batch(epoch: u16, first: u32, records: u32, base_offset: u64) -> ProducedBatch {
    ProducedBatch {
        producer: ProducerId::new(1).unwrap(),
        epoch: ProducerEpoch::new(epoch).unwrap(),
        first_sequence: first,
        last_offset_delta: records - 1,
        base_offset: offset(base_offset),
        timestamp: TimestampMs(base_offset as i64 + 1_000),
        transactional: false,
        marker: None,
    }
}

fn of(producer: u64, batch: ProducedBatch) -> ProducedBatch {
    ProducedBatch { producer: ProducerId::new(producer).unwrap(), ..batch }
}

fn transactional(producer: u64, base_offset: u64) -> ProducedBatch {
    ProducedBatch { transactional: true, ..of(producer, batch(0, 0, 10, base_offset)) }
}

fn marker(producer: u64, result: TransactionResult, base_offset: u64) -> ProducedBatch {
    ProducedBatch {
        marker: Some(EndTransactionMarker { result, coordinator_epoch: 3 }),
        transactional: true,
        ..of(producer, batch(0, 0, 1, base_offset))
    }
}

fn states(batches: &[ProducedBatch]) -> ProducerStates {
    let mut states = ProducerStates::default();
    for batch in batches {
        states.apply(batch);
    }
    states
}

fn out_of_order(expected: i64, got: i32) -> Result<Admission, AppendError> {
    Err(AppendError::OutOfOrderSequence { expected, got })
}

#[test]
fn an_unknown_producer_may_begin_anywhere() {
    let states = ProducerStates::default();
    assert_eq!(states.check(&batch(3, 77, 5, 0)), Ok(Admission::New));
}

#[test]
fn sequences_must_follow_each_other() {
    let states = states(&[batch(0, 0, 5, 100)]);
    assert_eq!(states.check(&batch(0, 5, 5, 105)), Ok(Admission::New));
    assert_eq!(states.check(&batch(0, 6, 5, 105)), out_of_order(5, 6));
    assert_eq!(states.check(&batch(0, 4, 5, 105)), out_of_order(5, 4));
}

#[test]
fn a_check_changes_nothing() {
    let states = states(&[batch(0, 0, 5, 100)]);
    let before = states.clone();
    let _ = states.check(&batch(0, 5, 5, 105));
    let _ = states.check(&batch(1, 0, 5, 105));
    assert_eq!(states, before);
}

#[test]
fn sequences_start_over_after_the_largest() {
    let states = states(&[batch(0, MAX - 1, 2, 100)]);
    assert_eq!(states.check(&batch(0, 0, 1, 102)), Ok(Admission::New));
    let mut states = states;
    states.apply(&batch(0, 0, 1, 102));
    let across = self::states(&[batch(0, MAX - 1, 4, 100)]);
    assert_eq!(across.check(&batch(0, 2, 1, 104)), Ok(Admission::New));
    assert_eq!(states.check(&batch(0, 1, 1, 103)), Ok(Admission::New));
}

#[test]
fn each_of_the_last_five_batches_is_known_again() {
    let batches: Vec<_> = (0..6).map(|n| batch(0, n * 5, 5, 100 + u64::from(n) * 5)).collect();
    let states = states(&batches);
    assert_eq!(states.check(&batches[0]), out_of_order(30, 0));
    for sent in &batches[1..] {
        let again = ProducedBatch { base_offset: offset(900), ..*sent };
        let original = Duplicate {
            base_offset: sent.base_offset,
            last_offset: sent.last_offset(),
            timestamp: sent.timestamp,
        };
        assert_eq!(states.check(&again), Ok(Admission::Duplicate(original)));
    }
    assert_eq!(states.check(&batch(0, 25, 4, 900)), out_of_order(30, 25));
}

#[test]
fn an_older_epoch_is_fenced() {
    let states = states(&[batch(2, 0, 5, 100)]);
    let fenced = Err(AppendError::InvalidProducerEpoch { current: 2, got: 1 });
    assert_eq!(states.check(&batch(1, 0, 5, 105)), fenced);
    assert_eq!(states.check(&marker_of_epoch(1)), fenced);
    assert_eq!(states.check(&marker_of_epoch(2)), Ok(Admission::New));
}

fn marker_of_epoch(epoch: u16) -> ProducedBatch {
    let epoch = ProducerEpoch::new(epoch).unwrap();
    ProducedBatch { epoch, ..marker(1, Abort, 105) }
}

#[test]
fn a_new_epoch_begins_at_zero_and_forgets_the_old_batches() {
    let mut states = states(&[batch(2, 0, 5, 100)]);
    assert_eq!(states.check(&batch(3, 5, 5, 105)), out_of_order(0, 5));
    assert_eq!(states.check(&batch(3, 0, 5, 105)), Ok(Admission::New));
    states.apply(&batch(3, 0, 5, 105));
    let fenced = Err(AppendError::InvalidProducerEpoch { current: 3, got: 2 });
    assert_eq!(states.check(&batch(2, 0, 5, 100)), fenced);
}

#[test]
fn a_marker_raises_the_epoch_and_the_next_batch_begins_at_zero() {
    let mut states = states(&[transactional(1, 100)]);
    states.apply(&marker_of_epoch(1));
    assert_eq!(states.check(&batch(1, 10, 5, 106)), out_of_order(0, 10));
    assert_eq!(states.check(&batch(1, 0, 5, 106)), Ok(Admission::New));
}

#[test]
fn a_marker_of_the_same_epoch_leaves_the_sequence_alone() {
    let states = states(&[transactional(1, 100), marker(1, Commit, 110)]);
    assert_eq!(states.check(&batch(0, 10, 5, 111)), Ok(Admission::New));
}

#[test]
fn a_batch_outside_its_open_transaction_is_refused() {
    let states = states(&[transactional(1, 100)]);
    let outside = states.check(&batch(0, 10, 5, 110));
    assert!(matches!(outside, Err(AppendError::InvalidTransactionState(_))));
    let inside = ProducedBatch { transactional: true, ..batch(0, 10, 5, 110) };
    assert_eq!(states.check(&inside), Ok(Admission::New));
}

#[test]
fn the_oldest_open_transaction_holds_the_last_stable_offset() {
    let mut states = states(&[transactional(1, 100), transactional(2, 110)]);
    assert_eq!(states.last_stable_offset(offset(120)), offset(100));
    assert_eq!(states.last_stable_offset(offset(90)), offset(90));
    states.apply(&marker(1, Commit, 120));
    assert_eq!(states.last_stable_offset(offset(121)), offset(110));
    states.apply(&marker(2, Abort, 121));
    assert_eq!(states.last_stable_offset(offset(122)), offset(122));
    assert_eq!(states.first_open_offset(), None);
}

#[test]
fn a_marker_beyond_the_high_watermark_ends_nothing_yet() {
    let mut states = states(&[transactional(1, 100), marker(1, Commit, 110)]);
    assert_eq!(states.last_stable_offset(offset(110)), offset(100));
    assert_eq!(states.last_stable_offset(offset(111)), offset(111));
    states.settle(offset(111));
    assert_eq!(states.last_stable_offset(offset(111)), offset(111));
}

#[test]
fn aborted_transactions_are_named_by_range_in_order_of_their_first_offsets() {
    let mut states = states(&[
        transactional(1, 100),
        transactional(2, 110),
        marker(2, Abort, 120),
        marker(1, Abort, 121),
    ]);
    let firsts = |states: &ProducerStates, from, to| -> Vec<u64> {
        let found = states.aborted_between(offset(from), offset(to));
        found.iter().map(|aborted| aborted.first_offset.get()).collect()
    };
    assert_eq!(firsts(&states, 0, 200), [100, 110]);
    assert_eq!(firsts(&states, 0, 110), [100]);
    assert_eq!(firsts(&states, 121, 200), [100]);
    assert_eq!(firsts(&states, 122, 200), [0; 0]);
    states.forget_aborted_before(offset(121));
    assert_eq!(firsts(&states, 0, 200), [100]);
}

#[test]
fn a_silent_producer_expires_to_no_state() {
    let mut states = states(&[batch(0, 0, 5, 100), transactional(2, 105)]);
    let now = |days: u64| TimestampMs((days * DAY_MS) as i64);
    assert_eq!(states.expire(now(10), DAY_MS), 0);
    assert_eq!(states.expire(now(11), DAY_MS), 1);
    assert_eq!(states.len(), 1, "a producer with an open transaction stays");
    assert_eq!(states.check(&batch(0, 77, 5, 200)), Ok(Admission::New));
}

#[test]
fn a_producer_that_wrote_since_the_last_sweep_stays() {
    let mut states = states(&[batch(0, 0, 5, 100)]);
    states.expire(TimestampMs(0), DAY_MS);
    states.apply(&batch(0, 5, 5, 105));
    assert_eq!(states.expire(TimestampMs(DAY_MS as i64), DAY_MS), 0);
    assert_eq!(states.expire(TimestampMs(2 * DAY_MS as i64), DAY_MS), 1);
}

#[test]
fn a_snapshot_of_another_format_or_with_impossible_values_is_refused() {
    let good = states(&[batch(0, 0, 5, 100)]).to_snapshot();
    assert!(ProducerStates::from_snapshot(&good).is_some());
    let broken = |damage: fn(&mut formats::metadata::ProducerSnapshot)| {
        let mut snapshot = good.clone();
        damage(&mut snapshot);
        ProducerStates::from_snapshot(&snapshot).is_none()
    };
    assert!(broken(|snapshot| snapshot.format = 2));
    assert!(broken(|snapshot| snapshot.producers[0].epoch = 1 << 15));
    assert!(broken(|snapshot| snapshot.producers[0].id = 1 << 63));
    assert!(broken(|snapshot| snapshot.producers.push(snapshot.producers[0].clone())));
    assert!(broken(|snapshot| snapshot.producers[0].batches[0].last_offset = 0));
    assert!(broken(|snapshot| snapshot.producers[0].batches[0].last_sequence = 1 << 31));
}

#[test]
fn a_verification_is_void_once_a_marker_came_even_if_the_producer_is_forgotten() {
    let mut states = ProducerStates::default();
    let late = transactional(1, 100);
    let verification = states.question(&late);
    assert_eq!(states.check_begun(&late, verification), Ok(()));
    states.apply(&marker(1, Abort, 100));
    let late = ProducedBatch { base_offset: offset(101), ..late };
    let void = |states: &ProducerStates| {
        matches!(
            states.check_begun(&late, verification),
            Err(AppendError::InvalidTransactionState(_))
        )
    };
    assert!(void(&states));
    states.expire(TimestampMs(0), 0);
    assert_eq!(states.expire(TimestampMs(1), 0), 0);
    assert_eq!(states.len(), 0);
    assert!(void(&states));
    assert_eq!(states.check_begun(&late, states.question(&late)), Ok(()));
}

#[test]
fn a_transaction_of_an_older_epoch_is_not_the_producers_open_one() {
    let states = states(&[transactional(1, 100)]);
    let newer = ProducedBatch { transactional: true, ..batch(1, 0, 1, 110) };
    assert!(states.question(&newer).is_some());
    assert!(states.check_begun(&newer, None).is_err());
}

#[test]
fn an_older_coordinator_is_fenced() {
    let states = states(&[marker(1, Commit, 100)]);
    let of = |coordinator_epoch| ProducedBatch {
        marker: Some(EndTransactionMarker { result: Abort, coordinator_epoch }),
        ..marker(1, Abort, 101)
    };
    assert_eq!(states.check(&of(3)), Ok(Admission::New));
    let fenced = Err(AppendError::CoordinatorFenced { current: 3, got: 2 });
    assert_eq!(states.check(&of(2)), fenced);
    let again = ProducerStates::from_snapshot(&states.to_snapshot()).unwrap();
    assert_eq!(again.check(&of(2)), fenced);
}

#[test]
fn no_coordinator_has_an_epoch_below_minus_one() {
    let of = |coordinator_epoch| ProducedBatch {
        marker: Some(EndTransactionMarker { result: Abort, coordinator_epoch }),
        ..marker(1, Abort, 101)
    };
    for states in [states(&[]), states(&[transactional(1, 100)])] {
        assert_eq!(states.check(&of(-1)), Ok(Admission::New));
        let fenced = AppendError::CoordinatorFenced { current: -1, got: -2 };
        assert_eq!(states.check(&of(-2)), Err(fenced));
    }
}

/// One step of a random history.
#[derive(Clone, Copy, Debug)]
enum Step {
    Data { producer: u64, records: u32, transactional: bool },
    NewEpoch { producer: u64, records: u32 },
    Retry,
    End { producer: u64, result: TransactionResult },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let producer = 0_u64..4;
    let result = prop_oneof![Just(Commit), Just(Abort)];
    let step = prop_oneof![
        6 => (producer.clone(), 1_u32..20, any::<bool>()).prop_map(|(producer, records, transactional)| {
            Step::Data { producer, records, transactional }
        }),
        1 => (producer.clone(), 1_u32..20)
            .prop_map(|(producer, records)| Step::NewEpoch { producer, records }),
        1 => Just(Step::Retry),
        2 => (producer, result).prop_map(|(producer, result)| Step::End { producer, result }),
    ];
    prop::collection::vec(step, 0..60)
}

/// Appends as the sequencer does; answers the log and the state it came to.
fn live(steps: &[Step]) -> (Vec<ProducedBatch>, ProducerStates) {
    let (mut log, mut states, mut end) =
        (Vec::<ProducedBatch>::new(), ProducerStates::default(), 0);
    for step in steps {
        let next = |producer: u64| {
            let of_producer =
                |b: &&ProducedBatch| b.producer.get() == producer && b.marker.is_none();
            let last = log.iter().rev().find(of_producer);
            let epoch = log.iter().filter(|b| b.producer.get() == producer).map(|b| b.epoch).max();
            let same_epoch = last.filter(|last| Some(last.epoch) == epoch);
            let first = same_epoch.map_or(0, |last| (last.last_sequence() + 1) & MAX);
            (epoch.map_or(0, ProducerEpoch::get), first)
        };
        let batch = match *step {
            Step::Data { producer, records, transactional } => {
                let (epoch, first) = next(producer);
                ProducedBatch { transactional, ..of(producer, batch(epoch, first, records, end)) }
            }
            Step::NewEpoch { producer, records } => {
                of(producer, batch(next(producer).0 + 1, 0, records, end))
            }
            Step::Retry => match log.iter().rev().find(|b| b.marker.is_none()) {
                Some(last) => ProducedBatch { base_offset: offset(end), ..*last },
                None => continue,
            },
            Step::End { producer, result } => {
                let epoch = ProducerEpoch::new(next(producer).0).unwrap();
                ProducedBatch { epoch, ..marker(producer, result, end) }
            }
        };
        if states.check(&batch) == Ok(Admission::New) {
            states.apply(&batch);
            end = batch.last_offset().get() + 1;
            log.push(batch);
        }
    }
    (log, states)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn replay_comes_to_the_same_state_as_the_live_log(steps in steps()) {
        let (log, live) = live(&steps);
        prop_assert_eq!(states(&log), live);
    }

    #[test]
    fn a_snapshot_and_the_rest_of_the_log_come_to_the_same_answers(
        steps in steps(),
        cut in 0.0..1.0,
    ) {
        let (log, live) = live(&steps);
        let cut = (log.len() as f64 * cut) as usize;
        let snapshot = states(&log[..cut]).to_snapshot();
        let mut replayed = ProducerStates::from_snapshot(&snapshot).unwrap();
        log[cut..].iter().for_each(|batch| replayed.apply(batch));
        let end = log.last().map_or(Offset::ZERO, |last| last.last_offset().plus(1));
        prop_assert_eq!(replayed.last_stable_offset(end), live.last_stable_offset(end));
        prop_assert_eq!(replayed.first_open_offset(), live.first_open_offset());
        for sent in &log {
            prop_assert_eq!(replayed.check(sent), live.check(sent));
        }
    }

    #[test]
    fn sequences_in_the_log_are_gapless_within_an_epoch(steps in steps()) {
        let (log, _) = live(&steps);
        for pair in log.iter().filter(|b| b.marker.is_none()).collect::<Vec<_>>().windows(2) {
            prop_assert!(pair[0].last_offset() < pair[1].base_offset);
        }
    }
}
