//! `alluvium cluster`: the brokers, and what each of them leads.

use crate::{
    Bootstrap, CliError, Client, OutputFormat,
    output::{Cell, Table},
};
use clap::Subcommand;
use std::{collections::BTreeMap, io::Write};

/// What to do with a cluster.
#[derive(Clone, Debug, Subcommand)]
pub enum ClusterCommand {
    /// Show the brokers, their racks, and how many partitions each leads
    Describe,
}

impl ClusterCommand {
    /// Runs the command, printing to `out`.
    ///
    /// # Errors
    /// As [`CliError`] says.
    pub async fn run(self, bootstrap: &Bootstrap, out: &mut dyn Write) -> Result<(), CliError> {
        let mut client = Client::connect(bootstrap).await?;
        let Self::Describe = self;
        let found = client.metadata(None, false).await?;
        if bootstrap.output == OutputFormat::Table {
            let id = found.cluster_id.as_ref().map(ToString::to_string).unwrap_or_default();
            writeln!(
                out,
                "cluster {id}: {} brokers, {} topics",
                found.brokers.len(),
                found.topics.len()
            )?;
        }
        let mut led: BTreeMap<i32, usize> = BTreeMap::new();
        for partition in found.topics.iter().flat_map(|topic| &topic.partitions) {
            *led.entry(partition.leader_id.0).or_default() += 1;
        }
        let mut table = Table::new(["broker", "address", "rack", "role", "leads"]);
        for broker in &found.brokers {
            let is_controller = broker.node_id == found.controller_id;
            table.push([
                broker.node_id.0.into(),
                format!("{}:{}", broker.host, broker.port).into(),
                broker.rack.as_ref().map(ToString::to_string).into(),
                if is_controller { "controller".into() } else { Cell::Nothing },
                led.remove(&broker.node_id.0).unwrap_or(0).into(),
            ]);
        }
        table.print(bootstrap.output, out)?;
        let without: usize = led.values().sum();
        if without > 0 {
            writeln!(std::io::stderr(), "{without} partitions have no leader now")?;
        }
        Ok(())
    }
}
