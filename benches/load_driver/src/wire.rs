//! Requests and answers in Kafka's older encoding (before KIP-482): fixed-width big-endian integers, lengths in front.

use crate::error::DriverError;

/// A request under construction: length, header (version 1) and whatever is put behind it.
#[derive(Debug)]
pub(crate) struct Request(Vec<u8>);

impl Request {
    /// Starts one.
    pub(crate) fn new(api_key: i16, version: i16, correlation: i32) -> Self {
        let mut request = Self(Vec::with_capacity(256));
        request.i32(0).i16(api_key).i16(version).i32(correlation).text("load-driver");
        request
    }

    pub(crate) fn i8(&mut self, value: i8) -> &mut Self {
        self.put(&value.to_be_bytes())
    }

    pub(crate) fn i16(&mut self, value: i16) -> &mut Self {
        self.put(&value.to_be_bytes())
    }

    pub(crate) fn i32(&mut self, value: i32) -> &mut Self {
        self.put(&value.to_be_bytes())
    }

    pub(crate) fn i64(&mut self, value: i64) -> &mut Self {
        self.put(&value.to_be_bytes())
    }

    pub(crate) fn text(&mut self, value: &str) -> &mut Self {
        self.i16(value.len() as i16).put(value.as_bytes())
    }

    /// Bytes with a length in front.
    pub(crate) fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.i32(value.len() as i32).put(value)
    }

    /// Starts one in the newer encoding (KIP-482), with a header of version 2.
    pub(crate) fn flexible(api_key: i16, version: i16, correlation: i32) -> Self {
        let mut request = Self::new(api_key, version, correlation);
        request.varint(0);
        request
    }

    /// A number of the newer encoding: seven bits a byte.
    pub(crate) fn varint(&mut self, mut value: u32) -> &mut Self {
        while value >= 0x80 {
            self.put(&[value as u8 | 0x80]);
            value >>= 7;
        }
        self.put(&[value as u8])
    }

    /// A string of the newer encoding.
    pub(crate) fn compact_text(&mut self, value: &str) -> &mut Self {
        self.varint(value.len() as u32 + 1).put(value.as_bytes())
    }

    /// Bytes as they are.
    pub(crate) fn raw(&mut self, value: &[u8]) -> &mut Self {
        self.put(value)
    }

    /// How long it is so far, the length field included.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Its bytes, with the length field set for `following` more that the caller sends himself.
    pub(crate) fn finish(mut self, following: usize) -> Vec<u8> {
        let length = (self.0.len() - 4 + following) as i32;
        for (place, byte) in self.0.iter_mut().zip(length.to_be_bytes()) {
            *place = byte;
        }
        self.0
    }

    fn put(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }
}

/// An answer being read, from behind its correlation id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer<'a> {
    api: &'static str,
    rest: &'a [u8],
}

impl<'a> Answer<'a> {
    /// The answer in `frame`, whose length field is already gone.
    pub(crate) fn new(api: &'static str, frame: &'a [u8]) -> Result<Self, DriverError> {
        let mut answer = Self { api, rest: frame };
        answer.i32()?;
        Ok(answer)
    }

    pub(crate) fn i8(&mut self) -> Result<i8, DriverError> {
        self.field().map(i8::from_be_bytes)
    }

    pub(crate) fn i16(&mut self) -> Result<i16, DriverError> {
        self.field().map(i16::from_be_bytes)
    }

    pub(crate) fn i32(&mut self) -> Result<i32, DriverError> {
        self.field().map(i32::from_be_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, DriverError> {
        self.field().map(i64::from_be_bytes)
    }

    /// A count of entries; null counts as none.
    pub(crate) fn count(&mut self) -> Result<usize, DriverError> {
        Ok(usize::try_from(self.i32()?).unwrap_or(0))
    }

    /// A string; null counts as empty.
    pub(crate) fn text(&mut self) -> Result<&'a str, DriverError> {
        let length = usize::try_from(self.i16()?).unwrap_or(0);
        std::str::from_utf8(self.take(length)?).map_err(|_| DriverError::Malformed(self.api))
    }

    /// Bytes with a length in front; null counts as empty.
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], DriverError> {
        let length = self.count()?;
        self.take(length)
    }

    /// A number of the newer encoding.
    pub(crate) fn varint(&mut self) -> Result<u32, DriverError> {
        let mut value = 0;
        for shift in (0..32).step_by(7) {
            let [byte] = self.field::<1>()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(DriverError::Malformed(self.api))
    }

    /// A string of the newer encoding; null counts as empty.
    pub(crate) fn compact_text(&mut self) -> Result<&'a str, DriverError> {
        let length = self.varint()?.saturating_sub(1) as usize;
        std::str::from_utf8(self.take(length)?).map_err(|_| DriverError::Malformed(self.api))
    }

    /// So many bytes as they are.
    pub(crate) fn raw<const N: usize>(&mut self) -> Result<[u8; N], DriverError> {
        self.field()
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], DriverError> {
        let (taken, rest) =
            self.rest.split_at_checked(length).ok_or(DriverError::Malformed(self.api))?;
        self.rest = rest;
        Ok(taken)
    }

    fn field<const N: usize>(&mut self) -> Result<[u8; N], DriverError> {
        let (field, rest) =
            self.rest.split_first_chunk().ok_or(DriverError::Malformed(self.api))?;
        self.rest = rest;
        Ok(*field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_counts_what_follows_and_not_itself() {
        let mut request = Request::new(0, 7, 1);
        request.i32(9);
        let length = request.len();
        let bytes = request.finish(100);
        assert_eq!(bytes[..4], i32::to_be_bytes(length as i32 - 4 + 100));
    }

    #[test]
    fn an_answer_that_ends_early_is_malformed() {
        let mut answer = Answer::new("Fetch", &[0, 0, 0, 1, 0, 0, 0, 9, 1]).unwrap();
        assert!(matches!(answer.bytes(), Err(DriverError::Malformed("Fetch"))));
        assert!(Answer::new("Fetch", &[0, 0]).is_err());
    }

    #[test]
    fn null_strings_and_arrays_are_empty() {
        let mut answer =
            Answer::new("Fetch", &[0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).unwrap();
        assert_eq!(answer.text().unwrap(), "");
        assert_eq!(answer.count().unwrap(), 0);
    }
}
