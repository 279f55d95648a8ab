//! Transactions: their producers, their coordinator, their records.

mod adding_partitions;
mod describing;
mod ending;
mod fencing;
mod markers;
mod producer_ids;
mod reading;
mod staged_offsets;
mod writing;

use crate::scenario::Scenario;

/// A list for each file.
pub const ALL: [&[Scenario]; 9] = [
    producer_ids::SCENARIOS,
    adding_partitions::SCENARIOS,
    writing::SCENARIOS,
    reading::SCENARIOS,
    ending::SCENARIOS,
    fencing::SCENARIOS,
    staged_offsets::SCENARIOS,
    describing::SCENARIOS,
    markers::SCENARIOS,
];
