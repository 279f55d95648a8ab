//! [`Cleaner`]: what compaction leaves of each batch, as Kafka's cleaner does it. Pure.
//!
//! Of records with a key that is known the last one stays, those without a key go, those of aborted transactions go. A tombstone or a
//! marker that nothing needs any more gives its batch a delete horizon (KIP-534), and goes once that has passed. Offsets stay; a batch
//! keeps its range, producer and sequence. A batch without records goes, but for a producer's last one.

use super::{CleanedTransactions, KeyOffsets, RECORDS_LIMIT_BYTES};
use crate::{produced, producer_state::LastRecord};
use bytes::Bytes;
use formats::{
    record_batch::{
        BatchBuilder, BatchError, BatchHeader, EndTransactionMarker, Record, TimestampType,
        emptied, records,
    },
    segment::AbortedTransaction,
};
use model::{Offset, ProducerId, TimestampMs};
use std::collections::HashMap;

/// What a round of cleaning goes by.
#[derive(Debug)]
pub(crate) struct Round {
    /// The last offset of each key of the dirty part, as far as it is mapped.
    pub(crate) keys: KeyOffsets,
    /// End of what is mapped: records from there on stay.
    pub(crate) mapped_end: Offset,
    /// End of what may be cleaned: the batch that ends there stays, if only as a header.
    pub(crate) upper_bound: Offset,
    /// Where producers that are remembered wrote last: those batches stay likewise.
    pub(crate) producers: HashMap<ProducerId, LastRecord>,
    /// When it began.
    pub(crate) now: TimestampMs,
    /// `delete.retention.ms`.
    pub(crate) delete_retention_ms: u64,
}

/// Goes over the batches of a log from its start, in order.
#[derive(Debug)]
pub(crate) struct Cleaner {
    round: Round,
    transactions: CleanedTransactions,
    unreadable: u64,
}

/// What is known of a batch before its records are looked at.
struct Verdict {
    /// All of its records go.
    all_go: bool,
    /// A control batch of whose transaction nothing is left.
    ends_nothing: bool,
    /// Its header stays when no record does.
    header_stays: bool,
}

impl Cleaner {
    /// A cleaner for a log in which these transactions were aborted.
    pub(crate) fn new(round: Round, aborted: Vec<AbortedTransaction>) -> Self {
        Self { round, transactions: CleanedTransactions::new(aborted), unreadable: 0 }
    }

    /// What stays of a batch; `None` when nothing does. One that can't be read stays as it is.
    pub(crate) fn clean(&mut self, batch: &Bytes) -> Option<Bytes> {
        self.try_clean(batch).unwrap_or_else(|_| {
            self.unreadable += 1;
            Some(batch.clone())
        })
    }

    /// The aborted transactions of which markers and batches stay, of the batches cleaned since the last call.
    pub(crate) fn take_aborted(&mut self) -> Vec<AbortedTransaction> {
        self.transactions.take_kept()
    }

    /// How many batches could not be read.
    pub(crate) fn unreadable(&self) -> u64 {
        self.unreadable
    }

    fn try_clean(&mut self, batch: &Bytes) -> Result<Option<Bytes>, String> {
        let text = |error: BatchError| error.to_string();
        let header = BatchHeader::parse(batch).map_err(text)?;
        let marker = match header.attributes.is_control() {
            true => produced::end_marker(batch)?,
            false => None,
        };
        let verdict = self.judge(&header, marker);
        if verdict.all_go {
            return leave_header(&header, &verdict);
        }
        let all: Result<Vec<_>, _> = records(batch, RECORDS_LIMIT_BYTES).map_err(text)?.collect();
        let all = all.map_err(text)?;
        let count = all.len();
        let stays = |record: &Record| self.stays(&header, record);
        let left: Vec<_> = all.into_iter().filter(stays).collect();
        if left.is_empty() {
            return leave_header(&header, &verdict);
        }
        let horizon = horizon(&header);
        let tombstone = left.iter().any(|record| record.value.is_none());
        let needs_horizon = (tombstone || verdict.ends_nothing) && horizon.is_none();
        if left.len() == count && !needs_horizon {
            return Ok(Some(batch.clone()));
        }
        let horizon = match needs_horizon {
            true => Some(self.round.now.0.saturating_add_unsigned(self.round.delete_retention_ms)),
            false => horizon,
        };
        rebuilt(&header, &left, horizon).map(Some).map_err(text)
    }

    fn judge(&mut self, header: &BatchHeader, marker: Option<EndTransactionMarker>) -> Verdict {
        let control = header.attributes.is_control();
        let discardable = match control {
            true => self.transactions.see_marker(header, marker),
            false => self.transactions.see_records(header),
        };
        let is_due = horizon(header).is_some_and(|horizon| horizon <= self.round.now.0);
        let ends_round = header.next_offset() == self.round.upper_bound.to_wire();
        Verdict {
            all_go: discardable && (!control || is_due),
            ends_nothing: discardable && control,
            header_stays: ends_round || self.is_last_of_producer(header),
        }
    }

    fn is_last_of_producer(&self, header: &BatchHeader) -> bool {
        let last = ProducerId::from_wire(header.producer_id)
            .and_then(|producer| self.round.producers.get(&producer));
        last.is_some_and(|last| match last.data {
            Some(offset) => header.last_offset() == offset.to_wire(),
            None => {
                header.attributes.is_control()
                    && i32::from(header.producer_epoch) == i32::from(last.epoch.get())
            }
        })
    }

    fn stays(&self, header: &BatchHeader, record: &Record) -> bool {
        if header.attributes.is_control() || record.offset >= self.round.mapped_end.to_wire() {
            return true;
        }
        let Some(key) = &record.key else { return false };
        let last = self.round.keys.get(key);
        let superseded = last.is_some_and(|last| record.offset < last.to_wire());
        let due = || horizon(header).is_some_and(|horizon| horizon <= self.round.now.0);
        !superseded && (record.value.is_some() || !due())
    }
}

fn horizon(header: &BatchHeader) -> Option<i64> {
    header.attributes.has_delete_horizon().then_some(header.base_timestamp)
}

fn leave_header(header: &BatchHeader, verdict: &Verdict) -> Result<Option<Bytes>, String> {
    match verdict.header_stays {
        true => emptied(header).map(Some).map_err(|error| error.to_string()),
        false => Ok(None),
    }
}

/// A batch of these records at their offsets, otherwise like the one before.
fn rebuilt(
    header: &BatchHeader,
    records: &[Record],
    horizon: Option<i64>,
) -> Result<Bytes, BatchError> {
    let attributes = header.attributes;
    let mut builder = BatchBuilder::new(attributes.compression()?)
        .base_offset(header.base_offset)
        .leader_epoch(header.leader_epoch)
        .last_offset_delta(header.last_offset_delta)
        .producer(header.producer_id, header.producer_epoch, header.base_sequence);
    if attributes.is_transactional() {
        builder = builder.transactional();
    }
    if attributes.is_control() {
        builder = builder.control();
    }
    if attributes.timestamp_is_log_append() {
        builder = builder.timestamp_type(TimestampType::LogAppendTime(header.max_timestamp));
    }
    if let Some(horizon) = horizon {
        builder = builder.delete_horizon(horizon);
    }
    for record in records {
        let headers: Vec<_> = record.headers.iter().collect();
        let delta = (record.offset - header.base_offset) as i32;
        let (key, value) = (record.key.as_deref(), record.value.as_deref());
        builder.push_at(delta, record.timestamp, key, value, &headers);
    }
    Ok(builder.build())
}
