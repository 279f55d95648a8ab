//! Polled values of sends that failed, which nothing permits, or of transactions that were aborted (G1a).

use super::Evidence;
use crate::{
    Anomaly, Finding, Isolation, Permission, Report, history::Outcome, transactions::Fate,
};

pub(super) fn check(evidence: &Evidence<'_>, report: &mut Report) {
    let uncommitted = evidence.history.conditions().isolation == Isolation::ReadUncommitted;
    for (_, poll, record) in evidence.reads() {
        let write = evidence.observed.writes.get(&(record.partition, record.value));
        let Some(write) = write else { continue };
        let failed = write.outcome == Outcome::Failed;
        if failed || write.fate == Some(Fate::Aborted) {
            report.add(Finding {
                permission: (uncommitted && !failed).then_some(Permission::ReadUncommitted),
                offsets: record.offset.into_iter().collect(),
                values: vec![record.value],
                operations: vec![write.operation, poll.id],
                ..evidence.finding(Anomaly::AbortedRead, record.partition)
            });
        }
    }
}
