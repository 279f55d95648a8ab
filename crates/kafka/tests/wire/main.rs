//! The wire against real engines in memory: one broker, its metadata store, bucket and WAL, and clients over pipes.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]
#![expect(clippy::indexing_slicing, reason = "likewise")]

mod administering;
mod authorizing;
mod bearing_tokens;
mod broker;
mod client;
mod consumer_grouping;
mod every_version;
mod fetching;
mod following;
mod grouping;
mod hostile;
mod network;
mod producing;
mod schemas;
mod securing;
mod throttling;
mod transacting;
mod versions;
