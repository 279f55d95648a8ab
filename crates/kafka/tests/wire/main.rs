//! The wire against real engines in memory: one broker, its metadata store, bucket and WAL, and clients over pipes.

mod broker;
mod client;
mod fetching;
mod hostile;
mod network;
mod producing;
mod versions;
