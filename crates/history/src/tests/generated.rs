//! Correct histories have no violation; each way to break one is found.

use super::{
    model::correct_history,
    script::{anomalies, history, polled},
};
use crate::{Action, Anomaly, Conditions, Event, Phase, audit};
use proptest::{prelude::*, sample::Index};

fn choices() -> impl Strategy<Value = Vec<(u8, u8)>> {
    prop::collection::vec(any::<(u8, u8)>(), 0..300)
}

fn found(events: Vec<Event>) -> Vec<Anomaly> {
    anomalies(&audit(&history(Conditions::strict(), events)))
}

type Polled = (usize, String, usize, (u64, u64));

/// The place of each polled record: event, partition, place in the partition; and the record.
fn polled_records(events: &[Event]) -> Vec<Polled> {
    let mut places = Vec::new();
    for (event, told) in events.iter().enumerate() {
        if let (Action::Poll { records }, Phase::Ok) = (&told.action, told.phase) {
            for (partition, records) in records {
                let records = records.iter().enumerate();
                places.extend(records.map(|(at, it)| (event, partition.clone(), at, *it)));
            }
        }
    }
    places
}

fn records_of<'a>(event: &'a mut Event, partition: &str) -> &'a mut Vec<(u64, u64)> {
    match &mut event.action {
        Action::Poll { records } => records.entry(partition.to_owned()).or_default(),
        other => panic!("{other:?} is no poll"),
    }
}

type Acknowledged = (usize, String, Vec<(Option<u64>, u64)>);

/// Acknowledged sends: event, partition, its records.
fn acknowledged(events: &[Event]) -> Vec<Acknowledged> {
    let mut sends = Vec::new();
    for (place, event) in events.iter().enumerate() {
        if let (Action::Send { records }, Phase::Ok) = (&event.action, event.phase) {
            let records = records.iter();
            sends.extend(records.map(|(name, records)| (place, name.clone(), records.clone())));
        }
    }
    sends
}

fn is_acknowledged(events: &[Event], partition: &str, value: u64) -> bool {
    let sends = acknowledged(events);
    sends.iter().any(|(_, at, sent)| at == partition && sent.iter().any(|(_, it)| *it == value))
}

fn last_offset(events: &[Event], partition: &str) -> u64 {
    let polled = polled_records(events);
    let offsets = polled.iter().filter(|(_, at, ..)| at == partition).map(|(_, _, _, it)| it.0);
    offsets.max().unwrap_or_default()
}

/// Picks one, or passes the case over.
macro_rules! pick {
    ($index:expr, $from:expr) => {{
        let from = $from;
        prop_assume!(!from.is_empty());
        from[$index.index(from.len())].clone()
    }};
}

