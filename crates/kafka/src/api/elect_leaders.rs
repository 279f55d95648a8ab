//! `ElectLeaders` (API key 43): nothing to be elected where a partition has a leader.
//!
//! A partition has one owner and no other replicas, so its leader is the preferred one. One whose acknowledged records may lie on a
//! lost disk is not taken over by this request: `unclean.leader.election.enable` of its topic allows that. Sources: KIP-183, KIP-460.

use super::{Api, Outcome, Versions};
use crate::{
    broker::{TopicRef, find_partition, find_topic},
    context::Context,
    error::Refusal,
};
use cluster::Image;
use kafka_protocol::{
    ResponseError,
    messages::{
        ElectLeadersRequest, ElectLeadersResponse, TopicName,
        elect_leaders_response::{PartitionResult, ReplicaElectionResult},
    },
    protocol::StrBytes,
};
use security::acl::Operation;

/// The preferred replica is to lead.
const PREFERRED: i8 = 0;

/// Handles versions 0 to 2.
pub(super) struct ElectLeaders;

impl Api for ElectLeaders {
    type Request = ElectLeadersRequest;
    type Response = ElectLeadersResponse;
    const VERSIONS: Versions = Versions::new(0, 2);

    async fn begin(
        context: Context,
        request: ElectLeadersRequest,
    ) -> Outcome<ElectLeadersResponse> {
        if let Err(refusal) = context.authorize_cluster(Operation::Alter) {
            return Outcome::Ready(refused(context.version(), request, &refusal));
        }
        let image = context.broker().cluster.image();
        let of_topic = |name: TopicName, results: Vec<PartitionResult>| {
            ReplicaElectionResult::default().with_topic(name).with_partition_result(results)
        };
        let preferred = request.election_type == PREFERRED;
        let results = match request.topic_partitions {
            Some(topics) => topics
                .into_iter()
                .map(|topic| {
                    let elect =
                        |index: &i32| elect(&image, topic.topic.as_str(), *index, preferred);
                    let results = topic.partitions.iter().map(elect).collect();
                    of_topic(topic.topic, results)
                })
                .collect(),
            None => leaderless(&image, preferred)
                .into_iter()
                .map(|(name, it)| of_topic(name, it))
                .collect(),
        };
        Outcome::Ready(ElectLeadersResponse::default().with_replica_election_results(results))
    }
}

/// The same error for every partition; since version 1 also for the whole.
fn refused(version: i16, request: ElectLeadersRequest, refusal: &Refusal) -> ElectLeadersResponse {
    let topics = request.topic_partitions.unwrap_or_default().into_iter().map(|topic| {
        let partitions = topic.partitions.into_iter().map(|index| {
            PartitionResult::default()
                .with_partition_id(index)
                .with_error_code(refusal.code())
                .with_error_message(refusal.wire_message())
        });
        ReplicaElectionResult::default()
            .with_topic(topic.topic)
            .with_partition_result(partitions.collect())
    });
    let code = if version >= 1 { refusal.code() } else { 0 };
    ElectLeadersResponse::default()
        .with_error_code(code)
        .with_replica_election_results(topics.collect())
}

/// Of all partitions those that have no leader, as in Kafka: the others are not told of.
fn leaderless(image: &Image, preferred: bool) -> Vec<(TopicName, Vec<PartitionResult>)> {
    let of_topic = |topic: &cluster::TopicInfo| {
        let without = topic.partitions.iter().zip(0..).filter(|(info, _)| info.leader.is_none());
        let results: Vec<_> =
            without.map(|(_, index)| elect(image, topic.name.as_str(), index, preferred)).collect();
        let name = TopicName(StrBytes::from_string(topic.name.to_string()));
        (!results.is_empty()).then_some((name, results))
    };
    image.topics.values().filter_map(|topic| of_topic(topic)).collect()
}

fn elect(image: &Image, topic: &str, index: i32, preferred: bool) -> PartitionResult {
    let refusal = refusal(image, topic, index, preferred);
    PartitionResult::default()
        .with_partition_id(index)
        .with_error_code(refusal.code())
        .with_error_message(refusal.wire_message())
}

fn refusal(image: &Image, topic: &str, index: i32, preferred: bool) -> Refusal {
    let found = find_topic(image, TopicRef::Name(topic)).and_then(|it| find_partition(it, index));
    match found {
        Err(refusal) => refusal,
        Ok((_, info)) if info.leader.is_some() => {
            Refusal::new(ResponseError::ElectionNotNeeded, "the partition's owner leads it")
        }
        Ok(_) if preferred => {
            let reason = "the partition's owner does not live; another takes over, or its disk is waited for";
            Refusal::new(ResponseError::PreferredLeaderNotAvailable, reason)
        }
        Ok(_) => {
            let reason = "set unclean.leader.election.enable of the topic to give up what its owner's disk holds";
            Refusal::new(ResponseError::EligibleLeadersNotAvailable, reason)
        }
    }
}
