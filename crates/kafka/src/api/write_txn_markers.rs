//! `WriteTxnMarkers` (API key 27): ends transactions on partitions of this broker. Sent by coordinators, and by the tool that
//! aborts a transaction that hangs.
//!
//! An answer says that the marker is durable. Sources: KIP-98, KIP-664, KIP-890.

use super::{Api, Outcome, Versions};
use crate::{broker::TopicRef, context::Context, error::Refusal};
use cluster::Image;
use formats::record_batch::{EndTransactionMarker, TransactionResult};
use futures::future::join_all;
use kafka_protocol::{
    ResponseError,
    messages::{
        WriteTxnMarkersRequest, WriteTxnMarkersResponse,
        write_txn_markers_request::WritableTxnMarker,
        write_txn_markers_response::{
            WritableTxnMarkerPartitionResult, WritableTxnMarkerResult, WritableTxnMarkerTopicResult,
        },
    },
};
use model::{ProducerEpoch, ProducerId};
use partition_log::{EndTransaction, PendingAppend};

/// Handles version 1.
pub(super) struct WriteTxnMarkers;

impl Api for WriteTxnMarkers {
    type Request = WriteTxnMarkersRequest;
    type Response = WriteTxnMarkersResponse;
    const VERSIONS: Versions = Versions::new(1, 1);

    async fn begin(
        context: Context,
        request: WriteTxnMarkersRequest,
    ) -> Outcome<WriteTxnMarkersResponse> {
        Outcome::later(async move {
            let image = context.broker().cluster.image();
            let markers = request.markers.into_iter().map(|it| write(&context, &image, it));
            WriteTxnMarkersResponse::default().with_markers(join_all(markers).await)
        })
    }
}

async fn write(
    context: &Context,
    image: &Image,
    marker: WritableTxnMarker,
) -> WritableTxnMarkerResult {
    let end = end_of(&marker);
    let mut topics = Vec::with_capacity(marker.topics.len());
    for topic in marker.topics {
        // All are appended before one is waited for: they share a flush.
        let appended = topic.partition_indexes.iter().map(|&index| {
            let appended =
                end.clone().and_then(|end| append(context, image, &topic.name, index, end));
            settle(index, appended)
        });
        let appended: Vec<_> = appended.collect();
        topics.push((topic.name, join_all(appended)));
    }
    let mut results = Vec::with_capacity(topics.len());
    for (name, partitions) in topics {
        let partitions = partitions.await;
        let result = WritableTxnMarkerTopicResult::default();
        results.push(result.with_name(name).with_partitions(partitions));
    }
    WritableTxnMarkerResult::default().with_producer_id(marker.producer_id).with_topics(results)
}

fn end_of(marker: &WritableTxnMarker) -> Result<EndTransaction, Refusal> {
    let invalid = || Refusal::from(ResponseError::InvalidRequest);
    let result = match marker.transaction_result {
        true => TransactionResult::Commit,
        false => TransactionResult::Abort,
    };
    Ok(EndTransaction {
        producer: ProducerId::from_wire(marker.producer_id.0).ok_or_else(invalid)?,
        epoch: ProducerEpoch::from_wire(marker.producer_epoch).ok_or_else(invalid)?,
        marker: EndTransactionMarker { result, coordinator_epoch: marker.coordinator_epoch },
        leader_epoch: None,
        epoch_is_its_own: false,
    })
}

fn append(
    context: &Context,
    image: &Image,
    topic: &str,
    index: i32,
    end: EndTransaction,
) -> Result<PendingAppend, Refusal> {
    let partition = context.broker().partition(image, TopicRef::Name(topic), index)?;
    Ok(partition.end_transaction(end)?)
}

async fn settle(
    index: i32,
    appended: Result<PendingAppend, Refusal>,
) -> WritableTxnMarkerPartitionResult {
    let settled = match appended {
        Ok(appended) => appended.acknowledged().await.map(drop).map_err(Refusal::from),
        Err(refusal) => Err(refusal),
    };
    WritableTxnMarkerPartitionResult::default()
        .with_partition_index(index)
        .with_error_code(settled.map_or_else(|refusal| refusal.code(), |()| 0))
}