proptest! {
    #![proptest_config(ProptestConfig {
        max_global_rejects: 100_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_correct_history_has_no_violation(choices in choices()) {
        let report = audit(&history(Conditions::strict(), correct_history(&choices)));
        prop_assert!(report.is_clean(), "{report:#?}");
    }

    #[test]
    fn an_acknowledged_record_taken_from_all_polls_is_missed(choices in choices(), index: Index) {
        let mut events = correct_history(&choices);
        let (_, partition, _, (offset, value)) = pick!(index, polled_records(&events));
        // A transaction's record may be that of an unknown commit, which owes nothing.
        let of_nobody = events.iter().all(|event| event.action != Action::Begin);
        prop_assume!(of_nobody && is_acknowledged(&events, &partition, value));
        for event in &mut events {
            if matches!(event.action, Action::Poll { .. }) {
                records_of(event, &partition).retain(|record| record.1 != value);
            }
        }
        let passed = offset < last_offset(&events, &partition);
        let expected = if passed { Anomaly::LostWrite } else { Anomaly::Unseen };
        prop_assert_eq!(found(events), [expected]);
    }

    #[test]
    fn a_record_that_comes_again_at_another_offset_is_a_duplicate(choices in choices(), index: Index) {
        let mut events = correct_history(&choices);
        let (_, partition, _, (_, value)) = pick!(index, polled_records(&events));
        let behind = last_offset(&events, &partition) + 1000;
        records_of(events.last_mut().unwrap(), &partition).push((behind, value));
        prop_assert_eq!(found(events), [Anomaly::Duplicate]);
    }

    #[test]
    fn a_value_at_the_offset_of_another_is_inconsistent(choices in choices(), index: Index, other: Index) {
        let mut events = correct_history(&choices);
        let last = events.len() - 1;
        let records = polled_records(&events);
        let at_end: Vec<_> = records.into_iter().filter(|(event, ..)| *event == last).collect();
        let (_, partition, place, (_, value)) = pick!(index, at_end.clone());
        prop_assume!(is_acknowledged(&events, &partition, value));
        let others = at_end.into_iter().filter(|it| it.1 == partition && it.3.1 != value);
        let (_, _, _, (_, wrong)) = pick!(other, others.collect::<Vec<_>>());
        records_of(&mut events[last], &partition)[place].1 = wrong;
        prop_assert!(found(events).contains(&Anomaly::InconsistentOffset));
    }

    #[test]
    fn a_record_of_a_send_that_failed_must_not_come(choices in choices(), index: Index) {
        let mut events = correct_history(&choices);
        let (event, partition, records) = pick!(index, acknowledged(&events));
        let value = records[0].1;
        prop_assume!(polled_records(&events).iter().any(|it| it.1 == partition && it.3.1 == value));
        events[event].phase = Phase::Fail;
        prop_assert!(found(events).contains(&Anomaly::AbortedRead));
    }

    #[test]
    fn a_record_of_a_transaction_that_was_aborted_must_not_come(choices in choices(), index: Index) {
        let mut events = correct_history(&choices);
        let aborted = events.iter().filter(|it| (&it.action, it.phase) == (&Action::Abort, Phase::Ok));
        let abort = pick!(index, aborted.cloned().collect::<Vec<_>>());
        let before = events.iter().filter(|it| it.process == abort.process && it.time < abort.time);
        let last = before.rev().find(|it| it.phase == Phase::Ok || it.action == Action::Begin);
        let sent = last.cloned();
        let Some(Event { action: Action::Send { records }, .. }) = sent else {
            return Err(TestCaseError::reject("the transaction's last send was not acknowledged"));
        };
        let (partition, sent) = records.into_iter().next().unwrap();
        let (offset, value) = sent[0];
        let reader = events.last_mut().unwrap();
        let records = records_of(reader, &partition);
        records.push((offset.unwrap(), value));
        records.sort_unstable();
        prop_assert_eq!(found(events), [Anomaly::AbortedRead]);
    }

    #[test]
    fn a_record_polled_before_its_commit_is_early(choices in choices(), index: Index) {
        let mut events = correct_history(&choices);
        let commits = events.iter().filter(|it| (&it.action, it.phase) == (&Action::Commit, Phase::Ok));
        let commit = pick!(index, commits.cloned().collect::<Vec<_>>());
        let before = events.iter().filter(|it| it.process == commit.process && it.time < commit.time);
        let last = before.rev().find(|it| it.phase == Phase::Ok);
        let Some(Event { time, action: Action::Send { records }, .. }) = last.cloned() else {
            return Err(TestCaseError::reject("nothing was sent"));
        };
        let (partition, sent) = records.into_iter().next().unwrap();
        let (process, id) = (1000, 1_000_000);
        let poll = |time, phase, action| Event { process, id, time, phase, action };
        let nothing = Action::Poll { records: [].into() };
        events.push(poll(time + 1, Phase::Invoke, nothing));
        let records = polled(&partition, &[(sent[0].0.unwrap(), sent[0].1)]);
        events.push(poll(time + 2, Phase::Ok, records));
        prop_assert_eq!(found(events), [Anomaly::PrecommittedRead]);
    }

    #[test]
    fn a_record_taken_from_one_poll_is_skipped(choices in choices(), index: Index) {
        let mut events = correct_history(&choices);
        let records = polled_records(&events);
        let last = events.len() - 1;
        let (event, partition, place, (offset, value)) = pick!(index, records.clone());
        let others = records.iter().filter(|it| it.0 != event && it.1 == partition);
        prop_assume!(event == last && others.clone().any(|it| it.3.1 == value));
        prop_assume!(offset < last_offset(&events, &partition));
        records_of(&mut events[event], &partition).remove(place);
        prop_assert_eq!(found(events), [Anomaly::PollSkip]);
    }

    #[test]
    fn a_poll_turned_around_goes_back(choices in choices(), index: Index) {
        let mut events = correct_history(&choices);
        let records = polled_records(&events);
        let later = records.into_iter().filter(|(_, _, place, _)| *place > 0);
        let (event, partition, ..) = pick!(index, later.collect::<Vec<_>>());
        records_of(&mut events[event], &partition).reverse();
        prop_assert!(found(events).contains(&Anomaly::NonMonotonicPoll));
    }

    #[test]
    fn a_send_turned_around_is_out_of_order(choices in choices(), index: Index) {
        let mut events = correct_history(&choices);
        let (event, partition, sent) = pick!(index, acknowledged(&events));
        let Action::Send { records } = &mut events[event].action else { unreachable!() };
        let records = records.get_mut(&partition).unwrap();
        (records[0].0, records[1].0) = (sent[1].0, sent[0].0);
        prop_assert!(found(events).contains(&Anomaly::NonMonotonicSend));
    }

    #[test]
    fn two_transactions_that_read_from_each_other_are_a_cycle(choices in choices()) {
        let mut events = correct_history(&choices);
        let start = events.len() as u64 * 10;
        let send = |partition: &str, value| super::script::sent(partition, &[(Some(90_000), value)]);
        let steps = [
            (100, Action::Begin),
            (101, Action::Begin),
            (100, send("a", 90_001)),
            (101, send("b", 90_002)),
            (100, polled("b", &[(90_000, 90_002)])),
            (101, polled("a", &[(90_000, 90_001)])),
            (100, Action::Commit),
            (101, Action::Commit),
        ];
        for (number, (process, action)) in (0..).zip(steps) {
            let (id, time) = (1_000_000 + number, start + number * 10);
            let event = |time, phase| Event { process, id, time, phase, action: action.clone() };
            events.extend([event(time, Phase::Invoke), event(time + 5, Phase::Ok)]);
        }
        prop_assert_eq!(found(events), [Anomaly::PrecommittedRead, Anomaly::ReadCycle]);
    }
}
