//! Who owns what: sessions, owner records, topics, assignment, fencing, drain.
//!
//! [`Cluster`] is this broker's view of, and its hand in, the cluster's metadata: it keeps an [`Image`] up to date from watches, runs the
//! session (lease, registration, loss and return), claims partitions for this broker, and executes administrative changes as
//! conditional transactions. DESIGN section 5 is its specification. It knows nothing of logs: the wiring hands its
//! [`Ownership`] port the partitions to open and close.

mod acls;
mod admin;
mod assignment;
mod balancing;
mod claims;
mod cluster;
mod config_changes;
mod continuity;
mod controller;
mod cool_down;
mod epoch;
mod epoch_jumps;
mod error;
mod features;
mod generation;
mod handover;
mod history;
mod identity;
mod image;
mod keep_alive;
mod lapsed;
mod lease;
mod leaving;
mod life;
mod loads;
mod marker;
mod moves;
mod noter;
mod offline;
mod picture;
mod ports;
mod producer_ids;
mod quotas;
mod registered_wal;
mod scram;
mod session;
mod stored;
mod succession;
mod takeover;
mod target;
mod topics;
mod unregistering;
mod view;
mod wal_match;
mod watcher;
mod zones;

pub use admin::{ConfigChange, ConfigResource, NewTopic};
pub use cluster::{Cluster, ClusterOptions, ClusterParts, Identity, WalKeeper, wal_identity};
pub use error::ClusterError;
pub use generation::{BucketIdentity, begin_generation, identify_bucket, mark_bucket};
pub use identity::confirm_identity;
pub use image::{BrokerInfo, Endpoint, Image, PartitionInfo, TopicInfo};
pub use ports::{ClaimedPartition, Ownership, SessionStamp};
pub use quotas::QuotaChange;
pub use scram::ScramChange;
