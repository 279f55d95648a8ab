//! `DescribeProducers` (API key 61): the producers that partitions remember, and where their open transactions begin.
//!
//! Tools find transactions that hang with it. Source: KIP-664.

use super::{Api, Outcome, Versions};
use crate::{broker::TopicRef, context::Context, error::Refusal};
use cluster::Image;
use kafka_protocol::{
    ResponseError,
    messages::{
        DescribeProducersRequest, DescribeProducersResponse,
        describe_producers_request::TopicRequest,
        describe_producers_response::{PartitionResponse, ProducerState, TopicResponse},
    },
};
use partition_log::ProducerDescription;
use security::acl::Operation;

/// Handles version 0.
pub(super) struct DescribeProducers;

impl Api for DescribeProducers {
    type Request = DescribeProducersRequest;
    type Response = DescribeProducersResponse;
    const VERSIONS: Versions = Versions::new(0, 0);

    async fn begin(
        context: Context,
        request: DescribeProducersRequest,
    ) -> Outcome<DescribeProducersResponse> {
        let image = context.broker().cluster.image();
        let topics = request.topics.into_iter().map(|topic| describe(&context, &image, topic));
        Outcome::Ready(DescribeProducersResponse::default().with_topics(topics.collect()))
    }
}

fn describe(context: &Context, image: &Image, topic: TopicRequest) -> TopicResponse {
    let wanted = TopicRef::Name(&topic.name);
    let authorized = context.authorize_topic(Operation::Read, image, wanted);
    let partitions = topic.partition_indexes.iter().map(|&index| {
        let response = PartitionResponse::default().with_partition_index(index);
        let authorized = authorized.clone();
        match authorized.and_then(|()| producers(context, image, &topic.name, index)) {
            Ok(producers) => response
                .with_error_message(None)
                .with_active_producers(producers.iter().map(producer_state).collect()),
            Err(refusal) => {
                response.with_error_code(refusal.code()).with_error_message(refusal.wire_message())
            }
        }
    });
    let partitions = partitions.collect();
    TopicResponse::default().with_name(topic.name).with_partitions(partitions)
}

fn producers(
    context: &Context,
    image: &Image,
    topic: &str,
    index: i32,
) -> Result<Vec<ProducerDescription>, Refusal> {
    model::TopicName::new(topic).map_err(|_| ResponseError::InvalidTopicException)?;
    let partition = context.broker().partition(image, TopicRef::Name(topic), index)?;
    Ok(partition.producers()?)
}

fn producer_state(producer: &ProducerDescription) -> ProducerState {
    ProducerState::default()
        .with_producer_id(producer.id.to_wire().into())
        .with_producer_epoch(producer.epoch.to_wire().into())
        .with_last_sequence(producer.last_sequence.map_or(-1, |sequence| sequence as i32))
        .with_last_timestamp(producer.last_timestamp.0)
        .with_coordinator_epoch(producer.coordinator_epoch.unwrap_or(-1))
        .with_current_txn_start_offset(
            producer.transaction_start.map_or(-1, model::Offset::to_wire),
        )
}
