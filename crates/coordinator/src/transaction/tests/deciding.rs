//! The state machine alone.

use super::events::{epoch, partition, producer, steps};
use crate::transaction::{
    Answer, Decision, Event, PARTITIONS_MAX, TransactionError, TransactionResult,
    TransactionResult::{Abort, Commit},
    TransactionState,
    TransactionState::{
        CompleteAbort, CompleteCommit, Empty, Ongoing, PrepareAbort, PrepareCommit,
    },
    TransactionVersion,
    TransactionVersion::{V1, V2},
    TransactionalProducer, decide,
    value::{from_value, to_value},
};
use model::TimestampMs;
use proptest::prelude::*;

const NOW: TimestampMs = TimestampMs(1_000_000);

/// Producer 1 in epoch 5.
fn known() -> TransactionalProducer {
    let new = TransactionalProducer::new(producer(1), 60_000, NOW);
    TransactionalProducer { epoch: epoch(5), ..new }
}

fn in_state(state: TransactionState) -> TransactionalProducer {
    let open = state == Ongoing || state.ending().is_some();
    TransactionalProducer {
        state,
        partitions: open.then(|| partition(0)).into_iter().collect(),
        started: open.then_some(NOW),
        ..known()
    }
}

fn end(at: u16, result: TransactionResult, version: TransactionVersion) -> Event {
    Event::End { producer: producer(1), epoch: epoch(at), result, version }
}

fn init(expected: Option<u16>) -> Event {
    let expected = expected.map(|at| (producer(1), epoch(at)));
    Event::Init { timeout_ms: 30_000, expected }
}

fn add(at: u16, index: u32) -> Event {
    let partitions = [partition(index)].into();
    Event::AddPartitions { producer: producer(1), epoch: epoch(at), partitions }
}

/// The decision with a fresh producer id at hand, 9.
fn decided(known: &TransactionalProducer, event: &Event) -> Result<Decision, TransactionError> {
    decide(known, event, Some(producer(9)), NOW)
}

fn after(known: &TransactionalProducer, event: &Event) -> TransactionalProducer {
    decided(known, event).unwrap().next.unwrap()
}

fn answer(known: &TransactionalProducer, event: &Event) -> Result<Answer, TransactionError> {
    decided(known, event).map(|decision| decision.answer)
}

#[expect(clippy::unnecessary_wraps, reason = "compared with what `answer` answers")]
fn go_on(id: u64, at: u16) -> Result<Answer, TransactionError> {
    Ok(Answer::GoOn(producer(id), epoch(at)))
}

#[test]
fn a_new_producer_raises_the_epoch_and_fences_the_one_before() {
    for state in [Empty, CompleteCommit, CompleteAbort] {
        let next = after(&in_state(state), &init(None));
        assert_eq!((next.epoch, next.state, next.timeout_ms), (epoch(6), Empty, 30_000));
        assert_eq!(answer(&next, &add(5, 0)), Err(TransactionError::ProducerFenced));
        assert_eq!(answer(&next, &end(5, Commit, V1)), Err(TransactionError::ProducerFenced));
    }
}

#[test]
fn an_ongoing_transaction_is_aborted_under_a_raised_epoch_before_a_new_producer_gets_the_id() {
    let ongoing = in_state(Ongoing);
    assert_eq!(answer(&ongoing, &init(None)), Ok(Answer::TryAgain));
    let aborting = after(&ongoing, &init(None));
    assert_eq!((aborting.state, aborting.epoch), (PrepareAbort, epoch(6)));
    assert!(aborting.epoch_is_its_own);
    assert_eq!(answer(&aborting, &init(None)), Err(TransactionError::ConcurrentTransactions));
    let aborted = after(&aborting, &Event::Marked);
    assert_eq!(answer(&aborted, &init(None)), go_on(1, 7));
    for version in [V1, V2] {
        let late = answer(&aborted, &end(5, Abort, version));
        assert_eq!(late, Err(TransactionError::ProducerFenced));
    }
}

#[test]
fn a_producer_recovers_its_id_and_its_repeated_request_gets_the_same_answer() {
    let next = after(&known(), &init(Some(5)));
    assert_eq!((next.epoch, next.last_epoch), (epoch(6), Some(epoch(5))));
    assert_eq!(answer(&next, &init(Some(5))), go_on(1, 6));
    assert_eq!(answer(&next, &init(Some(4))), Err(TransactionError::ProducerFenced));
    // Somebody else took it since: there is no way back.
    let taken = after(&next, &init(None));
    assert_eq!(answer(&taken, &init(Some(6))), Err(TransactionError::ProducerFenced));
    let stranger = Event::Init { timeout_ms: 1, expected: Some((producer(2), epoch(5))) };
    assert_eq!(answer(&known(), &stranger), Err(TransactionError::ProducerFenced));
}

#[test]
fn a_zombie_does_not_abort_what_its_successor_does() {
    assert_eq!(answer(&in_state(Ongoing), &init(Some(4))), Err(TransactionError::ProducerFenced));
    assert_eq!(answer(&in_state(Ongoing), &init(Some(5))), Ok(Answer::TryAgain));
}

