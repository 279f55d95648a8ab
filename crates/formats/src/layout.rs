//! Reading and writing fixed-width little-endian fields: what every layout of ours is made of.
//!
//! [`Fields`] never reads past its end and never allocates; a field that is not there is `None`.

/// Reads fields one after another.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Bytes not read yet.
    pub(crate) const fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*taken)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }
}

/// A fixed-size layout under construction: fields are put one after another, what is not put stays zero.
#[derive(Debug)]
pub(crate) struct Layout<const N: usize> {
    bytes: [u8; N],
    at: usize,
}

impl<const N: usize> Layout<N> {
    pub(crate) const fn new() -> Self {
        Self { bytes: [0; N], at: 0 }
    }

    /// Puts a field. Layouts are constants of this crate, so a field always fits; one that does not is a bug that
    /// every test of the layout finds.
    pub(crate) fn put(&mut self, field: &[u8]) -> &mut Self {
        let end = self.at + field.len();
        assert!(end <= N, "a field lies outside its layout");
        for (place, byte) in self.bytes.iter_mut().skip(self.at).zip(field) {
            *place = *byte;
        }
        self.at = end;
        self
    }

    /// Leaves `count` bytes zero.
    pub(crate) fn skip(&mut self, count: usize) -> &mut Self {
        self.at += count;
        self
    }

    /// The bytes, without a checksum.
    pub(crate) const fn finish(self) -> [u8; N] {
        self.bytes
    }

    /// Ends the layout with the CRC-32C of everything before it, in its last four bytes.
    pub(crate) fn seal(mut self) -> [u8; N] {
        let checksum =
            self.bytes.split_last_chunk::<4>().map(|(body, _)| crate::crc32c::checksum(body));
        if let (Some(checksum), Some(place)) = (checksum, self.bytes.last_chunk_mut::<4>()) {
            *place = checksum.to_le_bytes();
        }
        self.bytes
    }
}

/// Whether the last four bytes are the CRC-32C of everything before them.
pub(crate) fn is_sealed(bytes: &[u8]) -> bool {
    bytes.split_last_chunk::<4>().is_some_and(|(body, checksum)| {
        crate::crc32c::checksum(body) == u32::from_le_bytes(*checksum)
    })
}
