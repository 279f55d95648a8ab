//! `DescribeGroups` (API key 15): groups in full.
//!
//! A group that does not exist is `Dead`, and since version 6 an error. Sources: KIP-345, KIP-430, KIP-1043.

use super::{Api, Outcome, Versions, group_text::wire};
use crate::{context::Context, error::Refusal};
use coordinator::{
    GroupError, SlotKind,
    group::{GroupDescription, GroupState, MemberDescription},
};
use kafka_protocol::messages::{
    DescribeGroupsRequest, DescribeGroupsResponse, GroupId,
    describe_groups_response::{DescribedGroup, DescribedGroupMember},
};
use security::acl::{Operation, ResourceType};
use std::collections::HashSet;

/// Handles versions 0 to 6.
pub(super) struct DescribeGroups;

impl Api for DescribeGroups {
    type Request = DescribeGroupsRequest;
    type Response = DescribeGroupsResponse;
    const VERSIONS: Versions = Versions::new(0, 6);

    async fn begin(
        context: Context,
        request: DescribeGroupsRequest,
    ) -> Outcome<DescribeGroupsResponse> {
        let with_operations = request.include_authorized_operations;
        let mut seen = HashSet::new();
        let groups = request.groups.into_iter().filter(|group| seen.insert(group.clone()));
        let groups = groups.map(|group| {
            let described = describe(&context, group);
            if with_operations && described.error_code == 0 {
                let id = described.group_id.clone();
                let allowed = context.authorized_operations(ResourceType::Group, &id);
                described.with_authorized_operations(allowed)
            } else {
                described
            }
        });
        Outcome::Ready(DescribeGroupsResponse::default().with_groups(groups.collect()))
    }
}

/// A state's name.
pub(super) fn state_name(state: GroupState) -> &'static str {
    match state {
        GroupState::Empty => "Empty",
        GroupState::PreparingRebalance => "PreparingRebalance",
        GroupState::CompletingRebalance => "CompletingRebalance",
        GroupState::Assigning => "Assigning",
        GroupState::Reconciling => "Reconciling",
        GroupState::Stable => "Stable",
    }
}

fn describe(context: &Context, id: GroupId) -> DescribedGroup {
    let broker = context.broker();
    if let Err(refusal) = context.authorize(Operation::Describe, ResourceType::Group, &id) {
        let answer = DescribedGroup::default().with_group_id(id);
        let message = refusal.wire_message().filter(|_| context.version() >= 6);
        return answer.with_error_code(refusal.code()).with_error_message(message);
    }
    let described = broker
        .slot(SlotKind::Groups, &id)
        .and_then(|slot| broker.coordinator.groups().describe(slot, &id));
    let answer = DescribedGroup::default().with_group_id(id);
    match described {
        Ok(group) => found(answer, group),
        Err(GroupError::GroupIdNotFound) if context.version() < 6 => {
            answer.with_group_state(wire("Dead"))
        }
        Err(error) => {
            let not_found = error == GroupError::GroupIdNotFound;
            let refusal = Refusal::from(error);
            let answer = answer.with_error_code(refusal.code());
            let answer = if not_found { answer.with_group_state(wire("Dead")) } else { answer };
            let message = refusal.wire_message().filter(|_| context.version() >= 6);
            answer.with_error_message(message)
        }
    }
}

fn found(answer: DescribedGroup, group: GroupDescription) -> DescribedGroup {
    answer
        .with_group_state(wire(state_name(group.listing.state)))
        .with_protocol_type(wire(&group.listing.protocol_type))
        .with_protocol_data(wire(&group.protocol_name))
        .with_members(group.members.into_iter().map(member).collect())
}

fn member(member: MemberDescription) -> DescribedGroupMember {
    DescribedGroupMember::default()
        .with_member_id(wire(&member.id))
        .with_group_instance_id(member.instance.as_deref().map(wire))
        .with_client_id(wire(&member.client_id))
        .with_client_host(wire(&member.client_host))
        .with_member_metadata(member.metadata)
        .with_member_assignment(member.assignment)
}
