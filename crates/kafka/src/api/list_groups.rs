//! `ListGroups` (API key 16): the groups that this broker coordinates. Clients ask every broker.
//!
//! Sources: KIP-518 (states), KIP-848 (types).

use super::{Api, Outcome, Versions, describe_groups::state_name, group_text::wire};
use crate::{context::Context, error::Refusal};
use coordinator::group::{GroupListing, GroupType};
use kafka_protocol::{
    messages::{ListGroupsRequest, ListGroupsResponse, list_groups_response::ListedGroup},
    protocol::StrBytes,
};
use security::acl::{Operation, ResourceType};

/// Handles versions 0 to 5.
pub(super) struct ListGroups;

impl Api for ListGroups {
    type Request = ListGroupsRequest;
    type Response = ListGroupsResponse;
    const VERSIONS: Versions = Versions::new(0, 5);

    async fn begin(context: Context, request: ListGroupsRequest) -> Outcome<ListGroupsResponse> {
        let response = ListGroupsResponse::default();
        // Who may look at the cluster sees every group, others those that they may look at.
        let sees_all = context.may_to_cluster_quietly(Operation::Describe);
        let is_seen = |group: &GroupListing| {
            sees_all || context.may_quietly(Operation::Describe, ResourceType::Group, &group.id)
        };
        Outcome::Ready(match context.broker().coordinator.groups().list() {
            Ok(groups) => {
                let groups =
                    groups.into_iter().filter(|group| is_wanted(&request, group) && is_seen(group));
                response.with_groups(groups.map(|group| listed(&group)).collect())
            }
            Err(error) => response.with_error_code(Refusal::from(error).code()),
        })
    }
}

fn type_name(group_type: GroupType) -> &'static str {
    match group_type {
        GroupType::Classic => "classic",
        GroupType::Consumer => "consumer",
    }
}

/// No filter lets everything through.
fn is_wanted(request: &ListGroupsRequest, group: &GroupListing) -> bool {
    let passes = |filter: &[StrBytes], value: &str| {
        filter.is_empty() || filter.iter().any(|wanted| wanted.eq_ignore_ascii_case(value))
    };
    passes(&request.states_filter, state_name(group.state))
        && passes(&request.types_filter, type_name(group.group_type))
}

fn listed(group: &GroupListing) -> ListedGroup {
    ListedGroup::default()
        .with_group_id(wire(&group.id).into())
        .with_protocol_type(wire(&group.protocol_type))
        .with_group_state(wire(state_name(group.state)))
        .with_group_type(wire(type_name(group.group_type)))
}
