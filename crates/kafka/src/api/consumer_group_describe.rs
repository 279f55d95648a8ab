//! `ConsumerGroupDescribe` (API key 69): groups under the consumer protocol in full.
//!
//! Source: KIP-848; version 1 tells of each member which protocol it follows (KIP-1099).

use super::{
    Api, Outcome, Versions,
    describe_groups::{GROUP_OPERATIONS, state_name},
    group_text::wire,
};
use crate::{context::Context, error::Refusal};
use cluster::Image;
use coordinator::{
    GroupError, SlotKind,
    group::consumer::{ConsumerGroupDescription, ConsumerMemberDescription, Partitions},
};
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest as Request, ConsumerGroupDescribeResponse as Response, GroupId,
    consumer_group_describe_response::{Assignment, DescribedGroup, Member, TopicPartitions},
};
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
                described.with_authorized_operations(GROUP_OPERATIONS)
            } else {
                described
            }
        });
        Outcome::Ready(Response::default().with_groups(groups.collect()))
    }
}

fn describe(context: &Context, image: &Image, id: GroupId) -> DescribedGroup {
    let broker = context.broker();
    let described = if id.is_empty() {
        Err(GroupError::InvalidGroupId)
    } else {
        broker
            .slot(SlotKind::Groups, &id)
            .and_then(|slot| broker.coordinator.groups().describe_consumers(slot, &id))
    };
    let answer = DescribedGroup::default().with_group_id(id);
    match described {
        Ok(group) => found(answer, &group, context.version(), image),
        Err(error) => {
            let refusal = Refusal::from(error);
            answer.with_error_code(refusal.code()).with_error_message(refusal.wire_message())
        }
    }
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
