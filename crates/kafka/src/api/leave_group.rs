//! `LeaveGroup` (API key 13): members leave, or are removed by an operator.
//!
//! Sources: KIP-345 (several members, by instance, since version 3), KIP-800.

use super::{Api, Outcome, Versions, group_text::shared};
use crate::{context::Context, error::Refusal};
use coordinator::{GroupError, Left, SlotKind, group::Leaver};
use kafka_protocol::messages::{
    LeaveGroupRequest, LeaveGroupResponse, leave_group_request::MemberIdentity,
    leave_group_response::MemberResponse,
};
use security::acl::{Operation, ResourceType};

/// Handles versions 0 to 5.
pub(super) struct LeaveGroup;

impl Api for LeaveGroup {
    type Request = LeaveGroupRequest;
    type Response = LeaveGroupResponse;
    const VERSIONS: Versions = Versions::new(0, 5);

    async fn begin(context: Context, request: LeaveGroupRequest) -> Outcome<LeaveGroupResponse> {
        if let Err(refusal) =
            context.authorize(Operation::Read, ResourceType::Group, &request.group_id)
        {
            let response = LeaveGroupResponse::default();
            return Outcome::Ready(response.with_error_code(refusal.code()));
        }
        let members = if context.version() >= 3 {
            request.members.clone()
        } else {
            vec![MemberIdentity::default().with_member_id(request.member_id.clone())]
        };
        let version = context.version();
        match begin(&context, &request, &members) {
            Ok(left) => Outcome::later(async move { response(version, members, left.await) }),
            Err(error) => Outcome::Ready(response(version, members, Err(error))),
        }
    }
}

fn begin(
    context: &Context,
    request: &LeaveGroupRequest,
    members: &[MemberIdentity],
) -> Result<impl Future<Output = Result<Left, GroupError>> + Send + use<>, GroupError> {
    if request.group_id.is_empty() {
        return Err(GroupError::InvalidGroupId);
    }
    let broker = context.broker();
    let slot = broker.slot(SlotKind::Groups, &request.group_id)?;
    let leavers: Vec<Leaver> = members.iter().map(leaver).collect();
    broker.coordinator.groups().leave(slot, &request.group_id, &leavers)
}

fn leaver(member: &MemberIdentity) -> Leaver {
    Leaver {
        member: shared(&member.member_id),
        instance: member.group_instance_id.as_ref().map(shared),
    }
}

fn response(
    version: i16,
    members: Vec<MemberIdentity>,
    left: Result<Left, GroupError>,
) -> LeaveGroupResponse {
    let response = LeaveGroupResponse::default();
    let left = match left {
        Ok(left) => left,
        // A group that does not exist has none of them as a member.
        Err(GroupError::UnknownMemberId) => {
            members.iter().map(|_| Err(GroupError::UnknownMemberId)).collect()
        }
        Err(error) => return response.with_error_code(Refusal::from(error).code()),
    };
    let code = |result: Result<(), GroupError>| match result {
        Ok(()) => 0,
        Err(error) => Refusal::from(error).code(),
    };
    if version < 3 {
        return response.with_error_code(left.into_iter().map(code).next().unwrap_or_default());
    }
    let members = members.into_iter().zip(left).map(|(member, result)| {
        MemberResponse::default()
            .with_member_id(member.member_id)
            .with_group_instance_id(member.group_instance_id)
            .with_error_code(code(result))
    });
    response.with_members(members.collect())
}
