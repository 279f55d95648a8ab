//! A producer's records of one partition lie in another order than that in which it sent them.

use super::Evidence;
use crate::{
    Anomaly, Finding, Report,
    history::{Deed, Operation, Outcome, Partition, Record},
};
use std::collections::HashMap;

/// What a producer sent to a partition before: number of the send, offset, value.
type Last = HashMap<(u32, Partition), (u64, u64, u64)>;

pub(super) fn check(evidence: &Evidence<'_>, report: &mut Report) {
    let mut last = Last::new();
    for send in evidence.history.operations() {
        if let (Deed::Send(records), Outcome::Happened) = (&send.deed, send.outcome) {
            for record in records {
                if let Some(finding) = follow(evidence, &mut last, send, record) {
                    report.add(finding);
                }
            }
        }
    }
}

fn follow(
    evidence: &Evidence<'_>,
    last: &mut Last,
    send: &Operation,
    record: &Record,
) -> Option<Finding> {
    let offset = record.offset?;
    let here = (send.id, offset, record.value);
    let (before, offset_before, value_before) =
        last.insert((send.process, record.partition), here)?;
    (offset <= offset_before).then(|| Finding {
        permission: evidence.unless_idempotent(),
        offsets: vec![offset_before, offset],
        values: vec![value_before, record.value],
        operations: vec![before, send.id],
        ..evidence.finding(Anomaly::NonMonotonicSend, record.partition)
    })
}
