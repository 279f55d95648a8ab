//! [`Cursor`]: takes primitive values off the front of bytes, and believes no length.

use crate::Reason;

/// Bytes that are left of a request.
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
    total: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, total: bytes.len() }
    }

    /// Bytes taken so far.
    pub(crate) fn position(&self) -> usize {
        self.total - self.rest.len()
    }

    /// Bytes left.
    pub(crate) fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Reason> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Reason::TooShort)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn i8(&mut self) -> Result<i8, Reason> {
        self.array().map(i8::from_be_bytes)
    }

    pub(crate) fn i16(&mut self) -> Result<i16, Reason> {
        self.array().map(i16::from_be_bytes)
    }

    pub(crate) fn i32(&mut self) -> Result<i32, Reason> {
        self.array().map(i32::from_be_bytes)
    }

    /// An unsigned number, seven bits a byte, the lowest first.
    pub(crate) fn varint(&mut self) -> Result<u32, Reason> {
        let mut value = 0_u32;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.array()?;
            let bits = u32::from(byte & 0x7f);
            if shift == 28 && bits > 0xf {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Reason::Varint)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Reason> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Reason::TooShort)?;
        self.rest = rest;
        Ok(*taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_varint_has_at_most_32_bits() {
        let take = |bytes: &[u8]| Cursor::new(bytes).varint();
        assert_eq!(take(&[0x7f]), Ok(127));
        assert_eq!(take(&[0x80, 0x01]), Ok(128));
        assert_eq!(take(&[0xff, 0xff, 0xff, 0xff, 0x0f]), Ok(u32::MAX));
        assert_eq!(take(&[0xff, 0xff, 0xff, 0xff, 0x1f]), Err(Reason::Varint));
        assert_eq!(take(&[0x80; 6]), Err(Reason::Varint));
        assert_eq!(take(&[0x80]), Err(Reason::TooShort));
    }
}
