//! A connection to a Kafka broker: what the commands use, and what brokers tell each other by; and what several of those who ask have to build or read alike.

mod assignment;
mod connection;
mod error;
mod list_offsets;
mod login;

pub use assignment::{Assigned, assigned};
pub use connection::Connection;
pub use error::ConnectionError;
pub use list_offsets::{EARLIEST, LATEST, LIST_OFFSETS_VERSION, list_offsets, listed_offsets};
