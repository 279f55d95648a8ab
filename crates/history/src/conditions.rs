//! Under what conditions a history was recorded: the first line of it.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What consumers may see of transactions.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Isolation {
    /// Everything.
    ReadUncommitted,
    /// What was committed.
    #[default]
    ReadCommitted,
}

/// The conditions of a history.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conditions {
    /// Version of the format: 1.
    pub history: u32,
    /// `isolation.level` of all consumers.
    #[serde(default)]
    pub isolation: Isolation,
    /// Whether all producers were idempotent.
    #[serde(default)]
    pub idempotence: bool,
    /// Whether somebody read every partition from its beginning to its end, after all sends and transactions had ended.
    #[serde(default)]
    pub read_to_end: bool,
    /// Partitions whose log is compacted.
    #[serde(default)]
    pub compacted: BTreeSet<String>,
    /// Where logs start at the end of the history: what lies below was deleted by retention or on request.
    #[serde(default)]
    pub log_start: BTreeMap<String, u64>,
}

impl Conditions {
    /// The format that this crate reads.
    pub const VERSION: u32 = 1;

    /// Conditions under which everything is guaranteed: idempotent producers, `read_committed`, read to the end.
    pub fn strict() -> Self {
        Self {
            history: Self::VERSION,
            isolation: Isolation::ReadCommitted,
            idempotence: true,
            read_to_end: true,
            compacted: BTreeSet::new(),
            log_start: BTreeMap::new(),
        }
    }
}
