//! [`Record`]: one record, and its bytes within a batch.
//!
//! Keys, values and headers are slices of the (decompressed) batch.

use super::{BatchError, Headers, varint};
use bytes::{Buf, Bytes};

/// One record, with its offset and timestamp made absolute.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// Its offset.
    pub offset: i64,
    /// Its time in milliseconds: its own, or the batch's append time.
    pub timestamp: i64,
    /// Its key.
    pub key: Option<Bytes>,
    /// Its value; a record without one is a tombstone to compaction.
    pub value: Option<Bytes>,
    /// Its headers, in order.
    pub headers: Headers,
}

/// A record's content as it lies in the batch: relative to the batch's base offset and timestamp.
pub(super) struct RelativeRecord {
    pub(super) timestamp_delta: i64,
    pub(super) offset_delta: i32,
    pub(super) key: Option<Bytes>,
    pub(super) value: Option<Bytes>,
    pub(super) headers: Headers,
}

impl RelativeRecord {
    /// Takes one record, length prefix included, off the front of `bytes`.
    pub(super) fn take(bytes: &mut Bytes) -> Result<Self, BatchError> {
        let length = varint::take_i32(bytes).ok_or(BatchError::Record("length"))?;
        let mut body = take_slice(bytes, length).ok_or(BatchError::Record("length"))?;
        let record = Self::take_body(&mut body)?;
        if body.is_empty() { Ok(record) } else { Err(BatchError::Record("length")) }
    }

    fn take_body(body: &mut Bytes) -> Result<Self, BatchError> {
        // Attributes of a record have no meaning yet.
        body.try_get_i8().map_err(|_| BatchError::Record("attributes"))?;
        Ok(Self {
            timestamp_delta: varint::take_i64(body).ok_or(BatchError::Record("timestamp delta"))?,
            offset_delta: varint::take_i32(body).ok_or(BatchError::Record("offset delta"))?,
            key: take_nullable(body).ok_or(BatchError::Record("key"))?,
            value: take_nullable(body).ok_or(BatchError::Record("value"))?,
            headers: Headers::take(body).ok_or(BatchError::Record("header"))?,
        })
    }
}

/// Appends a record, length prefix included.
pub(super) fn put(
    output: &mut Vec<u8>,
    timestamp_delta: i64,
    offset_delta: i32,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: &[(Bytes, Option<Bytes>)],
) {
    let mut body = vec![0];
    varint::put(&mut body, timestamp_delta);
    varint::put(&mut body, offset_delta.into());
    put_nullable(&mut body, key);
    put_nullable(&mut body, value);
    varint::put(&mut body, headers.len() as i64);
    for (key, value) in headers {
        put_nullable(&mut body, Some(key));
        put_nullable(&mut body, value.as_deref());
    }
    varint::put(output, body.len() as i64);
    output.extend_from_slice(&body);
}

/// The outer `None` is damage, the inner one null.
#[expect(clippy::option_option, reason = "the wire has null, and may be damaged besides")]
pub(super) fn take_nullable(body: &mut Bytes) -> Option<Option<Bytes>> {
    match varint::take_i32(body)? {
        -1 => Some(None),
        length => take_slice(body, length).map(Some),
    }
}

fn take_slice(bytes: &mut Bytes, length: i32) -> Option<Bytes> {
    let length = usize::try_from(length).ok()?;
    (length <= bytes.len()).then(|| bytes.split_to(length))
}

fn put_nullable(output: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => varint::put(output, -1),
        Some(bytes) => {
            varint::put(output, bytes.len() as i64);
            output.extend_from_slice(bytes);
        }
    }
}
