//! Snapshots: what the metadata store held at one revision, in objects.
//!
//! ```text
//! head = SnapshotHead (protobuf) | CRC-32C
//! part = header | entry | entry | ... | CRC-32C
//! ```
//!
//! The head is written last and names the parts, so a snapshot without a head never was one. Keys are those of the metadata store
//! below the cluster's prefix, in ascending order through all parts; values are as they were stored.
//!
//! Byte by byte: `docs/formats/snapshot.md`. Integers are little-endian.

mod head;
mod part;

pub use head::{decode_head, encode_head};
pub use part::{PartWriter, SnapshotEntry, decode_part};

/// The version these layouts have. A reader refuses any other.
pub const VERSION: u16 = 1;

/// Why a snapshot can't be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Fewer bytes than the layout needs.
    #[error("a snapshot is cut short")]
    Truncated,
    /// Not a part of a snapshot.
    #[error("no part of a snapshot here")]
    Magic,
    /// Written by another version of the format.
    #[error("snapshot format version {0} is unknown: run a newer program")]
    Version(u32),
    /// The bytes are not those that were written.
    #[error("a snapshot does not match its checksum")]
    Checksum,
    /// A field, named here, has a value that no writer writes.
    #[error("a snapshot has an impossible {0}")]
    Field(&'static str),
}

#[cfg(test)]
mod tests;
