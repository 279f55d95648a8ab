//! `Heartbeat` (API key 12): a group's member lives, and learns whether it must join again.
//!
//! Sources: KIP-62, KIP-345.

use super::{Api, Outcome, Versions};
use crate::{context::Context, error::Refusal};
use coordinator::{GroupError, SlotKind, group::MemberRef};
use kafka_protocol::messages::{HeartbeatRequest, HeartbeatResponse};
use security::acl::{Operation, ResourceType};

/// Handles versions 0 to 4.
pub(super) struct Heartbeat;

impl Api for Heartbeat {
    type Request = HeartbeatRequest;
    type Response = HeartbeatResponse;
    const VERSIONS: Versions = Versions::new(0, 4);

    async fn begin(context: Context, request: HeartbeatRequest) -> Outcome<HeartbeatResponse> {
        let response = HeartbeatResponse::default();
        if let Err(refusal) =
            context.authorize(Operation::Read, ResourceType::Group, &request.group_id)
        {
            return Outcome::Ready(response.with_error_code(refusal.code()));
        }
        Outcome::Ready(match heartbeat(&context, &request) {
            Ok(()) => response,
            Err(error) => response.with_error_code(Refusal::from(error).code()),
        })
    }
}

fn heartbeat(context: &Context, request: &HeartbeatRequest) -> Result<(), GroupError> {
    if request.group_id.is_empty() {
        return Err(GroupError::InvalidGroupId);
    }
    let broker = context.broker();
    let slot = broker.slot(SlotKind::Groups, &request.group_id)?;
    let from = MemberRef {
        member: &request.member_id,
        instance: request.group_instance_id.as_deref(),
        generation: request.generation_id,
    };
    broker.coordinator.groups().heartbeat(slot, &request.group_id, from)
}
