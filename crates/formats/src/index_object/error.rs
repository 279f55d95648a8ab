//! [`IndexError`]: why an index is refused, or can't be written.

use crate::segment::SegmentError;

/// Why an index object can't be read or made.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum IndexError {
    /// Fewer bytes than the layout needs.
    #[error("an index is cut short")]
    Truncated,
    /// Not an index.
    #[error("no index here")]
    Magic,
    /// Written by another version of the format.
    #[error("index format version {0} is unknown")]
    Version(u16),
    /// The bytes are not those that were written.
    #[error("an index does not match its checksum")]
    Checksum,
    /// A field, named here, has a value that no writer writes.
    #[error("an index has an impossible {0}")]
    Field(&'static str),
    /// A slice in it is refused.
    #[error("in an index: {0}")]
    Slice(#[from] SegmentError),
}
