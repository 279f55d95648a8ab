//! `ListPartitionReassignments` (API key 46): the moves of partitions from one broker to another that have begun and not ended.
//!
//! A partition has one owner, so its replicas are the one that it has and the one that it is to get. Source: KIP-455.

use super::{Api, Outcome, Versions};
use crate::context::Context;
use cluster::{PartitionInfo, TopicInfo};
use kafka_protocol::{
    messages::{
        ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse,
        list_partition_reassignments_request::ListPartitionReassignmentsTopics,
        list_partition_reassignments_response::{
            OngoingPartitionReassignment, OngoingTopicReassignment,
        },
    },
    protocol::StrBytes,
};
use model::BrokerId;
use security::acl::Operation;

/// Handles version 0.
pub(super) struct ListPartitionReassignments;

impl Api for ListPartitionReassignments {
    type Request = ListPartitionReassignmentsRequest;
    type Response = ListPartitionReassignmentsResponse;
    const VERSIONS: Versions = Versions::new(0, 0);

    async fn begin(
        context: Context,
        request: ListPartitionReassignmentsRequest,
    ) -> Outcome<ListPartitionReassignmentsResponse> {
        if let Err(refusal) = context.authorize_cluster(Operation::Describe) {
            let response = ListPartitionReassignmentsResponse::default();
            return Outcome::Ready(
                response.with_error_code(refusal.code()).with_error_message(refusal.wire_message()),
            );
        }
        let image = context.broker().cluster.image();
        let asked = request.topics.as_deref();
        let topics = image.topics.values().filter_map(|topic| moving(topic, asked));
        Outcome::Ready(
            ListPartitionReassignmentsResponse::default()
                .with_error_message(None)
                .with_topics(topics.collect()),
        )
    }
}

/// The topic's partitions that move, of those that are asked for (`None`: all); `None` when there are none.
fn moving(
    topic: &TopicInfo,
    asked: Option<&[ListPartitionReassignmentsTopics]>,
) -> Option<OngoingTopicReassignment> {
    let is_asked_for = |index: i32| {
        asked.is_none_or(|topics| {
            let mut named = topics.iter().filter(|it| it.name.as_str() == topic.name.as_str());
            named.any(|it| it.partition_indexes.contains(&index))
        })
    };
    let partitions = topic.partitions.iter().zip(0..);
    let partitions: Vec<_> = partitions
        .filter(|(_, index)| is_asked_for(*index))
        .filter_map(|(info, index)| ongoing(info, index))
        .collect();
    let name = StrBytes::from_string(topic.name.to_string());
    (!partitions.is_empty()).then(|| {
        OngoingTopicReassignment::default().with_name(name.into()).with_partitions(partitions)
    })
}

fn ongoing(info: &PartitionInfo, index: i32) -> Option<OngoingPartitionReassignment> {
    let wire = |broker: BrokerId| broker.to_wire().into();
    let to = info.moving_to.map(wire)?;
    let from = info.owner.map(wire);
    Some(
        OngoingPartitionReassignment::default()
            .with_partition_index(index)
            .with_replicas(from.into_iter().chain([to]).collect())
            .with_adding_replicas(vec![to])
            .with_removing_replicas(from.into_iter().collect()),
    )
}
