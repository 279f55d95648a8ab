//! [`verify_records`]: whether the records of an uncompressed batch are what its header says.
//!
//! Every produced batch passes here, so nothing is kept: no slice is made and no reference counted.

use super::{BatchError, BatchHeader, HEADER_BYTES, varint};

/// Walks over the records of `batch`, exactly one of which `header` is the header, and which is not compressed. It
/// passes when [`super::records`] reads it without an error. The CRC is not looked at.
///
/// # Errors
/// `Record` and `RecordCount`, for the first thing that is wrong.
pub fn verify_records(batch: &[u8], header: &BatchHeader) -> Result<(), BatchError> {
    let another_count = || BatchError::RecordCount(header.record_count);
    let mut rest = batch.get(HEADER_BYTES..).unwrap_or_default();
    for _ in 0..header.record_count {
        if rest.is_empty() {
            return Err(another_count());
        }
        check_record(&mut rest, header.last_offset_delta)?;
    }
    if rest.is_empty() { Ok(()) } else { Err(another_count()) }
}

fn check_record(rest: &mut &[u8], last_offset_delta: i32) -> Result<(), BatchError> {
    let mut body = take_sized(rest).ok_or(BatchError::Record("length"))?;
    body.split_off_first().ok_or(BatchError::Record("attributes"))?;
    varint::take_i64(&mut body).ok_or(BatchError::Record("timestamp delta"))?;
    varint::take_i32(&mut body)
        .filter(|delta| (0..=last_offset_delta).contains(delta))
        .ok_or(BatchError::Record("offset delta"))?;
    skip_nullable(&mut body).ok_or(BatchError::Record("key"))?;
    skip_nullable(&mut body).ok_or(BatchError::Record("value"))?;
    skip_headers(&mut body).ok_or(BatchError::Record("header"))?;
    if body.is_empty() { Ok(()) } else { Err(BatchError::Record("length")) }
}

fn skip_headers(body: &mut &[u8]) -> Option<()> {
    let count = u32::try_from(varint::take_i32(body)?).ok()?;
    for _ in 0..count {
        take_sized(body)?;
        skip_nullable(body)?;
    }
    Some(())
}

fn skip_nullable(body: &mut &[u8]) -> Option<()> {
    match varint::take_i32(body)? {
        -1 => Some(()),
        length => take(body, length).map(drop),
    }
}

/// Bytes after their length.
fn take_sized<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = varint::take_i32(bytes)?;
    take(bytes, length)
}

fn take<'a>(bytes: &mut &'a [u8], length: i32) -> Option<&'a [u8]> {
    bytes.split_off(..usize::try_from(length).ok()?)
}
