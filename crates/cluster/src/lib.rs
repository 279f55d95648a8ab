//! Who owns what: sessions, owner records, topics, assignment, fencing, drain.
//!
//! [`Cluster`] is this broker's view of, and its hand in, the cluster's metadata: it keeps an [`Image`] up to date from watches, runs the
//! session (lease, registration, loss and return), claims partitions for this broker, and executes administrative changes as
//! conditional transactions. DESIGN section 5 is its specification. It knows nothing of logs: the wiring hands its
//! [`Ownership`] port the partitions to open and close.

mod admin;
mod cluster;
mod error;
mod image;
mod ports;

pub use admin::{ConfigChange, ConfigResource, NewTopic};
pub use cluster::{Cluster, ClusterOptions, ClusterParts, Identity};
pub use error::ClusterError;
pub use image::{BrokerInfo, Endpoint, Image, PartitionInfo, TopicInfo};
pub use ports::{ClaimedPartition, Ownership, SessionStamp};
