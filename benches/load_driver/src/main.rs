//! `load-driver`: loads a Kafka broker over the raw protocol and prints one JSON line of what it measured.
//!
//! One thread for each connection, blocking sockets, batches built once and sent again and again: it costs a fraction of what a Kafka
//! client does, so that on a small machine the broker is what is measured. It speaks versions that Apache Kafka 2.x to 4.x and Alluvium
//! all serve, and asks Metadata for leaders. What each command measures: `benches/README.md`.

mod batch_shape;
mod broker_error;
mod cluster;
mod collector;
mod commit;
mod connection;
mod consume;
mod consumer;
mod coordinator;
mod error;
mod idle;
mod latency;
mod member;
mod outage;
mod pace;
mod produce;
mod producer;
mod rebalance;
mod report;
mod sink;
mod tail;
mod transactional_producer;
mod transactions;
mod wire;

use clap::{Parser, Subcommand};
use cluster::{Cluster, NewTopic};
use error::DriverError;
use std::process::ExitCode;

#[derive(Debug, Parser)]
#[command(name = "load-driver", about = "Loads a Kafka broker and prints one JSON line")]
struct Arguments {
    /// Any broker of the cluster, `host:port`
    #[arg(long, short, global = true, default_value = "127.0.0.1:9092")]
    bootstrap: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a topic and wait until each partition has a leader
    CreateTopic(NewTopic),
    /// Write batches as fast as the broker takes them, or at a fixed rate
    Produce(produce::Produce),
    /// Read a topic from its beginning to where it ends now
    Consume(consume::Consume),
    /// Write at a fixed rate while consumers read at the end, and measure from one to the other
    Tail(tail::Tail),
    /// Commit offsets of many groups at a fixed rate
    Commit(commit::Commit),
    /// Form a large group, let one more member join, and time both; or make many groups
    Rebalance(rebalance::Rebalance),
    /// Do transactions, one after another, and say how long their ends take
    Transactions(transactions::Transactions),
    /// Write to each partition again and again, and say how long each was not to be written to
    Outage(outage::Outage),
    /// Open connections and leave them idle until standard input ends
    Idle(idle::Idle),
    /// Accept connections and close them until killed
    Sink(sink::Sink),
    /// Take OTLP and keep nothing of it, until standard input ends
    Collector(collector::Collector),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("load-driver: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<String, DriverError> {
    let cluster = Cluster::at(&arguments.bootstrap);
    let report = match &arguments.command {
        Command::CreateTopic(topic) => cluster.create_topic(topic).map(|()| serde_json::json!({})),
        Command::Produce(command) => command.run(&cluster).map(|report| serde_json::json!(report)),
        Command::Consume(command) => command.run(&cluster).map(|report| serde_json::json!(report)),
        Command::Tail(command) => command.run(&cluster).map(|report| serde_json::json!(report)),
        Command::Commit(command) => command.run(&cluster).map(|report| serde_json::json!(report)),
        Command::Rebalance(command) => {
            command.run(&cluster).map(|report| serde_json::json!(report))
        }
        Command::Transactions(command) => {
            command.run(&cluster).map(|report| serde_json::json!(report))
        }
        Command::Outage(command) => command.run(&cluster).map(|report| serde_json::json!(report)),
        Command::Idle(command) => command.run(&cluster).map(|report| serde_json::json!(report)),
        Command::Sink(command) => command.run(),
        Command::Collector(command) => command.run().map(|report| serde_json::json!(report)),
    }?;
    Ok(report.to_string())
}
