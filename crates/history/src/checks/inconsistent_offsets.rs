//! Two values at one offset of a partition: two histories of one log. Nothing permits that.

use super::Evidence;
use crate::{Anomaly, Finding, Report};

pub(super) fn check(evidence: &Evidence<'_>, report: &mut Report) {
    for (partition, log) in (0..).zip(&evidence.observed.logs) {
        for same in log.sightings.chunk_by(|one, other| one.offset == other.offset) {
            if same.len() > 1 {
                report.add(Finding {
                    offsets: same.iter().take(1).map(|sighting| sighting.offset).collect(),
                    values: same.iter().map(|sighting| sighting.value).collect(),
                    operations: same.iter().map(|sighting| sighting.operation).collect(),
                    ..evidence.finding(Anomaly::InconsistentOffset, partition)
                });
            }
        }
    }
}
