//! Batches to append, and what a reader finds.

use bytes::Bytes;
use formats::{
    compression::Codec,
    record_batch::{BatchBuilder, batches, records},
};
use model::Offset;
use partition_log::{
    Acknowledged, Acks, AppendError, AppendOrigin, Isolation, Partition, PendingAppend, ReadRequest,
};

/// A batch of one record per value.
pub fn batch(values: &[&str]) -> Bytes {
    filled(BatchBuilder::new(Codec::None), values)
}

/// The same from an idempotent producer.
pub fn produced(producer: i64, sequence: i32, values: &[&str]) -> Bytes {
    filled(BatchBuilder::new(Codec::None).producer(producer, 0, sequence), values)
}

/// The same from a producer in a transaction.
pub fn produced_in_transaction(producer: i64, sequence: i32, values: &[&str]) -> Bytes {
    filled(BatchBuilder::new(Codec::None).producer(producer, 0, sequence).transactional(), values)
}

fn filled(mut builder: BatchBuilder, values: &[&str]) -> Bytes {
    for value in values {
        builder.push(1_700_000_000_000, None, Some(value.as_bytes()), &[]);
    }
    builder.build()
}

pub fn append(partition: &Partition, values: &[&str], acks: Acks) -> PendingAppend {
    partition.append(&batch(values), acks, AppendOrigin::Client).expect("an append")
}

pub async fn append_and_wait(
    partition: &Partition,
    values: &[&str],
) -> Result<Acknowledged, AppendError> {
    append(partition, values, Acks::All).acknowledged().await
}

/// Appends a batch of a transaction as the wire does when the coordinator's journal says that the transaction goes on.
pub fn append_in_transaction(
    partition: &Partition,
    batch: &Bytes,
) -> Result<PendingAppend, AppendError> {
    let origin = partition.question(batch).map_or(AppendOrigin::Client, AppendOrigin::Transaction);
    partition.append(batch, Acks::All, origin)
}

/// Every value that a consumer sees from the log's start, with its offset.
pub async fn read_all(partition: &Partition) -> Vec<(u64, String)> {
    let mut found = Vec::new();
    let mut from = partition.watermarks().log_start;
    loop {
        let request = ReadRequest {
            from,
            max_bytes: 1 << 20,
            at_least_one_batch: true,
            isolation: Isolation::ReadUncommitted,
            current_leader_epoch: None,
        };
        let answer = partition.read(request).await.expect("a read");
        if answer.batches.is_empty() {
            return found;
        }
        for part in answer.batches {
            for batch in batches(part) {
                let (header, bytes) = batch.expect("a batch");
                for record in records(&bytes, 1 << 20).expect("records") {
                    let record = record.expect("a record");
                    let value = String::from_utf8(record.value.expect("a value").to_vec());
                    found.push((record.offset as u64, value.expect("text")));
                }
                from = Offset::from_wire(header.next_offset()).expect("an offset");
            }
        }
    }
}

/// What [`read_all`] finds when `values` were appended one by one.
pub fn numbered(values: &[&str]) -> Vec<(u64, String)> {
    values.iter().enumerate().map(|(offset, value)| (offset as u64, (*value).to_owned())).collect()
}

/// A record as a consumer sees it: offset, key, value.
pub type KeyedRecord = (u64, String, Option<String>);

/// Every record that a consumer sees from the log's start.
pub async fn read_keys(partition: &Partition, isolation: Isolation) -> Vec<KeyedRecord> {
    let mut found = Vec::new();
    let mut from = partition.watermarks().log_start;
    loop {
        let request = ReadRequest {
            from,
            max_bytes: 1 << 20,
            at_least_one_batch: true,
            isolation,
            current_leader_epoch: None,
        };
        let answer = partition.read(request).await.expect("a read");
        if answer.batches.is_empty() {
            return found;
        }
        for (header, bytes) in answer.batches.into_iter().flat_map(batches).map(Result::unwrap) {
            let text = |it: Option<Bytes>| it.map(|it| String::from_utf8_lossy(&it).into_owned());
            for record in records(&bytes, 1 << 20).expect("records").map(Result::unwrap) {
                let offset = record.offset as u64;
                // A batch holds what lies before the offset asked for, too.
                if !header.attributes.is_control() && offset >= from.get() {
                    found.push((offset, text(record.key).expect("a key"), text(record.value)));
                }
            }
            from = Offset::from_wire(header.next_offset()).expect("an offset");
        }
    }
}

/// What [`read_keys`] finds of these.
pub fn numbered_keys(records: &[(u64, &str, &str)]) -> Vec<KeyedRecord> {
    let record = |(offset, key, value): &(u64, &str, &str)| {
        (*offset, (*key).to_owned(), Some((*value).to_owned()))
    };
    records.iter().map(record).collect()
}
