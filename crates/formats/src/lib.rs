//! Every persisted byte layout: record batches, WAL frames, segments, metadata values. Pure.
//!
//! Each layout is documented byte by byte in `docs/formats/`, versioned, and has golden files under `tests/golden`.
//! Decoders take untrusted bytes: they return errors, never panic, and never allocate by an unchecked length.

pub mod compression;
pub mod crc32c;
pub mod index_object;
pub mod inter_broker;
mod kafka_fields;
mod layout;
pub mod metadata;
pub mod offsets_topic;
pub mod record_batch;
pub mod segment;
pub mod snapshot;
mod trailer;
pub mod transactions_topic;
pub mod wal_frame;
