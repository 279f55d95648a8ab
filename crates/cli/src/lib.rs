//! The commands people type, over a Kafka client of our own.
//!
//! They speak the Kafka protocol only, so they work against any Kafka cluster.

mod acl;
mod addresses;
mod client;
mod client_config;
mod cluster;
mod config;
mod consume;
mod error;
mod group;
mod offsets;
mod output;
mod partitioner;
mod password;
mod produce;
mod quota;
mod seek;
mod text;
mod topic;
mod user;

pub use acl::{AclCommand, Resource};
pub use addresses::addresses;
pub use client::Client;
pub use cluster::ClusterCommand;
pub use config::{ConfigCommand, Kind};
pub use consume::ConsumeCommand;
pub use error::CliError;
pub use group::GroupCommand;
pub use output::{Cell, OutputFormat, Report, Section, printable};
pub use produce::ProduceCommand;
pub use quota::{QuotaCommand, Whose};
pub use seek::{Scope, Target};
pub use topic::TopicCommand;
pub use user::{Scram, UserCommand};

use std::path::PathBuf;

/// Where the cluster is, and how to speak with it.
#[derive(Clone, Debug, clap::Args)]
pub struct Bootstrap {
    /// Brokers to ask first: host:port, several separated by commas
    #[arg(
        short,
        long,
        global = true,
        default_value = "localhost:9092",
        env = "ALLUVIUM_BOOTSTRAP_SERVER"
    )]
    pub bootstrap_server: String,
    /// A file of Kafka's client properties that says how to come in: security.protocol, sasl.*, ssl.*
    #[arg(long, global = true, env = "ALLUVIUM_COMMAND_CONFIG")]
    pub command_config: Option<PathBuf>,
    /// How to tell what was found
    #[arg(long, global = true, value_enum, default_value_t)]
    pub output: OutputFormat,
}
