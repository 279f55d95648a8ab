//! Variable-length integers in zigzag order, as records have them: seven bits a byte, the lowest first.

use bytes::{Buf, Bytes};

/// Bytes that lie in one piece: [`Buf::chunk`] has all of them.
pub(super) trait Contiguous: Buf {}

impl Contiguous for Bytes {}

impl Contiguous for &[u8] {}

/// Takes a 32-bit integer off the front; `None` when it is cut short or too long.
pub(super) fn take_i32(bytes: &mut impl Contiguous) -> Option<i32> {
    let raw = u32::try_from(take(bytes, 5)?).ok()?;
    Some((raw >> 1) as i32 ^ -((raw & 1) as i32))
}

/// Takes a 64-bit integer off the front; `None` when it is cut short or too long.
pub(super) fn take_i64(bytes: &mut impl Contiguous) -> Option<i64> {
    let raw = take(bytes, 10)?;
    Some((raw >> 1) as i64 ^ -((raw & 1) as i64))
}

/// Appends an integer; 32-bit ones have the same bytes as 64-bit ones of the same value.
pub(super) fn put(output: &mut Vec<u8>, value: i64) {
    let mut raw = ((value << 1) ^ (value >> 63)) as u64;
    while raw >= 0x80 {
        output.push(raw as u8 | 0x80);
        raw >>= 7;
    }
    output.push(raw as u8);
}

fn take(bytes: &mut impl Contiguous, most_bytes: usize) -> Option<u64> {
    let mut value = 0_u64;
    for (index, byte) in bytes.chunk().iter().take(most_bytes).enumerate() {
        let bits = u64::from(byte & 0x7f);
        let shift = 7 * index as u32;
        if shift == 63 && bits > 1 {
            return None;
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            bytes.advance(index + 1);
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_integer_of_too_many_bytes_is_refused() {
        assert_eq!(take_i32(&mut Bytes::from_static(&[0xff; 5])), None);
        assert_eq!(take_i64(&mut Bytes::from_static(&[0xff; 11])), None);
        assert_eq!(take_i32(&mut Bytes::from_static(&[0xff, 0xff, 0xff, 0xff, 0x1f])), None);
        assert_eq!(take_i32(&mut Bytes::from_static(&[0x80])), None);
    }

    proptest! {
        #[test]
        fn integers_read_back(wide: i64, narrow: i32) {
            let mut output = Vec::new();
            put(&mut output, wide);
            put(&mut output, narrow.into());
            let mut bytes = Bytes::from(output);
            prop_assert_eq!(take_i64(&mut bytes), Some(wide));
            prop_assert_eq!(take_i32(&mut bytes), Some(narrow));
            prop_assert!(bytes.is_empty());
        }
    }
}
