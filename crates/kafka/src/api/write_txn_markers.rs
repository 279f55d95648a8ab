//! `WriteTxnMarkers` (API key 27): ends transactions on partitions of this broker. Sent by coordinators, and by the tool that
//! aborts a transaction that hangs.
//!
//! An answer says that the marker is durable. Partitions of `__consumer_offsets` are group slots: there it ends what the transaction
//! staged. Sources: KIP-98, KIP-664, KIP-890.

use super::{Api, Outcome, Versions};
use crate::{
    broker::{TopicRef, find_partition, find_topic},
    context::Context,
    error::Refusal,
    peers::bears_its_own_epoch,
    transaction,
};
use cluster::Image;
use coordinator::{Groups, SlotKind, transaction::Marked};
use formats::record_batch::EndTransactionMarker;
use futures::{
    FutureExt,
    future::{BoxFuture, join_all},
};
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
use model::{PartitionId, ProducerEpoch, ProducerId};
use partition_log::{EndTransaction, PendingAppend};
use security::acl::Operation;

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
            // Brokers, and tools that end a transaction that hangs (KIP-1037).
            if !context.may_to_cluster_quietly(Operation::Alter)
                && let Err(refusal) = context.authorize_cluster(Operation::ClusterAction)
            {
                return refused(request, refusal.code());
            }
            let image = context.broker().cluster.image();
            let markers = request.markers.into_iter().map(|it| write(&context, &image, it));
            WriteTxnMarkersResponse::default().with_markers(join_all(markers).await)
        })
    }
}

/// The same error for every partition.
fn refused(request: WriteTxnMarkersRequest, code: i16) -> WriteTxnMarkersResponse {
    let markers = request.markers.into_iter().map(|marker| {
        let topics = marker.topics.into_iter().map(|topic| {
            let partitions = topic.partition_indexes.into_iter().map(|index| {
                WritableTxnMarkerPartitionResult::default()
                    .with_partition_index(index)
                    .with_error_code(code)
            });
            WritableTxnMarkerTopicResult::default()
                .with_name(topic.name)
                .with_partitions(partitions.collect())
        });
        WritableTxnMarkerResult::default()
            .with_producer_id(marker.producer_id)
            .with_topics(topics.collect())
    });
    WriteTxnMarkersResponse::default().with_markers(markers.collect())
}

async fn write(
    context: &Context,
    image: &Image,
    marker: WritableTxnMarker,
) -> WritableTxnMarkerResult {
    let end = end_of(&marker);
    // All are appended before one is waited for: they share a flush.
    let topics: Vec<_> = marker
        .topics
        .into_iter()
        .map(|topic| {
            let begun = topic.partition_indexes.iter().map(|&index| {
                let begun =
                    end.clone().and_then(|end| begin(context, image, &topic.name, index, end));
                settle(index, begun)
            });
            let begun: Vec<_> = begun.collect();
            (topic.name, join_all(begun))
        })
        .collect();
    let mut results = Vec::with_capacity(topics.len());
    for (name, partitions) in topics {
        let partitions = partitions.await;
        let result = WritableTxnMarkerTopicResult::default();
        results.push(result.with_name(name).with_partitions(partitions));
    }
    WritableTxnMarkerResult::default().with_producer_id(marker.producer_id).with_topics(results)
}

/// The end of a transaction on its way into a partition.
enum Begun {
    Append(PendingAppend),
    Staged(BoxFuture<'static, Marked>),
}

fn end_of(marker: &WritableTxnMarker) -> Result<EndTransaction, Refusal> {
    let invalid = || Refusal::from(ResponseError::InvalidRequest);
    let result = transaction::result(marker.transaction_result);
    Ok(EndTransaction {
        producer: ProducerId::from_wire(marker.producer_id.0).ok_or_else(invalid)?,
        epoch: ProducerEpoch::from_wire(marker.producer_epoch).ok_or_else(invalid)?,
        marker: EndTransactionMarker { result, coordinator_epoch: marker.coordinator_epoch },
        leader_epoch: None,
        epoch_is_its_own: bears_its_own_epoch(marker),
    })
}

fn begin(
    context: &Context,
    image: &Image,
    topic: &str,
    index: i32,
    end: EndTransaction,
) -> Result<Begun, Refusal> {
    let broker = context.broker();
    if topic == SlotKind::Groups.topic() {
        let topic = find_topic(image, TopicRef::Name(topic))?;
        let partition = PartitionId { topic: topic.id, partition: find_partition(topic, index)?.0 };
        return Ok(Begun::Staged(end_staged(broker.coordinator.groups().clone(), partition, end)));
    }
    let partition = broker.partition(image, TopicRef::Name(topic), index)?;
    Ok(Begun::Append(partition.end_transaction(end)?))
}

fn end_staged(
    groups: Groups,
    partition: PartitionId,
    end: EndTransaction,
) -> BoxFuture<'static, Marked> {
    let result = end.marker.result;
    let own_epoch = end.epoch_is_its_own.then_some(end.epoch);
    async move { groups.end_transaction(partition, end.producer, own_epoch, result).await }.boxed()
}

async fn settle(index: i32, begun: Result<Begun, Refusal>) -> WritableTxnMarkerPartitionResult {
    let settled = match begun {
        Ok(Begun::Append(appended)) => {
            appended.acknowledged().await.map(drop).map_err(Refusal::from)
        }
        Ok(Begun::Staged(ended)) => match ended.await {
            Marked::Written => Ok(()),
            Marked::Gone | Marked::Fenced(_) | Marked::Failed(_) => {
                Err(ResponseError::NotLeaderOrFollower.into())
            }
        },
        Err(refusal) => Err(refusal),
    };
    WritableTxnMarkerPartitionResult::default()
        .with_partition_index(index)
        .with_error_code(settled.map_or_else(|refusal| refusal.code(), |()| 0))
}
