//! A consumer passed over a record that another one got.
//!
//! Records that nobody got are no skip: lost writes tell of them. Offsets without any record are markers mostly.

use super::Evidence;
use crate::{Anomaly, Finding, Permission, Report, positions::Step};

/// So many of the offsets passed over are named.
const NAMED: usize = 8;

pub(super) fn check(evidence: &Evidence<'_>, step: &Step, report: &mut Report) {
    if step.offset <= step.expected {
        return;
    }
    let log = evidence.observed.logs.get(step.partition as usize);
    let passed = log.map(|log| log.readable_in(step.expected..step.offset)).unwrap_or_default();
    // The last one passed stands for all: none of them lies above it.
    let upkeep = evidence.taken_by_upkeep(step.partition, passed.last().copied());
    let nothing = passed.is_empty().then_some(Permission::NothingKnownThere);
    let passed = passed.get(..NAMED).unwrap_or(passed);
    let values = passed.iter().filter_map(|offset| log.and_then(|log| log.value_at(*offset)));
    let offsets = if passed.is_empty() { &[step.expected, step.offset] } else { passed };
    report.add(Finding {
        permission: nothing.or(step.moved).or(upkeep),
        offsets: offsets.to_vec(),
        values: values.collect(),
        operations: step.operations.to_vec(),
        ..evidence.finding(Anomaly::PollSkip, step.partition)
    });
}
