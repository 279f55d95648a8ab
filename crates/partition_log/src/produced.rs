//! What producer state is told of a batch: read from the batch itself, or from what a segment's footer says of it.

use crate::producer_state::ProducedBatch;
use bytes::Bytes;
use formats::{
    record_batch::{BatchHeader, EndTransactionMarker, records},
    segment::BatchEntry,
};
use model::{Offset, ProducerEpoch, ProducerId, TimestampMs};

/// A marker is one small record; anything larger is none.
const MARKER_LIMIT_BYTES: usize = 4096;

/// The facts of a batch that lies (or will lie) at `base_offset`; `None` when no producer id stands in it, and for a control batch
/// that ends no transaction: it has no sequence.
///
/// # Errors
/// A sentence, when the values are not Kafka's or a control batch can't be read.
pub(crate) fn produced_batch(
    header: &BatchHeader,
    batch: &Bytes,
    base_offset: Offset,
) -> Result<Option<ProducedBatch>, String> {
    let Some(producer) = ProducerId::from_wire(header.producer_id) else { return Ok(None) };
    let epoch = ProducerEpoch::from_wire(header.producer_epoch)
        .ok_or("a batch with a producer id has no producer epoch")?;
    let control = header.attributes.is_control();
    let marker = if control { end_marker(batch)? } else { None };
    if control && marker.is_none() {
        return Ok(None);
    }
    if !control && header.base_sequence < 0 {
        return Err("a batch with a producer id has no sequence".to_owned());
    }
    Ok(Some(ProducedBatch {
        producer,
        epoch,
        first_sequence: header.base_sequence.max(0) as u32,
        last_offset_delta: header.last_offset_delta.max(0) as u32,
        base_offset,
        timestamp: TimestampMs(header.max_timestamp),
        transactional: header.attributes.is_transactional(),
        marker,
    }))
}

/// The end of a transaction that a control batch marks.
///
/// # Errors
/// A sentence, when the batch can't be read.
pub(crate) fn end_marker(batch: &Bytes) -> Result<Option<EndTransactionMarker>, String> {
    let mut records = records(batch, MARKER_LIMIT_BYTES).map_err(|error| error.to_string())?;
    let Some(record) = records.next() else { return Ok(None) };
    let record = record.map_err(|error| error.to_string())?;
    EndTransactionMarker::read(&record).map_err(|error| error.to_string())
}

/// The facts of a batch that a footer lists.
pub(crate) fn produced_entry(entry: &BatchEntry) -> Option<ProducedBatch> {
    let producer = entry.producer?;
    if entry.control && entry.marker.is_none() {
        return None;
    }
    Some(ProducedBatch {
        producer: producer.id,
        epoch: producer.epoch,
        first_sequence: producer.base_sequence.unwrap_or_default(),
        last_offset_delta: entry.last_offset_delta,
        base_offset: entry.base_offset,
        timestamp: entry.max_timestamp,
        transactional: entry.transactional,
        marker: entry.marker,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use formats::{compression::Codec, record_batch::BatchBuilder};

    #[test]
    fn a_control_batch_that_ends_no_transaction_is_not_produced_data() {
        let mut builder = BatchBuilder::new(Codec::None).producer(7, 0, -1).control();
        builder.push(0, Some(&[0, 0, 0, 9]), Some(&[]), &[]);
        let batch = builder.build();
        let header = BatchHeader::parse(&batch).expect("a header");
        assert_eq!(produced_batch(&header, &batch, Offset::ZERO), Ok(None));
        let entry = BatchEntry::new(&header, 0).expect("an entry");
        assert_eq!(produced_entry(&entry), None);
    }
}
