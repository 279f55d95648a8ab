//! A connection to a Kafka broker: what the commands use, and what brokers tell each other by.

mod connection;
mod error;
mod login;

pub use connection::Connection;
pub use error::ConnectionError;
