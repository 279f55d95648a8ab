//! The bytes of a WAL file: a file header, then groups of frames, each group padded to whole blocks.
//!
//! ```text
//! file  = file header, padded to one block | group | group | ...
//! group = group header | frame | frame | ... | zeroes up to the next block
//! frame = frame header | payload: one record batch, patched
//! ```
//!
//! Files are recycled, so old bytes lie behind the newest group. Each header carries the file's generation, each
//! group and frame its group's sequence number, and each header its own CRC-32C: a stale block never passes for a
//! new one, even in the middle of a group that was torn. The batch's CRC covers the payload; what of the batch lies
//! outside its CRC (length, base offset, leader epoch) is repeated in the frame header.
//!
//! Byte by byte: `docs/formats/wal.md`. Integers are little-endian.

mod file_header;
mod frame_header;
mod group_header;
mod identity;
mod sealed;

pub use file_header::FileHeader;
pub use frame_header::FrameHeader;
pub use group_header::GroupHeader;
pub use identity::Identity;

/// The version these layouts have. A reader refuses any other.
pub const VERSION: u16 = 1;

/// What groups are padded to, and what a file header occupies.
pub const BLOCK_BYTES: usize = 4096;

/// `bytes` rounded up to whole blocks.
pub const fn padded(bytes: usize) -> usize {
    bytes.next_multiple_of(BLOCK_BYTES)
}

/// Why a header is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WalFrameError {
    /// Fewer bytes than the header has.
    #[error("a WAL header is cut short")]
    Truncated,
    /// The first bytes are not the header's magic: nothing was ever written here, or something else.
    #[error("no WAL header here")]
    Magic,
    /// Written by another version of the format.
    #[error("WAL format version {0} is unknown")]
    Version(u16),
    /// The header's bytes are not those that were written.
    #[error("a WAL header does not match its checksum")]
    Checksum,
    /// A field, named here, has a value that no writer writes.
    #[error("a WAL header has an impossible {0}")]
    Field(&'static str),
}

#[cfg(test)]
mod tests;
