//! A consumer got an offset that it had got before, or one below.

use super::Evidence;
use crate::{Anomaly, Finding, Report, positions::Step};

pub(super) fn check(evidence: &Evidence<'_>, step: &Step, report: &mut Report) {
    if step.offset < step.expected {
        report.add(Finding {
            permission: step.moved,
            offsets: vec![step.expected, step.offset],
            values: vec![step.value],
            operations: step.operations.to_vec(),
            ..evidence.finding(Anomaly::NonMonotonicPoll, step.partition)
        });
    }
}
