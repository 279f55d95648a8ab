//! [`BatchBuilder`]: makes a batch from records.

use super::rewrite::assemble;
use super::{Attributes, BatchHeader, record};
use crate::compression::{Codec, compress};
use bytes::Bytes;

/// Whose clock the records' timestamps come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TimestampType {
    /// The producer's, each record its own.
    #[default]
    CreateTime,
    /// The broker's, this one for all records.
    LogAppendTime(i64),
}

/// Makes a batch, byte by byte as clients do. Records take the next offset, or with [`BatchBuilder::push_at`] one
/// further on; batches with gaps and without records can be made, as compaction leaves them.
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    codec: Codec,
    header: BatchHeader,
    timestamps: TimestampType,
    delete_horizon: Option<i64>,
    first_timestamp: Option<i64>,
    next_offset_delta: i32,
    last_offset_delta: Option<i32>,
    records: Vec<u8>,
}

impl BatchBuilder {
    /// Starts a batch without records, producer or transaction, at offset 0 and epoch 0.
    pub fn new(codec: Codec) -> Self {
        let header = BatchHeader {
            base_offset: 0,
            batch_length: 0,
            leader_epoch: 0,
            magic: 2,
            crc: 0,
            attributes: Attributes::default().with_compression(codec),
            last_offset_delta: 0,
            base_timestamp: -1,
            max_timestamp: -1,
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
            record_count: 0,
        };
        Self {
            codec,
            header,
            timestamps: TimestampType::CreateTime,
            delete_horizon: None,
            first_timestamp: None,
            next_offset_delta: 0,
            last_offset_delta: None,
            records: Vec::new(),
        }
    }

    /// Names the idempotent producer, its epoch and the first record's sequence number.
    pub fn producer(mut self, id: i64, epoch: i16, base_sequence: i32) -> Self {
        self.header.producer_id = id;
        self.header.producer_epoch = epoch;
        self.header.base_sequence = base_sequence;
        self
    }

    /// Makes it part of a transaction.
    pub fn transactional(mut self) -> Self {
        self.header.attributes = self.header.attributes.with_transactional(true);
        self
    }

    /// Makes it a control batch.
    pub fn control(mut self) -> Self {
        self.header.attributes = self.header.attributes.with_control(true);
        self
    }

    /// Sets the offset that records are counted from.
    pub fn base_offset(mut self, offset: i64) -> Self {
        self.header.base_offset = offset;
        self
    }

    /// Sets the epoch it was appended in.
    pub fn leader_epoch(mut self, epoch: i32) -> Self {
        self.header.leader_epoch = epoch;
        self
    }

    /// Says whose clock the timestamps come from.
    pub fn timestamp_type(mut self, timestamps: TimestampType) -> Self {
        self.timestamps = timestamps;
        self
    }

    /// Sets the time from which compaction may drop its tombstones (KIP-534). Timestamps are counted from it then, so
    /// it comes before the records.
    pub fn delete_horizon(mut self, timestamp: i64) -> Self {
        self.delete_horizon = Some(timestamp);
        self
    }

    /// Sets the last offset the batch stands for, when that is not the last record's.
    pub fn last_offset_delta(mut self, delta: i32) -> Self {
        self.last_offset_delta = Some(delta);
        self
    }

    /// Appends a record at the next offset.
    pub fn push(
        &mut self,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(Bytes, Option<Bytes>)],
    ) -> &mut Self {
        self.push_at(self.next_offset_delta, timestamp, key, value, headers)
    }

    /// Appends a record `offset_delta` behind the base offset.
    pub fn push_at(
        &mut self,
        offset_delta: i32,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(Bytes, Option<Bytes>)],
    ) -> &mut Self {
        let first = *self.first_timestamp.get_or_insert(timestamp);
        let delta = timestamp.wrapping_sub(self.delete_horizon.unwrap_or(first));
        record::put(&mut self.records, delta, offset_delta, key, value, headers);
        self.next_offset_delta = offset_delta + 1;
        self.header.last_offset_delta = offset_delta;
        self.header.max_timestamp = match self.header.record_count {
            0 => timestamp,
            _ => timestamp.max(self.header.max_timestamp),
        };
        self.header.record_count += 1;
        self
    }

    /// Makes the batch. The builder can go on.
    ///
    /// # Panics
    /// When the batch has more than the 2 GiB that the wire can carry, or there is no memory to compress it.
    pub fn build(&self) -> Bytes {
        let mut header = self.header;
        header.last_offset_delta = self.last_offset_delta.unwrap_or(header.last_offset_delta);
        header.base_timestamp = self.delete_horizon.or(self.first_timestamp).unwrap_or(-1);
        header.attributes = header.attributes.with_delete_horizon(self.delete_horizon.is_some());
        if let TimestampType::LogAppendTime(timestamp) = self.timestamps {
            header.attributes = header.attributes.with_timestamp_is_log_append(true);
            header.max_timestamp = timestamp;
        }
        let records = match self.header.record_count {
            0 => Ok(Vec::new()),
            _ => compress(self.codec, &self.records),
        };
        let records = records.expect("a codec fails only without memory");
        assemble(header, &records).expect("a batch under construction is below 2 GiB")
    }
}
