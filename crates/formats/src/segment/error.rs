//! [`SegmentError`]: why a footer is refused, or a slice can't be written.

/// Why a segment's footer or slice can't be read or made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SegmentError {
    /// Fewer bytes than the layout needs.
    #[error("a segment's footer is cut short")]
    Truncated,
    /// Not a footer, or not a segment.
    #[error("no segment footer here")]
    Magic,
    /// Written by another version of the format.
    #[error("segment format version {0} is unknown")]
    Version(u16),
    /// The bytes are not those that were written.
    #[error("a segment's footer does not match its checksum")]
    Checksum,
    /// A field, named here, has a value that no writer writes.
    #[error("a segment's footer has an impossible {0}")]
    Field(&'static str),
}