#[test]
fn a_producer_whose_epochs_are_used_up_is_replaced() {
    let last = TransactionalProducer { epoch: epoch(32_766), ..known() };
    let without = decide(&last, &init(None), None, NOW).unwrap();
    assert_eq!(without, Decision { next: None, answer: Answer::NeedsProducerId });
    let recovering = init(Some(32_766));
    assert_eq!(answer(&last, &recovering), go_on(9, 0));
    let next = after(&last, &recovering);
    assert_eq!(answer(&next, &recovering), go_on(9, 0), "a repeated request");
    let taken = after(&last, &init(None));
    assert_eq!(answer(&taken, &recovering), Err(TransactionError::ProducerFenced));
}

#[test]
fn partitions_begin_a_transaction_and_join_it() {
    for state in [Empty, CompleteCommit, CompleteAbort] {
        let begun = after(&in_state(state), &add(5, 1));
        assert_eq!((begun.state, begun.started), (Ongoing, Some(NOW)));
        let joined = after(&begun, &add(5, 2));
        assert_eq!(joined.partitions, [partition(1), partition(2)].into());
        assert_eq!(decided(&joined, &add(5, 2)).unwrap().next, None, "it is known already");
    }
    for state in [PrepareCommit, PrepareAbort] {
        let refused = answer(&in_state(state), &add(5, 1));
        assert_eq!(refused, Err(TransactionError::ConcurrentTransactions));
    }
    let partitions = [partition(0)].into();
    let stranger = Event::AddPartitions { producer: producer(2), epoch: epoch(5), partitions };
    assert_eq!(answer(&known(), &stranger), Err(TransactionError::UnknownProducer));
}

#[test]
fn a_transaction_has_a_bounded_number_of_partitions() {
    let partitions = (0..=PARTITIONS_MAX as u32).map(partition).collect();
    let event = Event::AddPartitions { producer: producer(1), epoch: epoch(5), partitions };
    assert_eq!(answer(&known(), &event), Err(TransactionError::TooManyPartitions));
}

/// What version 1 answers to an end with `result`, by state.
fn answers_of_version_1(result: TransactionResult) -> [Result<Answer, TransactionError>; 6] {
    let states = [Empty, Ongoing, PrepareCommit, PrepareAbort, CompleteCommit, CompleteAbort];
    states.map(|state| answer(&in_state(state), &end(5, result, V1)))
}

#[test]
fn version_1_tells_a_repeated_end_by_the_state() {
    let invalid = Err(TransactionError::InvalidState);
    let wait = Err(TransactionError::ConcurrentTransactions);
    let same = go_on(1, 5);
    assert_eq!(answers_of_version_1(Commit), [invalid, same, wait, invalid, same, invalid]);
    assert_eq!(answers_of_version_1(Abort), [invalid, same, invalid, wait, invalid, same]);
    let ending = after(&in_state(Ongoing), &end(5, Commit, V1));
    assert_eq!((ending.state, ending.epoch), (PrepareCommit, epoch(5)));
    assert!(!ending.epoch_is_its_own);
    let complete = after(&ending, &Event::Marked);
    assert_eq!((complete.state, complete.started), (CompleteCommit, Some(NOW)));
    assert!(complete.partitions.is_empty());
}

#[test]
fn version_2_raises_the_epoch_at_every_end_and_tells_a_repeated_one_by_it() {
    let ending = after(&in_state(Ongoing), &end(5, Commit, V2));
    assert_eq!((ending.state, ending.epoch), (PrepareCommit, epoch(6)));
    assert!(ending.epoch_is_its_own);
    let wait = Err(TransactionError::ConcurrentTransactions);
    assert_eq!(answer(&ending, &end(5, Commit, V2)), wait);
    assert_eq!(answer(&ending, &end(5, Abort, V2)), Err(TransactionError::InvalidState));
    assert_eq!(answer(&ending, &end(6, Commit, V2)), Err(TransactionError::ProducerFenced));
    let complete = after(&ending, &Event::Marked);
    assert_eq!(answer(&complete, &end(5, Commit, V2)), go_on(1, 6));
    assert_eq!(answer(&complete, &end(5, Abort, V2)), Err(TransactionError::InvalidState));
    assert_eq!(answer(&complete, &end(6, Commit, V2)), Err(TransactionError::InvalidState));
    assert_eq!(answer(&complete, &end(4, Commit, V2)), Err(TransactionError::ProducerFenced));
}

#[test]
fn version_2_aborts_a_transaction_that_was_never_told_of() {
    for state in [Empty, CompleteCommit, CompleteAbort] {
        let aborted = after(&in_state(state), &end(5, Abort, V2));
        assert_eq!((aborted.state, aborted.epoch), (CompleteAbort, epoch(6)));
        assert_eq!(answer(&aborted, &end(5, Abort, V2)), go_on(1, 6), "a repeated request");
        let commit = answer(&in_state(state), &end(5, Commit, V2));
        assert_eq!(commit, Err(TransactionError::InvalidState));
    }
}

