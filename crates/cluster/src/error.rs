//! Why a change of the cluster was refused.

use metadata::MetadataError;
use model::config::InvalidConfig;

/// A refused change, by what the caller does about it.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ClusterError {
    /// A topic of that name exists.
    #[error("topic {0} already exists")]
    TopicExists(String),
    /// No topic of that name or id.
    #[error("unknown topic {0}")]
    UnknownTopic(String),
    /// No such broker.
    #[error("unknown broker {0}")]
    UnknownBroker(String),
    /// A name outside Kafka's rules, or one that collides with another in metric names.
    #[error("{0}")]
    InvalidTopicName(String),
    /// Zero partitions, fewer than there are, or more than allowed.
    #[error("{0}")]
    InvalidPartitions(String),
    /// A replication factor below 1 (other than the default).
    #[error("{0}")]
    InvalidReplicationFactor(String),
    /// An unknown key or a value it does not take.
    #[error("{0}")]
    InvalidConfig(String),
    /// The partition is not being moved.
    #[error("no move of {0} is in progress")]
    NotMoving(String),
    /// A request that makes no sense.
    #[error("{0}")]
    InvalidRequest(String),
    /// The metadata store did not answer in time; the change may have happened.
    #[error("{0}")]
    Unavailable(String),
    /// Directory, bucket, metadata or WAL belong to another cluster, or went back in time: start-up stops.
    #[error("{0}")]
    Identity(String),
    /// This program is too old or too new for what is stored.
    #[error("{0}")]
    Version(String),
    /// Another live broker has this broker id, WAL or directory.
    #[error("{0}")]
    AlreadyRunning(String),
}

impl ClusterError {
    /// Whether the same call may succeed later.
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl From<MetadataError> for ClusterError {
    fn from(error: MetadataError) -> Self {
        match error {
            MetadataError::Damaged { .. } => Self::Version(error.to_string()),
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

impl From<InvalidConfig> for ClusterError {
    fn from(error: InvalidConfig) -> Self {
        Self::InvalidConfig(error.to_string())
    }
}
