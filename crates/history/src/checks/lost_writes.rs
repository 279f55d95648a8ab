//! Acknowledged records that nobody polled: lost where polls went past them, unseen where none got so far.
//!
//! An acknowledgement is that of the send, and in a transaction also that of the commit.

use super::Evidence;
use crate::{Anomaly, Finding, Permission, Report, history::Partition, observed::Write};

pub(super) fn check(evidence: &Evidence<'_>, report: &mut Report) {
    let observed = &evidence.observed;
    let acknowledged = observed.writes.iter().filter(|(_, write)| write.acknowledged());
    let mut missing: Vec<_> =
        acknowledged.filter(|(at, _)| !observed.polled.contains(at)).collect();
    missing.sort_by_key(|((partition, value), write)| (*partition, write.offset, *value));
    for ((partition, value), write) in missing {
        report.add(judge(evidence, *partition, *value, write));
    }
}

fn judge(evidence: &Evidence<'_>, partition: Partition, value: u64, write: &Write) -> Finding {
    let log = evidence.observed.logs.get(partition as usize);
    let highest = log.and_then(|log| log.highest_read);
    let lowest = log.and_then(|log| log.lowest_read);
    let passed = write.offset.is_some_and(|offset| highest.is_some_and(|highest| offset < highest));
    let before_all =
        write.offset.is_some_and(|offset| lowest.is_some_and(|lowest| offset < lowest));
    let to_be_read = evidence.history.conditions().read_to_end || (passed && !before_all);
    let anomaly = if passed { Anomaly::LostWrite } else { Anomaly::Unseen };
    let not_read = (!to_be_read).then_some(Permission::NotReadThere);
    Finding {
        permission: evidence.taken_by_upkeep(partition, write.offset).or(not_read),
        offsets: write.offset.into_iter().collect(),
        values: vec![value],
        operations: vec![write.operation],
        ..evidence.finding(anomaly, partition)
    }
}