#[test]
fn version_2_replaces_a_producer_whose_epochs_are_used_up_once_everybody_knows() {
    let last = TransactionalProducer { epoch: epoch(32_766), ..in_state(Ongoing) };
    let commit = end(32_766, Commit, V2);
    assert_eq!(answer(&last, &commit), go_on(9, 0));
    let ending = after(&last, &commit);
    assert_eq!((ending.producer, ending.epoch), (producer(1), epoch(32_767)));
    let complete = after(&ending, &Event::Marked);
    assert_eq!((complete.producer, complete.epoch), (producer(9), epoch(0)));
    assert_eq!(answer(&complete, &commit), go_on(9, 0), "a repeated request");
}

#[test]
fn a_transaction_that_takes_too_long_is_aborted_and_its_producer_fenced() {
    let ongoing = in_state(Ongoing);
    let tick = |at: i64| decide(&ongoing, &Event::Tick, None, TimestampMs(at)).unwrap().next;
    assert_eq!(tick(NOW.0 + 59_999), None);
    let aborting = tick(NOW.0 + 60_000).unwrap();
    assert_eq!((aborting.state, aborting.epoch), (PrepareAbort, epoch(6)));
    let late = answer(&aborting, &end(5, Commit, V1));
    assert_eq!(late, Err(TransactionError::ProducerFenced));
    let late = answer(&aborting, &end(5, Commit, V2));
    assert_eq!(late, Err(TransactionError::InvalidState));
    for state in [Empty, PrepareCommit, PrepareAbort, CompleteCommit, CompleteAbort] {
        assert_eq!(in_state(state).aborts_at(), None);
    }
}

#[test]
fn a_producer_goes_on_after_its_transaction_took_too_long() {
    let late = TimestampMs(NOW.0 + 60_000);
    let aborting = decide(&in_state(Ongoing), &Event::Tick, None, late).unwrap().next.unwrap();
    let aborted = after(&aborting, &Event::Marked);
    assert_eq!(answer(&aborted, &end(5, Abort, V2)), go_on(1, 6));
    assert_eq!(answer(&aborted, &end(5, Commit, V2)), Err(TransactionError::InvalidState));
    assert_eq!(answer(&aborted, &init(Some(5))), go_on(1, 6));
    assert_eq!(answer(&aborted, &add(5, 0)), Err(TransactionError::ProducerFenced));
}

#[test]
fn only_an_id_at_rest_expires() {
    for state in [Empty, CompleteCommit, CompleteAbort] {
        assert_eq!(in_state(state).expires_at(500), Some(TimestampMs(NOW.0 + 500)));
    }
    for state in [Ongoing, PrepareCommit, PrepareAbort] {
        assert_eq!(in_state(state).expires_at(500), None);
    }
}

#[test]
fn a_first_batch_is_verified_against_the_transaction_that_goes_on() {
    let verify = |known: &TransactionalProducer, id: u64, at: u16, index: u32| {
        known.verify(producer(id), epoch(at), partition(index))
    };
    let ongoing = in_state(Ongoing);
    assert_eq!(verify(&ongoing, 1, 5, 0), Ok(()));
    assert_eq!(verify(&ongoing, 1, 5, 1), Err(TransactionError::Abortable));
    assert_eq!(verify(&ongoing, 1, 4, 0), Err(TransactionError::ProducerFenced));
    assert_eq!(verify(&ongoing, 2, 5, 0), Err(TransactionError::UnknownProducer));
    for state in [PrepareCommit, PrepareAbort] {
        let wait = Err(TransactionError::ConcurrentTransactions);
        assert_eq!(verify(&in_state(state), 1, 5, 0), wait);
    }
    for state in [Empty, CompleteCommit, CompleteAbort] {
        assert_eq!(verify(&in_state(state), 1, 5, 0), Err(TransactionError::Abortable));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn whatever_happens_is_read_back_as_it_was_stored(steps in steps(), first in 0_u16..32_767) {
        let mut live = TransactionalProducer { epoch: epoch(first), ..known() };
        for (step, fresh) in steps.iter().zip(100..) {
            let decided = decide(&live, &step.event(&live), Some(producer(fresh)), NOW);
            if let Ok(Decision { next: Some(next), .. }) = decided {
                live = next;
            }
            prop_assert_eq!(from_value(&to_value(&live)), Some(live.clone()));
        }
    }

    #[test]
    fn a_decided_transaction_is_never_undecided_and_epochs_never_go_back(steps in steps()) {
        let mut live = known();
        for (step, fresh) in steps.iter().zip(100..) {
            let event = step.event(&live);
            let decided = decide(&live, &event, Some(producer(fresh)), NOW);
            let Ok(Decision { next: Some(next), .. }) = decided else { continue };
            if let Some(result) = live.state.ending() {
                prop_assert_eq!(next.state, TransactionState::complete(result));
                prop_assert_eq!(event, Event::Marked);
            }
            prop_assert!((next.producer, next.epoch) >= (live.producer, live.epoch));
            let open = next.state == Ongoing || next.state.ending().is_some();
            prop_assert_eq!(open, !next.partitions.is_empty());
            prop_assert!(!open || next.started.is_some());
            live = next;
        }
    }
}
