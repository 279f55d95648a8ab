//! `CreatePartitions` (API key 37): raises the number of a topic's partitions.
//!
//! Source: KIP-195.

use super::{Api, Outcome, Versions};
use crate::{context::Context, error::Refusal};
use kafka_protocol::{
    ResponseError,
    messages::{
        CreatePartitionsRequest, CreatePartitionsResponse,
        create_partitions_request::CreatePartitionsTopic,
        create_partitions_response::CreatePartitionsTopicResult,
    },
};
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
        let mut results = Vec::with_capacity(request.topics.len());
        for topic in request.topics {
            let raised = raise(&context, &topic, request.validate_only, patience).await;
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
    let total = u32::try_from(topic.count).map_err(|_| ResponseError::InvalidPartitions)?;
    let cluster = &context.broker().cluster;
    if cluster.image().topic(topic.name.as_str()).is_some_and(|topic| topic.internal) {
        let reason = "groups and transactions are spread over the partitions that there are";
        return Err(Refusal::new(ResponseError::InvalidRequest, reason));
    }
    Ok(cluster.create_partitions(topic.name.as_str(), total, validate_only, patience).await?)
}
