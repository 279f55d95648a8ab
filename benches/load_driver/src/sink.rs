//! The `sink` command: a socket that accepts and closes: what the same clients get from a server that does nothing.

use crate::error::DriverError;
use std::net::{SocketAddr, TcpListener};

/// Where.
#[derive(Debug, clap::Args)]
pub(crate) struct Sink {
    /// Address to listen at
    #[arg(long)]
    listen: SocketAddr,
}

impl Sink {
    /// Until it is killed.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub(crate) fn run(&self) -> Result<serde_json::Value, DriverError> {
        let listener = TcpListener::bind(self.listen).map_err(DriverError::io("listening"))?;
        for connection in listener.incoming() {
            drop(connection);
        }
        Ok(serde_json::json!({}))
    }
}
