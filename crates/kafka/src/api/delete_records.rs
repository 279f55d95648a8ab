//! `DeleteRecords` (API key 21): moves the start of partitions' logs forward.
//!
//! Offset −1 is the high watermark; the answer carries the log's start, durable by then. Source: KIP-107.

use super::{Api, Outcome, Versions};
use crate::{
    broker::{TopicRef, find_topic},
    context::Context,
    error::Refusal,
};
use cluster::Image;
use kafka_protocol::{
    ResponseError,
    messages::{
        DeleteRecordsRequest, DeleteRecordsResponse,
        delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic},
        delete_records_response::{DeleteRecordsPartitionResult, DeleteRecordsTopicResult},
    },
};
use model::Offset;
use security::acl::Operation;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Handles versions 0 to 2.
pub(super) struct DeleteRecords;

impl Api for DeleteRecords {
    type Request = DeleteRecordsRequest;
    type Response = DeleteRecordsResponse;
    const VERSIONS: Versions = Versions::new(0, 2);

    async fn begin(
        context: Context,
        request: DeleteRecordsRequest,
    ) -> Outcome<DeleteRecordsResponse> {
        Outcome::later(answer(context, request))
    }
}

async fn answer(context: Context, request: DeleteRecordsRequest) -> DeleteRecordsResponse {
    let deadline = Instant::now() + Duration::from_millis(request.timeout_ms.max(0) as u64);
    let image = context.broker().cluster.image();
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let wanted = TopicRef::Name(topic.name.as_str());
        let authorized = context.authorize_topic(Operation::Delete, &image, wanted);
        if let Err(refusal) = authorized {
            topics.push(refused(topic, &refusal));
            continue;
        }
        let partitions = topic
            .partitions
            .iter()
            .map(|partition| delete(&context, &image, wanted, partition, deadline));
        let partitions = futures::future::join_all(partitions).await;
        topics.push(
            DeleteRecordsTopicResult::default().with_name(topic.name).with_partitions(partitions),
        );
    }
    DeleteRecordsResponse::default().with_topics(topics)
}

/// The same error for every partition.
fn refused(topic: DeleteRecordsTopic, refusal: &Refusal) -> DeleteRecordsTopicResult {
    let partitions = topic.partitions.iter().map(|partition| {
        DeleteRecordsPartitionResult::default()
            .with_partition_index(partition.partition_index)
            .with_low_watermark(-1)
            .with_error_code(refusal.code())
    });
    DeleteRecordsTopicResult::default().with_partitions(partitions.collect()).with_name(topic.name)
}

async fn delete(
    context: &Context,
    image: &Image,
    topic: TopicRef<'_>,
    wanted: &DeleteRecordsPartition,
    deadline: Instant,
) -> DeleteRecordsPartitionResult {
    let result =
        DeleteRecordsPartitionResult::default().with_partition_index(wanted.partition_index);
    let deleted = match timeout_at(deadline, start_at(context, image, topic, wanted)).await {
        Ok(deleted) => deleted,
        Err(_) => Err(ResponseError::RequestTimedOut.into()),
    };
    match deleted {
        Ok(start) => result.with_low_watermark(start.to_wire()),
        Err(refusal) => result.with_low_watermark(-1).with_error_code(refusal.code()),
    }
}

async fn start_at(
    context: &Context,
    image: &Image,
    topic: TopicRef<'_>,
    wanted: &DeleteRecordsPartition,
) -> Result<Offset, Refusal> {
    let partition = context.broker().partition(image, topic, wanted.partition_index)?;
    if !find_topic(image, topic)?.settings.cleanup_policy.delete {
        return Err(ResponseError::PolicyViolation.into());
    }
    let before = match wanted.offset {
        -1 => None,
        offset => Some(Offset::from_wire(offset).ok_or(ResponseError::OffsetOutOfRange)?),
    };
    Ok(partition.delete_records(before).await?)
}
