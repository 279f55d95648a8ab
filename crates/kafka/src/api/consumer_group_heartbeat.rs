//! `ConsumerGroupHeartbeat` (API key 68): a member of a group under the consumer protocol joins, lives, reports what it
//! holds, learns what it is assigned, and leaves.
//!
//! Source: KIP-848. Since version 1 clients make their members' ids themselves, and may subscribe by an expression.

use super::{
    Api, Outcome, Versions,
    group_text::{shared, wire},
};
use crate::{context::Context, error::Refusal};
use coordinator::{
    GroupError, SlotKind,
    group::{
        ConsumerAnswer, ConsumerHeartbeat, ConsumerLeave,
        consumer::{Assignor, Partitions},
    },
};
use futures::future::{BoxFuture, FutureExt};
use kafka_protocol::{
    ResponseError,
    messages::{
        ConsumerGroupHeartbeatRequest as Request, ConsumerGroupHeartbeatResponse as Response,
        consumer_group_heartbeat_request,
        consumer_group_heartbeat_response::{Assignment, TopicPartitions},
    },
    protocol::StrBytes,
};
use model::TopicId;
use security::acl::{Operation, ResourceType};
use std::time::Duration;

/// A member with this epoch joins, …
const JOINS: i32 = 0;
/// … with this one leaves, …
const LEAVES: i32 = -1;
/// … and a static one with this leaves and will be back.
const LEAVES_FOR_A_WHILE: i32 = -2;

/// Handles versions 0 and 1.
pub(super) struct ConsumerGroupHeartbeat;

impl Api for ConsumerGroupHeartbeat {
    type Request = Request;
    type Response = Response;
    const VERSIONS: Versions = Versions::new(0, 1);

    async fn begin(context: Context, request: Request) -> Outcome<Response> {
        let decided = authorize(&context, &request)
            .and_then(|()| check(&context, &request))
            .and_then(|()| begin(&context, &request));
        match decided {
            Ok(answer) => Outcome::later(async move {
                answer.await.map_or_else(|error| refused(&error.into()), |answer| response(&answer))
            }),
            Err(refusal) => Outcome::Ready(refused(&refusal)),
        }
    }
}

/// The group may be read; topics that are named may be described.
fn authorize(context: &Context, request: &Request) -> Result<(), Refusal> {
    context.authorize(Operation::Read, ResourceType::Group, &request.group_id)?;
    let mut names = request.subscribed_topic_names.iter().flatten();
    names.try_for_each(|name| context.authorize(Operation::Describe, ResourceType::Topic, name))
}

/// Checks what holds for every group.
fn check(context: &Context, request: &Request) -> Result<(), Refusal> {
    let Request { member_epoch: epoch, .. } = request;
    let names_itself = context.version() >= 1 || *epoch > JOINS || *epoch == LEAVES;
    let is_empty = |text: &Option<StrBytes>| text.as_ref().is_some_and(|text| text.is_empty());
    let wrong = if names_itself && request.member_id.is_empty() {
        Some("MemberId can't be empty.")
    } else if request.group_id.is_empty() {
        Some("GroupId can't be empty.")
    } else if is_empty(&request.instance_id) {
        Some("InstanceId can't be empty.")
    } else if is_empty(&request.rack_id) {
        Some("RackId can't be empty.")
    } else if *epoch == JOINS {
        missing_at_join(request)
    } else if *epoch == LEAVES_FOR_A_WHILE && request.instance_id.is_none() {
        Some("InstanceId can't be null.")
    } else if *epoch < LEAVES_FOR_A_WHILE {
        Some("MemberEpoch is invalid.")
    } else {
        None
    };
    match wrong {
        Some(wrong) => Err(Refusal::new(ResponseError::InvalidRequest, wrong)),
        None => Ok(()),
    }
}

fn missing_at_join(request: &Request) -> Option<&'static str> {
    if request.rebalance_timeout_ms == -1 {
        Some("RebalanceTimeoutMs must be provided in first request.")
    } else if request.topic_partitions.as_ref().is_none_or(|held| !held.is_empty()) {
        Some("TopicPartitions must be empty when (re-)joining.")
    } else if request.subscribed_topic_names.is_none() && request.subscribed_topic_regex.is_none() {
        Some(
            "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.",
        )
    } else {
        None
    }
}

type Answer = BoxFuture<'static, Result<ConsumerAnswer, GroupError>>;

fn begin(context: &Context, request: &Request) -> Result<Answer, Refusal> {
    let broker = context.broker();
    let assignor = match &request.server_assignor {
        Some(name) => Some(Assignor::from_name(name).ok_or(GroupError::UnsupportedAssignor)?),
        None => None,
    };
    let slot = broker.slot(SlotKind::Groups, &request.group_id)?;
    let groups = broker.coordinator.groups();
    if let Ok(epoch) = u32::try_from(request.member_epoch) {
        let beat = heartbeat(context, request, epoch, assignor);
        return Ok(groups.consumer_heartbeat(slot, &request.group_id, beat)?.boxed());
    }
    let leave = ConsumerLeave {
        member: shared(&request.member_id),
        instance: request.instance_id.as_ref().map(shared),
        for_a_while: request.member_epoch == LEAVES_FOR_A_WHILE,
    };
    Ok(groups.consumer_leave(slot, &request.group_id, &leave)?.boxed())
}

fn heartbeat(
    context: &Context,
    request: &Request,
    epoch: u32,
    assignor: Option<Assignor>,
) -> ConsumerHeartbeat {
    let milliseconds = u64::try_from(request.rebalance_timeout_ms).ok();
    let names = request.subscribed_topic_names.as_ref();
    ConsumerHeartbeat {
        member: shared(&request.member_id),
        instance: request.instance_id.as_ref().map(shared),
        epoch,
        client_id: context.client_id.as_ref().map(shared).unwrap_or_default(),
        client_host: format!("/{}", context.connection.peer.ip()).into(),
        rack: request.rack_id.as_ref().map(shared),
        rebalance_timeout: milliseconds.map(Duration::from_millis),
        names: names.map(|names| names.iter().map(|name| shared(name)).collect()),
        regex: request.subscribed_topic_regex.as_ref().map(shared),
        assignor,
        owned: request.topic_partitions.as_deref().map(held),
    }
}

fn held(wire: &[consumer_group_heartbeat_request::TopicPartitions]) -> Partitions {
    let topics = wire.iter().flat_map(|topic| {
        let id = TopicId::from(topic.topic_id);
        topic.partitions.iter().filter_map(move |index| Some((id, u32::try_from(*index).ok()?)))
    });
    topics.collect()
}

fn response(answer: &ConsumerAnswer) -> Response {
    let interval = i32::try_from(answer.interval.as_millis()).unwrap_or(i32::MAX);
    Response::default()
        .with_member_id(Some(wire(&answer.member)))
        .with_member_epoch(answer.epoch)
        .with_heartbeat_interval_ms(interval)
        .with_assignment(answer.assignment.as_ref().map(assignment))
}

fn assignment(partitions: &Partitions) -> Assignment {
    let topics = partitions.topics().map(|(topic, partitions)| {
        TopicPartitions::default()
            .with_topic_id(topic.as_uuid())
            .with_partitions(partitions.iter().map(|it| it.cast_signed()).collect())
    });
    Assignment::default().with_topic_partitions(topics.collect())
}

fn refused(refusal: &Refusal) -> Response {
    Response::default().with_error_code(refusal.code()).with_error_message(refusal.wire_message())
}
