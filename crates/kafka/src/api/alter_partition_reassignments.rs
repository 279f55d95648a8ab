//! `AlterPartitionReassignments` (API key 45): has partitions moved to other brokers, or calls that off.
//!
//! A partition has one owner and no other replicas, so one broker is named for each. The answer says that the move has begun. Source:
//! KIP-455.

use super::{Api, Outcome, Versions, assignment};
use crate::{
    broker::{TopicRef, find_partition, find_topic},
    context::Context,
    error::Refusal,
};
use cluster::Image;
use kafka_protocol::{
    ResponseError,
    messages::{
        AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse,
        alter_partition_reassignments_request::{ReassignablePartition, ReassignableTopic},
        alter_partition_reassignments_response::{
            ReassignablePartitionResponse, ReassignableTopicResponse,
        },
    },
};
use model::{BrokerId, PartitionId};
use security::acl::Operation;

/// Handles versions 0 and 1.
pub(super) struct AlterPartitionReassignments;

impl Api for AlterPartitionReassignments {
    type Request = AlterPartitionReassignmentsRequest;
    type Response = AlterPartitionReassignmentsResponse;
    const VERSIONS: Versions = Versions::new(0, 1);

    async fn begin(
        context: Context,
        request: AlterPartitionReassignmentsRequest,
    ) -> Outcome<AlterPartitionReassignmentsResponse> {
        if let Err(refusal) = context.authorize_cluster(Operation::Alter) {
            let response = AlterPartitionReassignmentsResponse::default();
            return Outcome::Ready(
                response
                    .with_error_code(refusal.code())
                    .with_error_message(refusal.wire_message())
                    .with_allow_replication_factor_change(request.allow_replication_factor_change),
            );
        }
        let image = context.broker().cluster.image();
        let mut responses = Vec::with_capacity(request.topics.len());
        for topic in request.topics {
            responses.push(reassign_topic(&context, &image, topic).await);
        }
        Outcome::Ready(
            AlterPartitionReassignmentsResponse::default()
                .with_error_message(None)
                .with_responses(responses)
                .with_allow_replication_factor_change(request.allow_replication_factor_change),
        )
    }
}

async fn reassign_topic(
    context: &Context,
    image: &Image,
    topic: ReassignableTopic,
) -> ReassignableTopicResponse {
    let wanted = TopicRef::Name(topic.name.as_str());
    let mut partitions = Vec::with_capacity(topic.partitions.len());
    for partition in &topic.partitions {
        let response = ReassignablePartitionResponse::default()
            .with_partition_index(partition.partition_index)
            .with_error_message(None);
        partitions.push(match reassign(context, image, wanted, partition).await {
            Ok(()) => response,
            Err(refusal) => {
                response.with_error_code(refusal.code()).with_error_message(refusal.wire_message())
            }
        });
    }
    ReassignableTopicResponse::default().with_name(topic.name).with_partitions(partitions)
}

async fn reassign(
    context: &Context,
    image: &Image,
    topic: TopicRef<'_>,
    wanted: &ReassignablePartition,
) -> Result<(), Refusal> {
    let topic = find_topic(image, topic)?;
    let (partition, info) = find_partition(topic, wanted.partition_index)?;
    let id = PartitionId { topic: topic.id, partition };
    let cluster = &context.broker().cluster;
    let Some(brokers) = &wanted.replicas else {
        return Ok(cluster.move_partition(id, None).await?);
    };
    assignment::check(image, std::iter::once(brokers.as_slice()))?;
    let [broker] = brokers.as_slice() else {
        let reason =
            "a partition has one owner, and object storage keeps its data: name one broker";
        return Err(Refusal::new(ResponseError::InvalidReplicationFactor, reason));
    };
    let to = BrokerId::from_wire(broker.0).ok_or(ResponseError::InvalidReplicaAssignment)?;
    match (info.owner == Some(to), info.moving_to) {
        (true, None) => Ok(()),
        (true, Some(_)) => Ok(cluster.move_partition(id, None).await?),
        (false, _) => Ok(cluster.move_partition(id, Some(to)).await?),
    }
}
