//! Values polled before the commit of their transaction was asked for, or although nobody ever ended it.

use super::Evidence;
use crate::{
    Anomaly, Finding, Isolation, Permission, Report, history::Operation, observed::Write,
    transactions::Fate,
};

pub(super) fn check(evidence: &Evidence<'_>, report: &mut Report) {
    let uncommitted = evidence.history.conditions().isolation == Isolation::ReadUncommitted;
    for (_, poll, record) in evidence.reads() {
        let write = evidence.observed.writes.get(&(record.partition, record.value));
        let Some(write) = write else { continue };
        if is_early(evidence, poll, write) {
            report.add(Finding {
                permission: uncommitted.then_some(Permission::ReadUncommitted),
                offsets: record.offset.into_iter().collect(),
                values: vec![record.value],
                operations: vec![write.operation, poll.id],
                ..evidence.finding(Anomaly::PrecommittedRead, record.partition)
            });
        }
    }
}

/// Aborted transactions are another check's: nobody asked for their commit, or it failed.
fn is_early(evidence: &Evidence<'_>, poll: &Operation, write: &Write) -> bool {
    let transaction = write.transaction.and_then(|index| evidence.transactions.get(index));
    transaction.is_some_and(|transaction| match (transaction.fate, transaction.commit_invoked) {
        (Fate::Aborted, _) => false,
        (_, None) => true,
        (_, Some(invoked)) => poll.completed.is_some_and(|polled| polled.time < invoked),
    })
}
