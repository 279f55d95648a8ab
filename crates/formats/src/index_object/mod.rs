//! Index objects: many segments' footers, sorted by partition, so that a partition's history is one ranged read.
//!
//! ```text
//! object    = header | run | run | ... | directory | trailer
//! run       = one partition's entries, oldest first
//! entry     = where the segment is | its slice, as in the segment's footer | CRC-32C
//! directory = one row per partition: where its run lies, offsets, size, newest timestamp
//! ```
//!
//! Metadata says where the directory lies: one read finds all runs, one more reads a partition's. Entries stand alone,
//! so an index of the next level is made by joining the runs of its children, byte by byte.
//!
//! Byte by byte: `docs/formats/index-object.md`. Integers are little-endian.

mod directory;
mod entry;
mod error;
mod writer;

pub use directory::{Directory, DirectoryEntry, TRAILER_BYTES, decode_directory, directory_range};
pub use entry::{IndexedSlice, decode_partition};
pub use error::IndexError;
pub use writer::{IndexObject, IndexWriter, check_header};

/// The version these layouts have. A reader refuses any other.
pub const VERSION: u16 = 1;

/// Length of the header: the first run starts here.
pub const HEADER_BYTES: usize = 16;

#[cfg(test)]
mod tests;
