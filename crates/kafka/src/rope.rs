//! [`Rope`]: a response as slices that are written without being joined, and the buffer that collects them.
//!
//! The protocol crate's encoder copies every field into one buffer. For records that would copy each byte that a consumer reads, so
//! [`RopeWriter`] is handed the real records beforehand and the message only a placeholder of the same length ([`placeholder`]): when
//! the encoder copies the placeholder, the records are spliced in.

use bytes::{Buf, BufMut, Bytes, BytesMut, buf::UninitSlice};
use kafka_protocol::protocol::buf::ByteBufMut;
use std::{collections::VecDeque, io::IoSlice, ops::Range, sync::LazyLock};

/// Longest placeholder, in bytes. Never touched, so it costs address space only.
pub(crate) const PLACEHOLDER_MAX_BYTES: usize = 64 << 20;

/// Allocated zeroed at first use rather than a constant, which would be 64 MiB of the program's file.
static PLACEHOLDER: LazyLock<Box<[u8]>> =
    LazyLock::new(|| vec![0; PLACEHOLDER_MAX_BYTES].into_boxed_slice());

/// Bytes that stand for `length` bytes of records; `None` when that is zero or longer than a placeholder can be.
pub(crate) fn placeholder(length: usize) -> Option<Bytes> {
    if length == 0 {
        return None;
    }
    PLACEHOLDER.get(..length).map(Bytes::from_static)
}

/// Slices in order, consumed from the front.
#[derive(Debug, Default)]
pub(crate) struct Rope {
    parts: VecDeque<Bytes>,
    remaining: usize,
}

impl Rope {
    /// Adds a slice at the end.
    pub(crate) fn push(&mut self, part: Bytes) {
        if !part.is_empty() {
            self.remaining += part.len();
            self.parts.push_back(part);
        }
    }
}

impl FromIterator<Bytes> for Rope {
    fn from_iter<I: IntoIterator<Item = Bytes>>(parts: I) -> Self {
        let mut rope = Self::default();
        parts.into_iter().for_each(|part| rope.push(part));
        rope
    }
}

impl Buf for Rope {
    fn remaining(&self) -> usize {
        self.remaining
    }

    fn chunk(&self) -> &[u8] {
        self.parts.front().map_or(&[], |part| part.as_ref())
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let filled = self.parts.len().min(slices.len());
        for (slice, part) in slices.iter_mut().zip(&self.parts) {
            *slice = IoSlice::new(part);
        }
        filled
    }

    fn advance(&mut self, mut count: usize) {
        assert!(count <= self.remaining, "a rope can't be advanced past its end");
        self.remaining -= count;
        while let Some(front) = self.parts.front_mut() {
            if count < front.len() {
                front.advance(count);
                return;
            }
            count -= front.len();
            self.parts.pop_front();
        }
    }
}

/// Collects an encoded message; placeholders become the queued records.
#[derive(Debug)]
pub(crate) struct RopeWriter {
    done: Rope,
    tail: BytesMut,
    records: VecDeque<Rope>,
}

impl RopeWriter {
    /// With room for `capacity` bytes outside the records, and the records in the order of their placeholders.
    pub(crate) fn new(capacity: usize, records: VecDeque<Rope>) -> Self {
        Self { done: Rope::default(), tail: BytesMut::with_capacity(capacity), records }
    }

    /// Everything written.
    pub(crate) fn finish(mut self) -> Rope {
        self.close_tail();
        self.done
    }

    fn close_tail(&mut self) {
        self.done.push(self.tail.split().freeze());
    }

    fn splice(&mut self, records: Rope) {
        self.close_tail();
        records.parts.into_iter().for_each(|part| self.done.push(part));
    }
}

// SAFETY: `chunk_mut` and `advance_mut` are those of the `BytesMut` at the end, whose contract is the same.
#[expect(unsafe_code, reason = "BufMut is an unsafe trait")]
unsafe impl BufMut for RopeWriter {
    fn remaining_mut(&self) -> usize {
        self.tail.remaining_mut()
    }

    #[expect(unsafe_code, reason = "handed on unchanged")]
    unsafe fn advance_mut(&mut self, count: usize) {
        // SAFETY: the caller initialised `count` bytes of the chunk it got from `self.tail`.
        unsafe { self.tail.advance_mut(count) }
    }

    fn chunk_mut(&mut self) -> &mut UninitSlice {
        self.tail.chunk_mut()
    }

    fn put_slice(&mut self, source: &[u8]) {
        let stands_for_records =
            !source.is_empty() && std::ptr::eq(source.as_ptr(), PLACEHOLDER.as_ptr());
        match self.records.pop_front_if(|next| stands_for_records && next.remaining == source.len())
        {
            Some(records) => self.splice(records),
            None => self.tail.put_slice(source),
        }
    }
}

impl ByteBufMut for RopeWriter {
    fn offset(&self) -> usize {
        self.done.remaining + self.tail.len()
    }

    fn seek(&mut self, offset: usize) {
        self.tail.seek(offset.saturating_sub(self.done.remaining));
    }

    fn range(&mut self, range: Range<usize>) -> &mut [u8] {
        let spliced = self.done.remaining;
        self.tail.range(range.start.saturating_sub(spliced)..range.end.saturating_sub(spliced))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rope(parts: &[&'static [u8]]) -> Rope {
        parts.iter().map(|part| Bytes::from_static(part)).collect()
    }

    #[test]
    fn a_placeholder_is_replaced_by_its_records() {
        let mut writer = RopeWriter::new(8, VecDeque::from([rope(&[b"ab", b"cde"])]));
        writer.put_u16(1);
        writer.put_slice(&placeholder(5).unwrap());
        writer.put_u8(2);
        assert_eq!(writer.offset(), 8);
        let mut written = writer.finish();
        assert_eq!(written.copy_to_bytes(8), Bytes::from_static(b"\x00\x01abcde\x02"));
    }

    #[test]
    fn zeroes_that_are_no_placeholder_are_copied() {
        let mut writer = RopeWriter::new(8, VecDeque::from([rope(&[b"abc"])]));
        writer.put_slice(&[0, 0, 0]);
        assert_eq!(writer.finish().copy_to_bytes(3), Bytes::from_static(&[0, 0, 0]));
    }

    #[test]
    fn a_rope_advances_across_its_parts() {
        let mut rope = rope(&[b"ab", b"", b"cde"]);
        rope.advance(3);
        assert_eq!((rope.remaining(), rope.chunk()), (2, b"de".as_slice()));
        let mut slices = [IoSlice::new(&[]); 4];
        assert_eq!(rope.chunks_vectored(&mut slices), 1);
        rope.advance(2);
        assert!(!rope.has_remaining());
    }
}
