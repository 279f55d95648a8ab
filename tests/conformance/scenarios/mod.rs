//! The scenarios, a file for each part of the protocol.

mod api_versions;
mod configs;
mod delete_records;
mod describing;
mod fetch;
mod fetch_sessions;
mod groups;
mod idempotence;
mod leader_epochs;
mod list_offsets;
mod metadata;
mod produce;
mod topics;
mod transactions;

use crate::scenario::Scenario;

/// Every scenario.
pub fn all() -> Vec<&'static Scenario> {
    [
        api_versions::SCENARIOS,
        metadata::SCENARIOS,
        topics::SCENARIOS,
        configs::SCENARIOS,
        describing::SCENARIOS,
        produce::SCENARIOS,
        idempotence::SCENARIOS,
        fetch::SCENARIOS,
        fetch_sessions::SCENARIOS,
        list_offsets::SCENARIOS,
        leader_epochs::SCENARIOS,
        delete_records::SCENARIOS,
    ]
    .into_iter()
    .chain(groups::ALL)
    .chain(transactions::ALL)
    .flatten()
    .collect()
}
