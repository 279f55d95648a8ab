//! The `idle` command: connections that ask for metadata once and then do nothing.

use crate::{
    cluster::Cluster, connection::Connection, error::DriverError, report::IdleReport, wire::Request,
};
use std::{io::Read, time::Duration};

const METADATA: (i16, i16) = (3, 5);

/// How many.
#[derive(Debug, clap::Args)]
pub(crate) struct Idle {
    /// Connections
    #[arg(long, default_value_t = 10_000)]
    connections: usize,
}

impl Idle {
    /// Opens them, says `open` and waits for the end of standard input.
    pub(crate) fn run(&self, cluster: &Cluster) -> Result<IdleReport, DriverError> {
        let mut open = Vec::with_capacity(self.connections);
        for _ in 0..self.connections {
            let mut connection = Connection::open(cluster.bootstrap())?;
            let mut request = Request::new(METADATA.0, METADATA.1, 0);
            request.i32(0).i8(0);
            connection.call(request)?;
            open.push(connection);
        }
        println!("open");
        let mut ignored = Vec::new();
        std::io::stdin().read_to_end(&mut ignored).map_err(DriverError::io("standard input"))?;
        // An idle connection that can be read was closed by the broker.
        let is_open = |connection: &&Connection| {
            matches!(connection.readable(Some(Duration::ZERO)), Ok(false))
        };
        let still_open = open.iter().filter(is_open).count();
        Ok(IdleReport { connections: self.connections, still_open })
    }
}
