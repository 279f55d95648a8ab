//! `ConsumerGroupDescribe` (API key 69): groups under the consumer protocol in full.
//!
//! Source: KIP-848; version 1 tells of each member which protocol it follows (KIP-1099).

use super::{Api, Outcome, Versions, describe_groups::state_name, group_text::wire};
use crate::{context::Context, error::Refusal};
use cluster::Image;
use coordinator::{
    GroupError, SlotKind,
    group::consumer::{ConsumerGroupDescription, ConsumerMemberDescription, Partitions},
};
use kafka_protocol::{
    ResponseError,
    messages::{
        ConsumerGroupDescribeRequest as Request, ConsumerGroupDescribeResponse as Response,
        GroupId,
        consumer_group_describe_response::{Assignment, DescribedGroup, Member, TopicPartitions},
    },
};
use security::acl::{Operation, ResourceType};
use std::collections::HashSet;

/// What `member_type` says of a member of the classic protocol, and of one of the consumer protocol.
const CLASSIC: i8 = 0;
const CONSUMER: i8 = 1;

/// Handles versions 0 and 1.
pub(super) struct ConsumerGroupDescribe;

impl Api for ConsumerGroupDescribe {
    type Request = Request;
    type Response = Response;
    const VERSIONS: Versions = Versions::new(0, 1);

    async fn begin(context: Context, request: Request) -> Outcome<Response> {
        let image = context.broker().cluster.image();
        let with_operations = request.include_authorized_operations;
        let mut seen = HashSet::new();
        let groups = request.group_ids.into_iter().filter(|group| seen.insert(group.clone()));
        let groups = groups.map(|group| {
            let described = describe(&context, &image, group);
            if with_operations && described.error_code == 0 {
                let id = described.group_id.clone();
                let allowed = context.authorized_operations(ResourceType::Group, &id);
                described.with_authorized_operations(allowed)
            } else {
                described
            }
        });
        Outcome::Ready(Response::default().with_groups(groups.collect()))
    }
}

fn describe(context: &Context, image: &Image, id: GroupId) -> DescribedGroup {
    let broker = context.broker();
    if let Err(refusal) = context.authorize(Operation::Describe, ResourceType::Group, &id) {
        return refused(DescribedGroup::default().with_group_id(id), &refusal);
    }
    let described = if id.is_empty() {
        Err(GroupError::InvalidGroupId)
    } else {
        broker
            .slot(SlotKind::Groups, &id)
            .and_then(|slot| broker.coordinator.groups().describe_consumers(slot, &id))
    };
    let answer = DescribedGroup::default().with_group_id(id);
    match described {
        Ok(group) if !may_see_topics(context, &group, image) => {
            let reason = "the group reads topics that the client may not describe";
            refused(answer, &Refusal::new(ResponseError::TopicAuthorizationFailed, reason))
        }
        Ok(group) => found(answer, &group, context.version(), image),
        Err(error) => refused(answer, &error.into()),
    }
}

fn refused(answer: DescribedGroup, refusal: &Refusal) -> DescribedGroup {
    answer.with_error_code(refusal.code()).with_error_message(refusal.wire_message())
}

/// Whether the client may describe every topic that a description would name.
fn may_see_topics(context: &Context, group: &ConsumerGroupDescription, image: &Image) -> bool {
    let may = |name: &str| context.may(Operation::Describe, ResourceType::Topic, name);
    group.members.iter().all(|member| {
        let held = [&member.assigned, &member.target].into_iter().flat_map(Partitions::topics);
        let held = held.filter_map(|(topic, _)| Some(image.topic_by_id(topic)?.name.to_string()));
        let names = member.subscription.names.iter().map(ToString::to_string);
        held.chain(names).all(|name| may(&name))
    })
}

fn found(
    answer: DescribedGroup,
    group: &ConsumerGroupDescription,
    version: i16,
    image: &Image,
) -> DescribedGroup {
    let members = group.members.iter().map(|member| self::member(member, version, image));
    answer
        .with_group_state(wire(state_name(group.listing.state)))
        .with_group_epoch(group.epoch.cast_signed())
        .with_assignment_epoch(group.assignment_epoch.cast_signed())
        .with_assignor_name(wire(group.assignor))
        .with_members(members.collect())
}

fn member(member: &ConsumerMemberDescription, version: i16, image: &Image) -> Member {
    let names = member.subscription.names.iter().map(|name| wire(name).into());
    let regex = member.subscription.regex.as_deref().unwrap_or_default();
    let described = Member::default()
        .with_member_id(wire(&member.id))
        .with_instance_id(member.instance.as_deref().map(wire))
        .with_rack_id(member.rack.as_deref().map(wire))
        .with_member_epoch(member.epoch)
        .with_client_id(wire(&member.client_id))
        .with_client_host(wire(&member.client_host))
        .with_subscribed_topic_names(names.collect())
        .with_subscribed_topic_regex(Some(wire(regex)))
        .with_assignment(assignment(&member.assigned, image))
        .with_target_assignment(assignment(&member.target, image));
    if version >= 1 {
        described.with_member_type(if member.is_classic { CLASSIC } else { CONSUMER })
    } else {
        described
    }
}

/// Topics that were deleted have no name any more, and are left out.
fn assignment(partitions: &Partitions, image: &Image) -> Assignment {
    let topics = partitions.topics().filter_map(|(topic, partitions)| {
        let name = &image.topic_by_id(topic)?.name;
        let topic = TopicPartitions::default()
            .with_topic_id(topic.as_uuid())
            .with_topic_name(wire(name.as_str()).into());
        Some(topic.with_partitions(partitions.iter().map(|it| it.cast_signed()).collect()))
    });
    Assignment::default().with_topic_partitions(topics.collect())
}
