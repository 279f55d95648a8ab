//! What the evaluator is told.

use std::time::Duration;

/// How commits are kept and judged; the names in parentheses are Burrow's.
#[derive(Clone, Debug)]
pub struct LagOptions {
    /// Commits that are kept for each partition, and how many recent ends of its log are looked at (`intervals`).
    pub intervals: usize,
    /// A commit that follows another one sooner takes its place (`min-distance`).
    pub min_distance: Duration,
    /// A group that committed nothing for so long is forgotten (`expire-group`).
    pub expire_group: Duration,
    /// Lag that counts as none, in records (`allowed-lag`).
    pub allowed_lag: u64,
    /// A partition with a smaller part of its commits known is not judged, and counts as well (`minimum-complete`).
    pub minimum_complete: f64,
    /// How often the ends of logs are asked for (`offset-refresh`).
    pub offset_refresh: Duration,
    /// How often another cluster's topics are asked for (`topic-refresh`).
    pub topic_refresh: Duration,
    /// Partitions of groups that are kept for each cluster; commits of more are not, and are counted.
    pub max_partitions: usize,
}

impl Default for LagOptions {
    /// Burrow's, with room for 100,000 partitions.
    fn default() -> Self {
        Self {
            intervals: 10,
            min_distance: Duration::from_secs(1),
            expire_group: Duration::from_secs(604_800),
            allowed_lag: 0,
            minimum_complete: 0.0,
            offset_refresh: Duration::from_secs(10),
            topic_refresh: Duration::from_secs(60),
            max_partitions: 100_000,
        }
    }
}

/// A cluster whose groups are judged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClusterOptions {
    /// What it is called here.
    pub name: String,
    /// `host:port` of some of its brokers; none for the cluster that this broker is of.
    pub servers: Vec<String>,
}
