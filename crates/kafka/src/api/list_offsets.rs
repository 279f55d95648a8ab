//! `ListOffsets` (API key 2): turns a timestamp or a named position into an offset.
//!
//! Every partition is answered on its own. Sources: KIP-79, KIP-98, KIP-207, KIP-734, KIP-405, KIP-1005.

use super::{
    Api, Outcome, Versions,
    repetitions::{repeated, without_repetitions},
};
use crate::{broker::TopicRef, context::Context, error::Refusal};
use cluster::Image;
use kafka_protocol::{
    ResponseError,
    messages::{
        ListOffsetsRequest, ListOffsetsResponse,
        list_offsets_request::ListOffsetsPartition,
        list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse},
    },
};
use model::{LeaderEpoch, Offset, TimestampMs};
use partition_log::{Isolation, Partition, TimestampQuery};
use security::acl::Operation;

/// Handles versions 1 to 10.
pub(super) struct ListOffsets;

impl Api for ListOffsets {
    type Request = ListOffsetsRequest;
    type Response = ListOffsetsResponse;
    const VERSIONS: Versions = Versions::new(1, 10);

    async fn begin(context: Context, request: ListOffsetsRequest) -> Outcome<ListOffsetsResponse> {
        Outcome::later(answer(context, request))
    }
}

async fn answer(context: Context, request: ListOffsetsRequest) -> ListOffsetsResponse {
    let image = context.broker().cluster.image();
    let isolation = isolation(request.isolation_level);
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let wanted = TopicRef::Name(topic.name.as_str());
        let authorized = context.authorize_topic(Operation::Describe, &image, wanted);
        let repeated = repeated(topic.partitions.iter().map(|it| it.partition_index));
        let partitions = without_repetitions(topic.partitions, |it| it.partition_index);
        let partitions = partitions.iter().map(async |partition| {
            if repeated.contains(&partition.partition_index) {
                return ListOffsetsPartitionResponse::default()
                    .with_partition_index(partition.partition_index)
                    .with_error_code(ResponseError::InvalidRequest.code());
            }
            if let Err(refusal) = &authorized {
                return ListOffsetsPartitionResponse::default()
                    .with_partition_index(partition.partition_index)
                    .with_error_code(refusal.code());
            }
            list(&context, &image, wanted, partition, isolation).await
        });
        let partitions = futures::future::join_all(partitions).await;
        topics.push(
            ListOffsetsTopicResponse::default().with_name(topic.name).with_partitions(partitions),
        );
    }
    ListOffsetsResponse::default().with_topics(topics)
}

/// The isolation level on the wire.
pub(super) fn isolation(level: i8) -> Isolation {
    if level == 1 { Isolation::ReadCommitted } else { Isolation::ReadUncommitted }
}

/// What a timestamp on the wire asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Query {
    /// −1: the end of what the reader may see.
    Latest,
    /// −2, and −4 (the start of what is not tiered away: nothing is).
    Earliest,
    /// −5: the end of what was tiered away. Nothing is.
    LatestTiered,
    /// −3 or a time.
    Time(TimestampQuery),
}

/// Reads the timestamp; `None` for one that the version does not have.
fn query(timestamp: i64, version: i16) -> Option<Query> {
    match timestamp {
        -1 => Some(Query::Latest),
        -2 => Some(Query::Earliest),
        -3 if version >= 7 => Some(Query::Time(TimestampQuery::Maximum)),
        -4 if version >= 8 => Some(Query::Earliest),
        -5 if version >= 9 => Some(Query::LatestTiered),
        time if time >= 0 => Some(Query::Time(TimestampQuery::AtOrAfter(TimestampMs(time)))),
        _ => None,
    }
}

/// An offset found: with the record's time, if it was found by time, and its epoch.
#[derive(Default)]
struct Found {
    offset: Option<Offset>,
    timestamp: Option<TimestampMs>,
    epoch: Option<LeaderEpoch>,
}

async fn list(
    context: &Context,
    image: &Image,
    topic: TopicRef<'_>,
    wanted: &ListOffsetsPartition,
    isolation: Isolation,
) -> ListOffsetsPartitionResponse {
    let response =
        ListOffsetsPartitionResponse::default().with_partition_index(wanted.partition_index);
    match find(context, image, topic, wanted, isolation).await {
        Err(refusal) => response.with_error_code(refusal.code()),
        Ok(found) => {
            let response = response
                .with_offset(found.offset.map_or(-1, Offset::to_wire))
                .with_timestamp(found.timestamp.map_or(-1, |time| time.0));
            match found.epoch.filter(|_| context.version() >= 4) {
                Some(epoch) => response.with_leader_epoch(epoch.to_wire()),
                None => response,
            }
        }
    }
}

async fn find(
    context: &Context,
    image: &Image,
    topic: TopicRef<'_>,
    wanted: &ListOffsetsPartition,
    isolation: Isolation,
) -> Result<Found, Refusal> {
    let partition = context.broker().partition(image, topic, wanted.partition_index)?;
    partition.check_epoch(LeaderEpoch::from_wire(wanted.current_leader_epoch))?;
    let query =
        query(wanted.timestamp, context.version()).ok_or(ResponseError::UnsupportedVersion)?;
    let watermarks = partition.watermarks();
    match query {
        Query::Latest => {
            let end = match isolation {
                Isolation::ReadUncommitted => watermarks.high_watermark,
                Isolation::ReadCommitted => watermarks.last_stable,
            };
            Ok(position(&partition, end))
        }
        Query::Earliest => Ok(position(&partition, watermarks.log_start)),
        Query::LatestTiered => Ok(Found::default()),
        Query::Time(query) => {
            let found = partition.offset_for_timestamp(query, isolation).await?;
            Ok(found.map_or_else(Found::default, |found| Found {
                offset: Some(found.offset),
                timestamp: Some(found.timestamp),
                epoch: Some(found.leader_epoch),
            }))
        }
    }
}

fn position(partition: &Partition, offset: Offset) -> Found {
    Found { offset: Some(offset), timestamp: None, epoch: partition.epoch_at(offset) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_timestamps_need_their_versions() {
        assert_eq!(query(-3, 6), None);
        assert_eq!(query(-3, 7), Some(Query::Time(TimestampQuery::Maximum)));
        assert_eq!(query(-4, 7), None);
        assert_eq!(query(-4, 8), Some(Query::Earliest));
        assert_eq!(query(-5, 9), Some(Query::LatestTiered));
        assert_eq!(query(-6, 10), None);
    }
}
