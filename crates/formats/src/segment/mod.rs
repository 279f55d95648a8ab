//! Segment objects: many partitions' batches, with a footer that says where each lies.
//!
//! ```text
//! object = header | slice | slice | ... | footer | trailer
//! slice  = one partition's batches, as they came, one behind the other
//! ```
//!
//! The footer names for every batch what offsets, producer state, the last stable offset and lookups by time rest
//! on, so that none of them reads record data. Its entries have fixed width: 10,000 of them decode well below a
//! millisecond. What later versions add goes into tagged extensions, which readers keep and skip.
//!
//! Byte by byte: `docs/formats/segment.md`. Integers of ours are little-endian.

mod batch_entry;
mod error;
mod extension;
mod footer;
mod slice;
mod writer;

pub use batch_entry::{BatchEntry, BatchProducer};
pub use error::SegmentError;
pub use extension::{Extension, Origin, SegmentAuthor};
pub use footer::{Footer, TRAILER_BYTES, footer_range};
pub use slice::{AbortedTransaction, Slice};
pub use writer::{MergedRange, Segment, SegmentWriter, SliceContents, check_header};

pub(crate) use slice::checked_count;

/// The version these layouts have. A reader refuses any other.
pub const VERSION: u16 = 1;

/// Length of the header: the first slice starts here.
pub const HEADER_BYTES: usize = 16;

#[cfg(test)]
mod tests;
