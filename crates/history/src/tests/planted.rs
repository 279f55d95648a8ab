//! An anomaly of each class, planted alone, and the permitted ones.

use super::script::{Script, sent};
use crate::{Action, Anomaly, Isolation, Permission, Phase, audit};

/// Two acknowledged records, at offsets 0 and 1.
fn two() -> Script {
    Script::new().send(0, "a", 0, 1).send(0, "a", 1, 2)
}

/// A record at offset 0 in a transaction that is not ended yet.
fn in_transaction() -> Script {
    Script::new().ok(0, Action::Begin).send(0, "a", 0, 1)
}

#[test]
fn a_history_without_anomalies_is_clean() {
    let script = two().poll(1, "a", &[(0, 1), (1, 2)]);
    assert_eq!(script.violations(), []);
}

#[test]
fn an_acknowledged_record_that_polls_passed_over_is_lost() {
    assert_eq!(two().poll(1, "a", &[(1, 2)]).violations(), [Anomaly::LostWrite]);
}

#[test]
fn an_acknowledged_record_that_no_poll_reached_is_unseen() {
    assert_eq!(two().poll(1, "a", &[(0, 1)]).violations(), [Anomaly::Unseen]);
}

#[test]
fn a_record_that_nobody_went_to_read_is_no_violation() {
    let script = two().poll(1, "a", &[(0, 1)]).under(|it| it.read_to_end = false);
    assert_eq!(script.permitted(), [(Anomaly::Unseen, Permission::NotReadThere)]);
}

#[test]
fn records_that_compaction_or_retention_took_are_no_violation() {
    let compacted = two().poll(1, "a", &[(1, 2)]).under(|it| {
        it.compacted.insert("a".into());
    });
    assert_eq!(compacted.permitted(), [(Anomaly::LostWrite, Permission::Compacted)]);
    let deleted = two().poll(1, "a", &[(1, 2)]).under(|it| {
        it.log_start.insert("a".into(), 1);
    });
    assert_eq!(deleted.permitted(), [(Anomaly::LostWrite, Permission::BelowLogStart)]);
}

#[test]
fn a_send_with_an_unknown_end_owes_nothing() {
    let script = Script::new().step(0, Phase::Info, sent("a", &[(None, 1)]));
    assert_eq!(script.violations(), []);
}

#[test]
fn a_value_at_two_offsets_is_a_duplicate_of_idempotent_producers() {
    let script = || Script::new().send(0, "a", 0, 1).poll(1, "a", &[(0, 1), (1, 1)]);
    assert_eq!(script().violations(), [Anomaly::Duplicate]);
    let others = script().under(|it| it.idempotence = false);
    assert_eq!(others.permitted(), [(Anomaly::Duplicate, Permission::NotIdempotent)]);
}

#[test]
fn two_values_at_one_offset_are_inconsistent() {
    let script = Script::new().send(0, "a", 0, 1).send(2, "a", 0, 2);
    let script = script.poll(1, "a", &[(0, 1)]).poll(3, "a", &[(0, 2)]);
    assert_eq!(script.violations(), [Anomaly::InconsistentOffset]);
}

#[test]
fn a_value_of_a_failed_send_must_not_be_polled() {
    let failed = Script::new().step(0, Phase::Fail, sent("a", &[(None, 1)]));
    let script =
        failed.poll(1, "a", &[(0, 1)]).under(|it| it.isolation = Isolation::ReadUncommitted);
    assert_eq!(script.violations(), [Anomaly::AbortedRead]);
}

#[test]
fn a_value_of_an_aborted_transaction_must_not_be_polled_by_read_committed() {
    let script = || in_transaction().ok(0, Action::Abort).poll(1, "a", &[(0, 1)]);
    assert_eq!(script().violations(), [Anomaly::AbortedRead]);
    let uncommitted = script().under(|it| it.isolation = Isolation::ReadUncommitted);
    assert_eq!(uncommitted.permitted(), [(Anomaly::AbortedRead, Permission::ReadUncommitted)]);
}

#[test]
fn a_value_of_a_commit_that_surely_failed_must_not_be_polled() {
    let script = in_transaction().step(0, Phase::Fail, Action::Commit).poll(1, "a", &[(0, 1)]);
    assert_eq!(script.violations(), [Anomaly::AbortedRead]);
}

#[test]
fn a_value_of_a_commit_with_an_unknown_end_may_be_polled_or_not() {
    let unknown = || in_transaction().step(0, Phase::Info, Action::Commit);
    assert_eq!(unknown().poll(1, "a", &[(0, 1)]).violations(), []);
    assert_eq!(unknown().violations(), []);
}

#[test]
fn a_value_must_not_be_polled_before_its_commit() {
    let early = || in_transaction().poll(1, "a", &[(0, 1)]).ok(0, Action::Commit);
    assert_eq!(early().violations(), [Anomaly::PrecommittedRead]);
    let never = in_transaction().poll(1, "a", &[(0, 1)]);
    assert_eq!(never.violations(), [Anomaly::PrecommittedRead]);
    let uncommitted = early().under(|it| it.isolation = Isolation::ReadUncommitted);
    assert_eq!(uncommitted.permitted(), [(Anomaly::PrecommittedRead, Permission::ReadUncommitted)]);
}

#[test]
fn a_value_that_nobody_sent_to_the_partition_must_not_be_polled() {
    let script = two().poll(1, "a", &[(0, 1), (1, 2)]).poll(1, "b", &[(0, 1)]);
    assert_eq!(script.violations(), [Anomaly::UnsentRead]);
}

