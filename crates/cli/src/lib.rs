//! The commands people type, over a Kafka client of our own.
//!
//! They speak the Kafka protocol only, so they work against any Kafka cluster.

mod addresses;
mod client;
mod consume;
mod error;
mod partitioner;
mod produce;
mod topic;

pub use addresses::addresses;
pub use client::Client;
pub use consume::ConsumeCommand;
pub use error::CliError;
pub use produce::ProduceCommand;
pub use topic::TopicCommand;

/// Where the cluster is.
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
}
