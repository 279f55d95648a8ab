//! Polled values that nobody sent to their partition: damage, or another partition's record.

use super::Evidence;
use crate::{Anomaly, Finding, Report};

pub(super) fn check(evidence: &Evidence<'_>, report: &mut Report) {
    for (_, poll, record) in evidence.reads() {
        if !evidence.observed.writes.contains_key(&(record.partition, record.value)) {
            report.add(Finding {
                offsets: record.offset.into_iter().collect(),
                values: vec![record.value],
                operations: vec![poll.id],
                ..evidence.finding(Anomaly::UnsentRead, record.partition)
            });
        }
    }
}
