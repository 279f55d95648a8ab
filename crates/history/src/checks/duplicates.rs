//! One value at two offsets of a partition: a retry that was written again.

use super::Evidence;
use crate::{Anomaly, Finding, Report, history::Partition, observed::Sighting};

pub(super) fn check(evidence: &Evidence<'_>, report: &mut Report) {
    for (partition, log) in (0..).zip(&evidence.observed.logs) {
        let mut sightings = log.sightings.clone();
        sightings.sort_unstable_by_key(|sighting| (sighting.value, sighting.offset));
        for same in sightings.chunk_by(|one, other| one.value == other.value) {
            if same.len() > 1 {
                report.add(duplicate(evidence, partition, same));
            }
        }
    }
}

fn duplicate(evidence: &Evidence<'_>, partition: Partition, same: &[Sighting]) -> Finding {
    Finding {
        permission: evidence.unless_idempotent(),
        offsets: same.iter().map(|sighting| sighting.offset).collect(),
        values: same.iter().take(1).map(|sighting| sighting.value).collect(),
        operations: same.iter().map(|sighting| sighting.operation).collect(),
        ..evidence.finding(Anomaly::Duplicate, partition)
    }
}
