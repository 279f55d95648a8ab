//! Kafka's record batch of magic 2 (KIP-98), as every client writes it and as we store it, unchanged.
//!
//! A batch is a 61-byte header and records, compressed as a whole. Base offset and leader epoch lie outside the
//! CRC-32C, so that a broker can set them without touching the rest. Integers are big-endian; byte by byte:
//! `docs/formats/record-batch.md`. Everything here takes untrusted bytes and checks each length before it is used.

mod attributes;
mod builder;
mod error;
mod header;
mod headers;
mod marker;
mod record;
mod records;
mod rewrite;
mod split;
mod varint;
mod walk;

pub use attributes::Attributes;
pub use builder::{BatchBuilder, TimestampType};
pub use error::BatchError;
pub use header::{BatchHeader, HEADER_BYTES};
pub use headers::Headers;
pub use marker::{EndTransactionMarker, TransactionResult};
pub use record::Record;
pub use records::{Records, records};
pub use rewrite::{emptied, patched_head, recompress, stamp_log_append_time};
pub use split::{Batches, batches, verify_crc};
pub use walk::verify_records;

#[cfg(test)]
mod tests;
