//! [`BatchHeader`]: the 61 bytes that precede a batch's records.

use super::{Attributes, BatchError};

/// Length of the header.
pub const HEADER_BYTES: usize = 61;
/// Base offset and batch length, which `batch_length` does not count.
const UNCOUNTED_BYTES: usize = 12;
const MAGIC: i8 = 2;
const MAGIC_AT: usize = 16;

/// A batch's header, parsed. Fields have the wire's signed types, `-1` being "none".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchHeader {
    /// Offset of the first record, or of where it was before compaction took it.
    pub base_offset: i64,
    /// Bytes that follow this field: at least 49.
    pub batch_length: i32,
    /// The epoch it was appended in, set by the broker.
    pub leader_epoch: i32,
    /// Always 2.
    pub magic: i8,
    /// CRC-32C of everything from the attributes on.
    pub crc: u32,
    /// Flags.
    pub attributes: Attributes,
    /// The last offset the batch stands for, counted from `base_offset`. Compaction leaves it alone. Never negative.
    pub last_offset_delta: i32,
    /// What the records' timestamps are counted from; the delete horizon if the attributes say so.
    pub base_timestamp: i64,
    /// The largest timestamp of the records; their common one if the attributes say so.
    pub max_timestamp: i64,
    /// The idempotent producer, or -1.
    pub producer_id: i64,
    /// Its epoch, or -1.
    pub producer_epoch: i16,
    /// The first record's sequence number, or -1.
    pub base_sequence: i32,
    /// How many records there are. Never negative; 0 is what compaction leaves of a producer's last batch.
    pub record_count: i32,
}

impl BatchHeader {
    /// Reads the header at the start of `bytes`. The CRC is not looked at.
    ///
    /// # Errors
    /// [`BatchError::Magic`], [`BatchError::Truncated`], or [`BatchError::Header`] for a length, count or delta that
    /// can't be.
    pub fn parse(bytes: &[u8]) -> Result<Self, BatchError> {
        match bytes.get(MAGIC_AT) {
            Some(magic) if *magic as i8 != MAGIC => return Err(BatchError::Magic(*magic as i8)),
            _ => {}
        }
        let truncated = BatchError::Truncated { found: bytes.len(), needed: HEADER_BYTES };
        let header = Self::parse_fields(bytes).ok_or(truncated)?;
        header.check()?;
        Ok(header)
    }

    /// Lays the header out.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        let fields: [&[u8]; 13] = [
            &self.base_offset.to_be_bytes(),
            &self.batch_length.to_be_bytes(),
            &self.leader_epoch.to_be_bytes(),
            &self.magic.to_be_bytes(),
            &self.crc.to_be_bytes(),
            &self.attributes.0.to_be_bytes(),
            &self.last_offset_delta.to_be_bytes(),
            &self.base_timestamp.to_be_bytes(),
            &self.max_timestamp.to_be_bytes(),
            &self.producer_id.to_be_bytes(),
            &self.producer_epoch.to_be_bytes(),
            &self.base_sequence.to_be_bytes(),
            &self.record_count.to_be_bytes(),
        ];
        for (place, byte) in bytes.iter_mut().zip(fields.into_iter().flatten()) {
            *place = *byte;
        }
        bytes
    }

    /// Bytes of the whole batch, header included.
    pub const fn total_bytes(&self) -> usize {
        UNCOUNTED_BYTES + self.batch_length as usize
    }

    /// The `batch_length` of a batch of `total_bytes`; `None` when the wire can't carry it.
    pub(super) fn batch_length_of(total_bytes: usize) -> Option<i32> {
        i32::try_from(total_bytes.checked_sub(UNCOUNTED_BYTES)?).ok()
    }

    /// The last offset the batch stands for.
    pub const fn last_offset(&self) -> i64 {
        self.base_offset.saturating_add(self.last_offset_delta as i64)
    }

    /// The offset after it.
    pub const fn next_offset(&self) -> i64 {
        self.last_offset().saturating_add(1)
    }

    /// Whether every offset has its record, as a producer must send it. Compaction makes gaps.
    pub const fn is_dense(&self) -> bool {
        self.record_count > 0 && self.record_count - 1 == self.last_offset_delta
    }

    /// The last record's sequence number: after `i32::MAX` comes 0. -1 without a producer.
    pub const fn last_sequence(&self) -> i32 {
        if self.base_sequence < 0 {
            return self.base_sequence;
        }
        let sum = self.base_sequence as i64 + self.last_offset_delta as i64;
        (sum % (i32::MAX as i64 + 1)) as i32
    }

    fn check(&self) -> Result<(), BatchError> {
        let refuse = |field, value: i32| Err(BatchError::Header { field, value: value.into() });
        if self.batch_length < (HEADER_BYTES - UNCOUNTED_BYTES) as i32 {
            return refuse("batch length", self.batch_length);
        }
        if self.last_offset_delta < 0 {
            return refuse("last offset delta", self.last_offset_delta);
        }
        if self.record_count < 0 {
            return refuse("record count", self.record_count);
        }
        Ok(())
    }

    fn parse_fields(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        Some(Self {
            base_offset: i64::from_be_bytes(next(&mut rest)?),
            batch_length: i32::from_be_bytes(next(&mut rest)?),
            leader_epoch: i32::from_be_bytes(next(&mut rest)?),
            magic: i8::from_be_bytes(next(&mut rest)?),
            crc: u32::from_be_bytes(next(&mut rest)?),
            attributes: Attributes(i16::from_be_bytes(next(&mut rest)?)),
            last_offset_delta: i32::from_be_bytes(next(&mut rest)?),
            base_timestamp: i64::from_be_bytes(next(&mut rest)?),
            max_timestamp: i64::from_be_bytes(next(&mut rest)?),
            producer_id: i64::from_be_bytes(next(&mut rest)?),
            producer_epoch: i16::from_be_bytes(next(&mut rest)?),
            base_sequence: i32::from_be_bytes(next(&mut rest)?),
            record_count: i32::from_be_bytes(next(&mut rest)?),
        })
    }
}

fn next<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (field, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*field)
}
