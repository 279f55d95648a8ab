//! The last 32 bytes of every object of ours: where its table of contents lies.
//!
//! One suffix read of an object is enough to find it when no metadata says where it is.

use crate::layout::{Fields, Layout};
use std::ops::Range;

/// Length of the layout.
pub(crate) const BYTES: usize = 32;

/// Lays a trailer out: offset and length of the contents, version, checksum, magic.
pub(crate) fn encode(magic: [u8; 8], version: u16, contents: &Range<u64>) -> [u8; BYTES] {
    let mut checked = Layout::<24>::new();
    checked
        .put(&contents.start.to_le_bytes())
        .put(&contents.end.saturating_sub(contents.start).to_le_bytes())
        .put(&version.to_le_bytes());
    let mut layout = Layout::<BYTES>::new();
    layout.put(&checked.seal()).put(&magic);
    layout.finish()
}

/// What a trailer says: version and byte range of the contents. `None` when it is damaged or another object's.
pub(crate) fn decode(magic: [u8; 8], object_end: &[u8]) -> Option<(u16, Range<u64>)> {
    let bytes = object_end.last_chunk::<BYTES>()?;
    let (checked, found) = bytes.split_last_chunk::<8>()?;
    if *found != magic || !crate::layout::is_sealed(checked) {
        return None;
    }
    let mut fields = Fields::new(checked);
    let offset = fields.u64()?;
    let length = fields.u64()?;
    let version = fields.u16()?;
    Some((version, offset..offset.checked_add(length)?))
}
