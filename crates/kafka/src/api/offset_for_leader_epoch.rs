//! `OffsetForLeaderEpoch` (API key 23): where a leader epoch ends, so that a consumer notices that its position was cut off.
//!
//! Answers the largest epoch at or below the one asked for; −1/−1 for no epoch and for one that is to come. Sources: KIP-101,
//! KIP-279, KIP-320.

use super::{Api, Outcome, Versions};
use crate::{broker::TopicRef, context::Context, error::Refusal};
use cluster::Image;
use kafka_protocol::messages::{
    OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
    offset_for_leader_epoch_request::OffsetForLeaderPartition,
    offset_for_leader_epoch_response::{EpochEndOffset, OffsetForLeaderTopicResult},
};
use model::LeaderEpoch;
use partition_log::EpochEnd;
use security::acl::Operation;

/// Handles versions 2 to 4.
pub(super) struct OffsetForLeaderEpoch;

impl Api for OffsetForLeaderEpoch {
    type Request = OffsetForLeaderEpochRequest;
    type Response = OffsetForLeaderEpochResponse;
    const VERSIONS: Versions = Versions::new(2, 4);

    async fn begin(
        context: Context,
        request: OffsetForLeaderEpochRequest,
    ) -> Outcome<OffsetForLeaderEpochResponse> {
        let image = context.broker().cluster.image();
        let is_broker = context.may_to_cluster_quietly(Operation::ClusterAction);
        let topics = request.topics.into_iter().map(|topic| {
            let wanted = TopicRef::Name(topic.topic.as_str());
            let ask = || context.authorize_topic(Operation::Describe, &image, wanted);
            let authorized = if is_broker { Ok(()) } else { ask() };
            let partitions = topic.partitions.iter();
            let ends = partitions.map(|partition| match &authorized {
                Ok(()) => end(&context, &image, wanted, partition),
                Err(refusal) => EpochEndOffset::default()
                    .with_partition(partition.partition)
                    .with_error_code(refusal.code()),
            });
            let ends = ends.collect();
            OffsetForLeaderTopicResult::default().with_topic(topic.topic).with_partitions(ends)
        });
        Outcome::Ready(OffsetForLeaderEpochResponse::default().with_topics(topics.collect()))
    }
}

fn end(
    context: &Context,
    image: &Image,
    topic: TopicRef<'_>,
    wanted: &OffsetForLeaderPartition,
) -> EpochEndOffset {
    let answer = EpochEndOffset::default().with_partition(wanted.partition);
    match find(context, image, topic, wanted) {
        Err(refusal) => answer.with_error_code(refusal.code()),
        Ok(None) => answer,
        Ok(Some(end)) => {
            answer.with_leader_epoch(end.epoch.to_wire()).with_end_offset(end.end_offset.to_wire())
        }
    }
}

fn find(
    context: &Context,
    image: &Image,
    topic: TopicRef<'_>,
    wanted: &OffsetForLeaderPartition,
) -> Result<Option<EpochEnd>, Refusal> {
    let partition = context.broker().partition(image, topic, wanted.partition)?;
    partition.check_epoch(LeaderEpoch::from_wire(wanted.current_leader_epoch))?;
    match LeaderEpoch::from_wire(wanted.leader_epoch) {
        Some(epoch) => Ok(partition.epoch_end(epoch)?),
        None => Ok(None),
    }
}
