//! One record, whole or nearly so, and the bytes of its key or value.

use super::{
    question::{BytesQuestion, RecordQuestion},
    scan::BATCH_LIMIT_BYTES,
    shown::Shown,
};
use crate::{
    brokers::Brokers,
    refused::{Refused, check},
};
use axum::{
    http::{
        StatusCode,
        header::{CONTENT_DISPOSITION, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use formats::record_batch::{self, BatchHeader, Record};
use kafka_protocol::{
    messages::{
        FetchRequest, TopicName,
        fetch_request::{FetchPartition, FetchTopic},
    },
    protocol::StrBytes,
};

const FETCH_VERSION: i16 = 11;
const OFFSET_OUT_OF_RANGE: i16 = 1;
/// A batch comes whole, however large it is.
const FETCH_BYTES: i32 = 1 << 20;
/// Bytes of a key or value that the page shows of a single record.
const CUT: usize = 256 << 10;
/// Bytes of a part that is asked for as it is.
const WHOLE: usize = 64 << 20;

/// # Errors
/// There is none at that offset, or the leader's reason.
pub(crate) async fn one(brokers: &Brokers, question: &RecordQuestion) -> Result<Shown, Refused> {
    let (header, record) = find(brokers, question).await?;
    Ok(Shown::of(&record, &header, question.partition, CUT))
}

/// # Errors
/// As [`one`]; the record has no such part.
pub(crate) async fn bytes(
    brokers: &Brokers,
    question: &BytesQuestion,
) -> Result<Response, Refused> {
    let BytesQuestion { topic, partition, offset, part } = question;
    let place = RecordQuestion { topic: topic.clone(), partition: *partition, offset: *offset };
    let (_, record) = find(brokers, &place).await?;
    let bytes = match part.as_str() {
        "key" => record.key,
        "value" => record.value,
        _ => return Err(Refused::bad_request("part: key or value")),
    };
    let bytes = bytes.ok_or_else(|| Refused::not_found(format!("the record's {part} is null")))?;
    if bytes.len() > WHOLE {
        return Err(Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "more than 64 MiB"));
    }
    let headers = [
        (CONTENT_TYPE, "application/octet-stream"),
        // Whatever it is, no browser is to show it under this page's name.
        (CONTENT_DISPOSITION, "attachment; filename=\"record.bin\""),
    ];
    Ok((headers, bytes).into_response())
}

async fn find(
    brokers: &Brokers,
    question: &RecordQuestion,
) -> Result<(BatchHeader, Record), Refused> {
    let RecordQuestion { topic, partition, offset } = question;
    let known = brokers.cluster.topic(topic);
    let known = known.ok_or_else(|| Refused::not_found("there is no such topic"))?;
    let line = usize::try_from(*partition).ok().and_then(|index| known.partitions.get(index));
    let line = line.ok_or_else(|| Refused::not_found("there is no such partition"))?;
    let leader =
        line.leader.ok_or_else(|| Refused::unavailable("no broker leads the partition"))?;
    let wanted = FetchPartition::default()
        .with_partition(*partition)
        .with_current_leader_epoch(-1)
        .with_fetch_offset(*offset)
        .with_log_start_offset(-1)
        .with_partition_max_bytes(FETCH_BYTES);
    let name = TopicName(StrBytes::from_string(topic.clone()));
    let wanted = FetchTopic::default().with_topic(name).with_partitions(vec![wanted]);
    let request = FetchRequest::default()
        .with_replica_id(kafka_protocol::messages::BrokerId(-1))
        .with_max_wait_ms(0)
        .with_min_bytes(0)
        .with_max_bytes(FETCH_BYTES)
        .with_session_epoch(-1)
        .with_topics(vec![wanted]);
    let answer = brokers.call(leader, &request, FETCH_VERSION).await?;
    check(answer.error_code, None::<&str>, topic)?;
    let data = answer.responses.into_iter().flat_map(|topic| topic.partitions).next();
    let data = data.ok_or_else(|| Refused::unavailable("the leader did not answer for it"))?;
    if data.error_code == OFFSET_OUT_OF_RANGE {
        return Err(none());
    }
    check(data.error_code, None::<&str>, &format!("offset {offset}"))?;
    let (batches, offset) = (data.records.unwrap_or_default(), *offset);
    let found = runtime::beside(move || look_for(batches, offset)).await;
    found.map_err(|_| Refused::unavailable("the record could not be read"))?
}

fn none() -> Refused {
    Refused::not_found(
        "there is no record at this offset: it is not there yet, was deleted or compacted away, or belongs to a transaction's marker",
    )
}

fn look_for(batches: bytes::Bytes, offset: i64) -> Result<(BatchHeader, Record), Refused> {
    let damaged = |error: record_batch::BatchError| {
        Refused::new(StatusCode::BAD_GATEWAY, format!("the batch can't be read: {error}"))
    };
    let batch = record_batch::batches(batches).next().ok_or_else(none)?;
    let (header, batch) = batch.map_err(damaged)?;
    if header.attributes.is_control() {
        return Err(none());
    }
    for record in record_batch::records(&batch, BATCH_LIMIT_BYTES).map_err(damaged)? {
        let record = record.map_err(damaged)?;
        if record.offset == offset {
            return Ok((header, record));
        }
    }
    Err(none())
}
