//! Groups and their offsets.

mod committed_offsets;
mod consumers;
mod coordinators;
mod deleting;
mod describing;
mod heartbeats;
mod joining;
mod leaving;
mod offset_commits;
mod offset_deletion;
mod static_members;
mod synchronizing;

use crate::scenario::Scenario;

/// A list for each file.
pub const ALL: [&[Scenario]; 12] = [
    coordinators::SCENARIOS,
    joining::SCENARIOS,
    static_members::SCENARIOS,
    synchronizing::SCENARIOS,
    heartbeats::SCENARIOS,
    leaving::SCENARIOS,
    describing::SCENARIOS,
    deleting::SCENARIOS,
    offset_commits::SCENARIOS,
    committed_offsets::SCENARIOS,
    offset_deletion::SCENARIOS,
    consumers::SCENARIOS,
];
