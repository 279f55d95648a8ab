//! [`Batch`]: one batch of records, built once and sent again and again; only its date and the stamp in its first record change.

use crate::error::DriverError;
use bytes::Bytes;
use formats::{
    compression::Codec,
    crc32c,
    record_batch::{BatchBuilder, HEADER_BYTES, records},
};
use runtime::{BootTime, Clock};
use std::time::Duration;

const CRC_AT: usize = 17;
const CRC_COVERS_FROM: usize = 21;
/// Base and largest timestamp, which are the same in a batch of ours.
const TIMESTAMPS_AT: usize = 27;
const STAMP_BYTES: usize = 8;
/// What every record costs beside its value: length, attributes, deltas, key, value length and header count, at their longest.
const RECORD_OVERHEAD_BYTES: usize = 16;

/// How large records and batches are.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct BatchShape {
    /// Bytes of a batch, as the producer's `batch.size`
    #[arg(long, default_value_t = 131_072)]
    pub(crate) batch_bytes: usize,
    /// Bytes of each record's value
    #[arg(long, default_value_t = 1_024)]
    pub(crate) record_bytes: usize,
}

/// A batch ready to be sent, without compression.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    records: u64,
    stamp_at: usize,
}

impl Batch {
    /// Fills a batch of that shape with bytes that do not compress.
    pub(crate) fn new(shape: BatchShape, clock: &Clock) -> Result<Self, DriverError> {
        if shape.record_bytes < STAMP_BYTES {
            return Err(DriverError::Usage("--record-bytes must be 8 or more"));
        }
        let room = shape.batch_bytes.saturating_sub(HEADER_BYTES);
        let count = (room / (shape.record_bytes + RECORD_OVERHEAD_BYTES)).max(1);
        let now = clock.unix_ms();
        let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
        let mut builder = BatchBuilder::new(Codec::None);
        let mut value = vec![0; shape.record_bytes];
        for _ in 0..count {
            value.fill_with(|| noise.byte());
            builder.push(now, None, Some(&value), &[]);
        }
        let bytes = builder.build();
        let stamp_at = stamp_position(&bytes)?;
        Ok(Self { bytes: bytes.into(), records: count as u64, stamp_at })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn records(&self) -> u64 {
        self.records
    }

    /// Writes `time` into the first record's value and makes the CRC match.
    pub(crate) fn stamp(&mut self, time: BootTime) {
        self.patch(self.stamp_at, &(time.0.as_nanos() as u64).to_be_bytes());
        self.sign();
    }

    /// Makes all records as young as that.
    pub(crate) fn date(&mut self, unix_ms: i64) {
        self.patch(TIMESTAMPS_AT, &[unix_ms.to_be_bytes(); 2].concat());
        self.sign();
    }

    fn sign(&mut self) {
        let crc = crc32c::checksum(self.bytes.get(CRC_COVERS_FROM..).unwrap_or_default());
        self.patch(CRC_AT, &crc.to_be_bytes());
    }

    /// Where a batch of this shape carries its stamp.
    pub(crate) fn stamp_at(&self) -> usize {
        self.stamp_at
    }

    fn patch(&mut self, at: usize, with: &[u8]) {
        if let Some(place) = self.bytes.get_mut(at..at + with.len()) {
            place.copy_from_slice(with);
        }
    }
}

/// The time that [`Batch::stamp`] wrote into a batch.
pub(crate) fn read_stamp(batch: &[u8], stamp_at: usize) -> Option<BootTime> {
    let stamp = batch.get(stamp_at..)?.first_chunk()?;
    Some(BootTime(Duration::from_nanos(u64::from_be_bytes(*stamp))))
}

/// The first record's value, as a position in the batch: records are slices of an uncompressed batch.
fn stamp_position(batch: &Bytes) -> Result<usize, DriverError> {
    let unreadable = DriverError::Malformed("a batch of our own");
    let first = records(batch, batch.len()).ok().and_then(|mut records| records.next()?.ok());
    let value = first.and_then(|record| record.value).ok_or(unreadable)?;
    Ok(value.as_ptr() as usize - batch.as_ptr() as usize)
}

/// Xorshift: noise that is the same in each run.
struct Noise(u64);

impl Noise {
    fn byte(&mut self) -> u8 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use formats::record_batch::verify_crc;

    #[test]
    fn a_stamped_batch_is_intact_and_tells_its_time() {
        let shape = BatchShape { batch_bytes: 16_384, record_bytes: 1_024 };
        let mut batch = Batch::new(shape, &Clock::system()).unwrap();
        let time = BootTime(Duration::from_nanos(123_456_789));
        batch.stamp(time);
        verify_crc(batch.bytes()).unwrap();
        assert_eq!(read_stamp(batch.bytes(), batch.stamp_at()), Some(time));
    }

    #[test]
    fn a_batch_that_was_dated_is_intact_and_as_young() {
        let shape = BatchShape { batch_bytes: 4_096, record_bytes: 100 };
        let mut batch = Batch::new(shape, &Clock::system()).expect("a batch");
        batch.date(1_700_000_000_000);
        verify_crc(batch.bytes()).expect("intact");
        let header = formats::record_batch::BatchHeader::parse(batch.bytes()).expect("a header");
        assert_eq!(header.base_timestamp, 1_700_000_000_000);
        assert_eq!(header.max_timestamp, 1_700_000_000_000);
    }

    #[test]
    fn a_batch_keeps_to_its_size_and_has_at_least_one_record() {
        let batch = |batch_bytes, record_bytes| {
            Batch::new(BatchShape { batch_bytes, record_bytes }, &Clock::system()).unwrap()
        };
        let full = batch(131_072, 1_024);
        assert!(full.bytes().len() <= 131_072 && full.bytes().len() > 128_000);
        assert_eq!(batch(100, 5_000).records(), 1);
    }

    #[test]
    fn records_too_small_for_a_stamp_are_refused() {
        let shape = BatchShape { batch_bytes: 16_384, record_bytes: 7 };
        assert!(Batch::new(shape, &Clock::system()).is_err());
    }
}
