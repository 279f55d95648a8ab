//! [`Records`]: the records of one batch, in order.

use super::record::RelativeRecord;
use super::split::whole;
use super::{BatchError, BatchHeader, HEADER_BYTES, Record};
use crate::compression::{Codec, decompress};
use bytes::Bytes;

/// Iterates the records of `batch`, exactly one, whose records decompress to at most `limit_bytes`. Without
/// compression the records are slices of it. The CRC is not looked at.
///
/// # Errors
/// [`BatchError`] when it is not one whole batch or can't be decompressed. The iterator ends after its first error:
/// a damaged record, or another number of records than the header says.
pub fn records(batch: &Bytes, limit_bytes: usize) -> Result<Records, BatchError> {
    let header = whole(batch)?;
    Ok(Records { rest: body(batch, &header, limit_bytes)?, left: header.record_count, header })
}

/// The records' bytes, decompressed.
pub(super) fn body(
    batch: &Bytes,
    header: &BatchHeader,
    limit_bytes: usize,
) -> Result<Bytes, BatchError> {
    let body = batch.slice(HEADER_BYTES.min(batch.len())..);
    match header.attributes.compression()? {
        Codec::None => Ok(body),
        // What compaction leaves of an emptied batch keeps its codec and has no bytes.
        _ if body.is_empty() => Ok(body),
        codec => Ok(decompress(codec, &body, limit_bytes)?.into()),
    }
}

/// Iterator over the records of one batch; made by [`records`].
#[derive(Clone, Debug)]
pub struct Records {
    header: BatchHeader,
    rest: Bytes,
    left: i32,
}

impl Records {
    fn take_record(&mut self) -> Result<Record, BatchError> {
        let record = RelativeRecord::take(&mut self.rest)?;
        if record.offset_delta < 0 || record.offset_delta > self.header.last_offset_delta {
            return Err(BatchError::Record("offset delta"));
        }
        let timestamp = if self.header.attributes.timestamp_is_log_append() {
            self.header.max_timestamp
        } else {
            self.header.base_timestamp.wrapping_add(record.timestamp_delta)
        };
        Ok(Record {
            offset: self.header.base_offset.saturating_add(record.offset_delta.into()),
            timestamp,
            key: record.key,
            value: record.value,
            headers: record.headers,
        })
    }

    fn stop(&mut self) {
        self.left = 0;
        self.rest = Bytes::new();
    }
}

impl Iterator for Records {
    type Item = Result<Record, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = match (self.left, self.rest.is_empty()) {
            (0, true) => return None,
            (0, false) | (_, true) => Err(BatchError::RecordCount(self.header.record_count)),
            _ => self.take_record(),
        };
        if item.is_ok() {
            self.left -= 1;
        } else {
            self.stop();
        }
        Some(item)
    }
}