#[test]
fn a_consumer_must_not_pass_over_what_another_one_got() {
    let all = || two().send(0, "a", 2, 3).poll(1, "a", &[(0, 1), (1, 2), (2, 3)]);
    let script = all().poll(2, "a", &[(0, 1)]).poll(2, "a", &[(2, 3)]);
    assert_eq!(script.violations(), [Anomaly::PollSkip]);
    let after_seek = all().ok(2, Action::Seek { partition: "a".into(), offset: Some(1) });
    assert_eq!(after_seek.poll(2, "a", &[(2, 3)]).violations(), [Anomaly::PollSkip]);
}

#[test]
fn a_consumer_may_pass_over_records_when_its_group_rebalances_or_a_poll_is_lost() {
    let first = || {
        let all = two().send(0, "a", 2, 3).poll(1, "a", &[(0, 1), (1, 2), (2, 3)]);
        all.poll(2, "a", &[(0, 1)])
    };
    let rebalanced = first().ok(2, Action::Rebalance { partitions: vec!["a".into()] });
    let permitted = rebalanced.poll(2, "a", &[(2, 3)]).permitted();
    assert_eq!(permitted, [(Anomaly::PollSkip, Permission::Repositioned)]);
    let lost = first().step(2, Phase::Info, Action::Poll { records: [].into() });
    let permitted = lost.poll(2, "a", &[(2, 3)]).permitted();
    assert_eq!(permitted, [(Anomaly::PollSkip, Permission::PollUnknown)]);
}

#[test]
fn a_gap_where_a_marker_may_lie_is_told() {
    let script = Script::new().send(0, "a", 0, 1).send(0, "a", 2, 2);
    let permitted = script.poll(1, "a", &[(0, 1), (2, 2)]).permitted();
    assert_eq!(permitted, [(Anomaly::PollSkip, Permission::NothingKnownThere)]);
}

#[test]
fn a_consumer_must_not_go_back_by_itself() {
    let script = two().poll(1, "a", &[(0, 1), (1, 2)]).poll(1, "a", &[(1, 2)]);
    assert_eq!(script.violations(), [Anomaly::NonMonotonicPoll]);
}

#[test]
fn a_consumer_may_be_moved_back() {
    let both = || two().poll(1, "a", &[(0, 1), (1, 2)]);
    let assigned = both().ok(1, Action::Assign { partitions: vec!["a".into()] });
    let permitted = assigned.poll(1, "a", &[(0, 1), (1, 2)]).permitted();
    assert_eq!(permitted, [(Anomaly::NonMonotonicPoll, Permission::Repositioned)]);
    let sought = both().ok(1, Action::Seek { partition: "a".into(), offset: Some(0) });
    assert_eq!(sought.poll(1, "a", &[(0, 1), (1, 2)]).permitted(), []);
}

#[test]
fn records_of_an_idempotent_producer_keep_their_order() {
    let script = || {
        let sends = Script::new().send(0, "a", 1, 1).send(0, "a", 0, 2);
        sends.poll(1, "a", &[(0, 2), (1, 1)])
    };
    assert_eq!(script().violations(), [Anomaly::NonMonotonicSend]);
    let others = script().under(|it| it.idempotence = false);
    assert_eq!(others.permitted(), [(Anomaly::NonMonotonicSend, Permission::NotIdempotent)]);
}

/// Two transactions, each of one record to `a` and one to `b`, the second partition in the other order.
fn writes_in_a_circle() -> Script {
    let begun = Script::new().ok(0, Action::Begin).ok(1, Action::Begin);
    let first = begun.send(0, "a", 0, 1).send(1, "a", 1, 2);
    let second = first.send(1, "b", 0, 3).send(0, "b", 1, 4);
    let ended = second.ok(0, Action::Commit).ok(1, Action::Commit);
    ended.poll(2, "a", &[(0, 1), (1, 2)]).poll(2, "b", &[(0, 3), (1, 4)])
}

#[test]
fn a_circle_of_writes_is_found_and_permitted() {
    let script = writes_in_a_circle();
    assert_eq!(script.permitted(), [(Anomaly::WriteCycle, Permission::WritesInterleave)]);
}

#[test]
fn transactions_that_read_from_each_other_are_a_violation() {
    let begun = Script::new().ok(0, Action::Begin).ok(1, Action::Begin);
    let sent = begun.send(0, "a", 0, 1).send(1, "b", 0, 2);
    let polled = sent.poll(0, "b", &[(0, 2)]).poll(1, "a", &[(0, 1)]);
    let script = polled.ok(0, Action::Commit).ok(1, Action::Commit);
    assert_eq!(script.violations(), [Anomaly::PrecommittedRead, Anomaly::ReadCycle]);
}

#[test]
fn a_circle_of_a_write_and_a_read_is_found_and_permitted() {
    let begun = Script::new().ok(0, Action::Begin).ok(1, Action::Begin);
    let sent = begun.send(1, "a", 0, 1).send(0, "a", 1, 2).send(0, "b", 0, 3);
    let committed = sent.ok(0, Action::Commit).poll(1, "b", &[(0, 3)]).ok(1, Action::Commit);
    let script = committed.poll(2, "a", &[(0, 1), (1, 2)]);
    assert_eq!(script.permitted(), [(Anomaly::ReadCycle, Permission::WritesInterleave)]);
}

#[test]
fn findings_carry_their_evidence_and_are_bounded() {
    let mut script = Script::new();
    for value in 0..100 {
        script = script.send(0, "a", value, value);
    }
    let report = audit(&super::script::history(script.conditions, script.events));
    let (anomaly, tally) = report.violations().next().unwrap();
    assert_eq!((anomaly, tally.count, tally.first.len()), (Anomaly::Unseen, 100, 32));
    let text = tally.first[7].to_string();
    assert_eq!(text, "unseen in a, offsets [7], values [7], operations [7]");
}
