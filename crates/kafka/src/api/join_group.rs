//! `JoinGroup` (API key 11): a member joins the next generation of its group; the answer waits for that.
//!
//! Sources: KIP-62, KIP-134, KIP-345 (static members), KIP-394 (ids first), KIP-559, KIP-800, KIP-814.

use super::{Api, Outcome, Versions, group_text::shared};
use crate::{context::Context, error::Refusal};
use bytes::Bytes;
use coordinator::{
    GroupError, NewJoin, SlotKind,
    group::{Joined, JoinedMember, MemberId, Protocol},
};
use kafka_protocol::{
    messages::{
        JoinGroupRequest, JoinGroupResponse, join_group_request::JoinGroupRequestProtocol,
        join_group_response::JoinGroupResponseMember,
    },
    protocol::StrBytes,
};
use security::acl::{Operation, ResourceType};
use std::{sync::Arc, time::Duration};

/// Handles versions 0 to 9.
pub(super) struct JoinGroup;

impl Api for JoinGroup {
    type Request = JoinGroupRequest;
    type Response = JoinGroupResponse;
    const VERSIONS: Versions = Versions::new(0, 9);

    async fn begin(context: Context, request: JoinGroupRequest) -> Outcome<JoinGroupResponse> {
        let version = context.version();
        let member: MemberId = shared(&request.member_id);
        if let Err(refusal) =
            context.authorize(Operation::Read, ResourceType::Group, &request.group_id)
        {
            return Outcome::Ready(refused(version, &member, refusal.code()));
        }
        match begin(&context, &request) {
            Ok(joined) => Outcome::later(async move { response(version, &member, joined.await) }),
            Err(error) => Outcome::Ready(response(version, &member, Err(error))),
        }
    }
}

fn begin(
    context: &Context,
    request: &JoinGroupRequest,
) -> Result<impl Future<Output = Result<Joined, GroupError>> + Send + use<>, GroupError> {
    if request.group_id.is_empty() {
        return Err(GroupError::InvalidGroupId);
    }
    let broker = context.broker();
    let slot = broker.slot(SlotKind::Groups, &request.group_id)?;
    let group = request.group_id.to_string();
    broker.coordinator.groups().join(slot, &group, new_join(context, request))
}

fn new_join(context: &Context, request: &JoinGroupRequest) -> NewJoin {
    let version = context.version();
    let milliseconds = |value: i32| Duration::from_millis(value.max(0) as u64);
    let session_timeout = milliseconds(request.session_timeout_ms);
    // Before version 1 there was one time-out for both.
    let rebalance_timeout =
        if version >= 1 { milliseconds(request.rebalance_timeout_ms) } else { session_timeout };
    NewJoin {
        member: shared(&request.member_id),
        instance: request.group_instance_id.as_ref().map(shared),
        client_id: context.client_id.as_ref().map(shared).unwrap_or_default(),
        client_host: format!("/{}", context.connection.peer.ip()).into(),
        session_timeout,
        rebalance_timeout,
        protocol_type: shared(&request.protocol_type),
        protocols: request.protocols.iter().map(protocol).collect(),
        requires_known_id: version >= 4,
        skips_assignment: version >= 9,
    }
}

/// Copied: a slice would keep the whole request in memory for as long as the member lives.
fn protocol(wire: &JoinGroupRequestProtocol) -> Protocol {
    let metadata = Bytes::copy_from_slice(&wire.metadata);
    Protocol { name: shared(&wire.name), metadata }
}

fn response(
    version: i16,
    member: &MemberId,
    joined: Result<Joined, GroupError>,
) -> JoinGroupResponse {
    match joined {
        Ok(joined) => {
            let response = JoinGroupResponse::default()
                .with_generation_id(joined.generation as i32)
                .with_protocol_name(Some(text(&joined.protocol_name)))
                .with_leader(text(&joined.leader))
                .with_member_id(text(&joined.member))
                .with_members(joined.members.into_iter().map(wire_member).collect());
            let response = if version >= 7 {
                response.with_protocol_type(Some(text(&joined.protocol_type)))
            } else {
                response
            };
            if version >= 9 {
                response.with_skip_assignment(joined.skip_assignment)
            } else {
                response
            }
        }
        Err(error) => {
            let member = match &error {
                GroupError::MemberIdRequired(id) => id,
                _ => member,
            };
            refused(version, member, Refusal::from(error.clone()).code())
        }
    }
}

fn refused(version: i16, member: &MemberId, code: i16) -> JoinGroupResponse {
    let name = if version >= 7 { None } else { Some(StrBytes::default()) };
    JoinGroupResponse::default()
        .with_error_code(code)
        .with_member_id(text(member))
        .with_protocol_name(name)
}

fn wire_member(member: JoinedMember) -> JoinGroupResponseMember {
    JoinGroupResponseMember::default()
        .with_member_id(text(&member.id))
        .with_group_instance_id(member.instance.as_ref().map(text))
        .with_metadata(member.metadata)
}

fn text(text: &Arc<str>) -> StrBytes {
    super::group_text::wire(text)
}
