//! [`BatchError`]: why a batch is refused.

use crate::compression::CompressionError;

/// Why a batch can't be read.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// There are fewer bytes than the batch says it has, or than a header has.
    #[error("a batch is cut short: {found} bytes of {needed}")]
    Truncated {
        /// Bytes there are.
        found: usize,
        /// Bytes there should be.
        needed: usize,
    },
    /// There are more bytes than the one batch that was expected.
    #[error("{0} bytes follow the batch")]
    Trailing(usize),
    /// Not magic 2: a message set of an old client, or no batch.
    #[error("a batch has magic {0}, not 2")]
    Magic(i8),
    /// The bytes under the CRC are not those that were written.
    #[error("a batch has CRC {found:#010x}, its header says {expected:#010x}")]
    Crc {
        /// What the header says.
        expected: u32,
        /// What the bytes have.
        found: u32,
    },
    /// A field of the header, named here, has a value that no writer writes.
    #[error("a batch has an impossible {field}: {value}")]
    Header {
        /// The field, in Kafka's words.
        field: &'static str,
        /// Its value.
        value: i64,
    },
    /// A record's part, named here, is cut short or impossible.
    #[error("a record has an impossible {0}")]
    Record(&'static str),
    /// The header's record count is not how many records there are.
    #[error("a batch says it has {0} records, and has another number of them")]
    RecordCount(i32),
    /// The records can't be decompressed within the limit.
    #[error(transparent)]
    Compression(#[from] CompressionError),
}
