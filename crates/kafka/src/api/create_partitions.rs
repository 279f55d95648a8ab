//! `CreatePartitions` (API key 37): raises the number of a topic's partitions.
//!
//! Source: KIP-195.

use super::{
    Api, Outcome, Versions, assignment,
    repetitions::{repeated, without_repetitions},
};
use crate::{
    broker::{TopicRef, find_topic},
    context::Context,
    error::Refusal,
};
use cluster::Image;
use kafka_protocol::{
    ResponseError,
    messages::{
        CreatePartitionsRequest, CreatePartitionsResponse,
        create_partitions_request::CreatePartitionsTopic,
        create_partitions_response::CreatePartitionsTopicResult,
    },
};
use model::BrokerId;
use security::acl::{Operation, ResourceType};
use std::time::Duration;

/// Handles versions 0 to 3.
pub(super) struct CreatePartitions;

impl Api for CreatePartitions {
    type Request = CreatePartitionsRequest;
    type Response = CreatePartitionsResponse;
    const VERSIONS: Versions = Versions::new(0, 3);

    async fn begin(
        context: Context,
        request: CreatePartitionsRequest,
    ) -> Outcome<CreatePartitionsResponse> {
        let patience = Duration::from_millis(request.timeout_ms.max(0) as u64);
        let repeated = repeated(request.topics.iter().map(|topic| topic.name.clone()));
        let topics = without_repetitions(request.topics, |topic| topic.name.clone());
        let mut results = Vec::with_capacity(topics.len());
        for topic in topics {
            let raised = if repeated.contains(&topic.name) {
                Err(Refusal::new(ResponseError::InvalidRequest, "the topic is named twice"))
            } else {
                raise(&context, &topic, request.validate_only, patience).await
            };
            let result = CreatePartitionsTopicResult::default().with_name(topic.name);
            results.push(match raised {
                Ok(()) => result,
                Err(refusal) => result
                    .with_error_code(refusal.code())
                    .with_error_message(refusal.wire_message()),
            });
        }
        Outcome::Ready(CreatePartitionsResponse::default().with_results(results))
    }
}

async fn raise(
    context: &Context,
    topic: &CreatePartitionsTopic,
    validate_only: bool,
    patience: Duration,
) -> Result<(), Refusal> {
    context.authorize(Operation::Alter, ResourceType::Topic, &topic.name)?;
    let total = u32::try_from(topic.count).map_err(|_| ResponseError::InvalidPartitions)?;
    let cluster = &context.broker().cluster;
    if cluster.image().topic(topic.name.as_str()).is_some_and(|topic| topic.internal) {
        let reason = "groups and transactions are spread over the partitions that there are";
        return Err(Refusal::new(ResponseError::InvalidRequest, reason));
    }
    let leaders = leaders(&cluster.image(), topic)?;
    let name = topic.name.as_str();
    Ok(cluster.create_partitions(name, total, &leaders, validate_only, patience).await?)
}

/// Who is to lead the new partitions. An assignment must name brokers for each of them.
fn leaders(image: &Image, topic: &CreatePartitionsTopic) -> Result<Vec<BrokerId>, Refusal> {
    let Some(assignments) = &topic.assignments else { return Ok(Vec::new()) };
    let existing = find_topic(image, TopicRef::Name(topic.name.as_str()))?;
    let wanted =
        usize::try_from(topic.count).unwrap_or(0).saturating_sub(existing.partitions.len());
    if assignments.len() != wanted {
        return Err(assignment::refused("there must be one assignment for each new partition"));
    }
    let lists = || assignments.iter().map(|assignment| assignment.broker_ids.as_slice());
    assignment::check(image, lists())?;
    Ok(assignment::leaders(lists()))
}
