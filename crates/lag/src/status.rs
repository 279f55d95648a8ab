//! Verdicts, as Burrow's HTTP API shows them.

use crate::Commit;
use serde::Serialize;

/// What is said of a partition or of a group, from good to bad. A partition is never `NotFound` or `Error`, a group is nothing beyond
/// `Error`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// Nobody knows the group.
    NotFound,
    /// It keeps up, or catches up.
    Ok,
    /// It goes on, and falls behind.
    #[serde(rename = "WARN")]
    Warning,
    /// Some partitions are stopped, stalled or rewound.
    #[serde(rename = "ERR")]
    Error,
    /// It is behind and has committed nothing for longer than it took to commit what is known.
    Stop,
    /// It is behind and commits the same offset again and again.
    Stall,
    /// It committed a smaller offset than before, and has not come back.
    Rewind,
}

impl Status {
    /// What a group may be.
    pub const OF_GROUPS: [Self; 3] = [Self::Ok, Self::Warning, Self::Error];

    /// Its number in Burrow's metrics.
    pub fn number(self) -> i64 {
        match self {
            Self::NotFound => 0,
            Self::Ok => 1,
            Self::Warning => 2,
            Self::Error => 3,
            Self::Stop => 4,
            Self::Stall => 5,
            Self::Rewind => 6,
        }
    }

    /// Its name, as Burrow writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotFound => "NOTFOUND",
            Self::Ok => "OK",
            Self::Warning => "WARN",
            Self::Error => "ERR",
            Self::Stop => "STOP",
            Self::Stall => "STALL",
            Self::Rewind => "REWIND",
        }
    }

    /// What it makes of a group.
    pub(crate) fn of_group(self) -> Self {
        self.min(Self::Error)
    }
}

/// What is said of one partition of a group.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct PartitionStatus {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: u32,
    /// Where the member is that has it; empty when that is not known.
    pub owner: String,
    /// What that member's client calls itself; empty when that is not known.
    pub client_id: String,
    /// The verdict.
    pub status: Status,
    /// The oldest commit that is kept.
    pub start: Option<Commit>,
    /// The newest.
    pub end: Option<Commit>,
    /// Records between the newest commit and the end of the log.
    pub current_lag: u64,
    /// The part of the commits to be kept that is there, between 0 and 1.
    pub complete: f64,
    /// How long the oldest record has waited that the group has not read, in seconds. Burrow does not say.
    #[serde(skip)]
    pub lag_seconds: f64,
}

/// What is said of a group.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct GroupStatus {
    /// The cluster.
    pub cluster: String,
    /// The group.
    pub group: String,
    /// The worst of its partitions.
    pub status: Status,
    /// The part of its partitions that is complete, between 0 and 1.
    pub complete: f64,
    /// Its partitions; those that are well are left out unless all were asked for.
    pub partitions: Vec<PartitionStatus>,
    /// How many it has.
    pub partition_count: usize,
    /// The one that is furthest behind.
    pub maxlag: Option<PartitionStatus>,
    /// The sum of their lags.
    pub totallag: u64,
}

impl GroupStatus {
    /// That of a group that nobody knows.
    pub(crate) fn not_found(cluster: &str, group: &str) -> Self {
        Self {
            cluster: cluster.to_owned(),
            group: group.to_owned(),
            status: Status::NotFound,
            complete: 1.0,
            partitions: Vec::new(),
            partition_count: 0,
            maxlag: None,
            totallag: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_has_one_name_everywhere() {
        use Status::{Error, NotFound, Ok, Rewind, Stall, Stop, Warning};
        for (number, status) in (0..).zip([NotFound, Ok, Warning, Error, Stop, Stall, Rewind]) {
            let json = serde_json::to_value(status).expect("a name");
            assert_eq!(json, status.name());
            assert_eq!(status.number(), number);
        }
    }
}
