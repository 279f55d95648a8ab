//! How far consumer groups are behind, judged as Burrow judges it: not by a threshold, but by what a group's commits of the last minutes
//! say of it. [`Evaluator`] keeps the commits, of this cluster and of others (a [`Reader`] each); [`router`] answers Burrow's HTTP API
//! (version 3), [`Exposition`] is what Prometheus scrapes, a [`Notifier`] tells of groups that are not well.
//!
//! Source of the rules and of the API: <https://github.com/linkedin/Burrow/wiki>.

mod ask_brokers;
mod asking;
mod cluster_offsets;
mod commits;
mod evaluator;
mod exposition;
mod http;
mod incidents;
mod log_ends;
mod metrics;
mod notifier;
mod options;
mod own_cluster;
mod reader;
mod rules;
mod status;
mod window;

pub use commits::{MemberOwner, OffsetsRecord, decode};
pub use evaluator::{Evaluator, UnknownGroup};
pub use exposition::Exposition;
pub use http::router;
pub use incidents::{Incident, Incidents, Notice, NotifierRules};
pub use notifier::{Destination, Notifier, NotifierError, NotifierOptions};
pub use options::{ClusterOptions, LagOptions};
pub use own_cluster::{OtherBroker, OwnCluster, OwnPartition, Whose};
pub use reader::Reader;
pub use rules::judge;
pub use status::{GroupStatus, PartitionStatus, Status};
pub use window::{Commit, CommitWindow};
