//! The commands people type, over a Kafka client of our own.
