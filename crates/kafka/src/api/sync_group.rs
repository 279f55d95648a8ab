//! `SyncGroup` (API key 14): the leader brings the assignment, every member gets its share.
//!
//! Sources: KIP-62, KIP-345, KIP-559 (protocol type and name are checked when given).

use super::{
    Api, Outcome, Versions,
    group_text::{shared, wire},
};
use crate::{context::Context, error::Refusal};
use bytes::Bytes;
use coordinator::{
    GroupError, SlotKind,
    group::{Sync, Synced},
};
use kafka_protocol::messages::{SyncGroupRequest, SyncGroupResponse};
use security::acl::{Operation, ResourceType};

/// The first version whose clients must name protocol type and name (KIP-559).
const NAMES_PROTOCOL: i16 = 5;

/// Handles versions 0 to 5.
pub(super) struct SyncGroup;

impl Api for SyncGroup {
    type Request = SyncGroupRequest;
    type Response = SyncGroupResponse;
    const VERSIONS: Versions = Versions::new(0, 5);

    async fn begin(context: Context, request: SyncGroupRequest) -> Outcome<SyncGroupResponse> {
        if let Err(refusal) =
            context.authorize(Operation::Read, ResourceType::Group, &request.group_id)
        {
            let response = SyncGroupResponse::default();
            return Outcome::Ready(response.with_error_code(refusal.code()));
        }
        match begin(&context, &request) {
            Ok(synced) => Outcome::later(async move { response(synced.await) }),
            Err(error) => Outcome::Ready(response(Err(error))),
        }
    }
}

fn begin(
    context: &Context,
    request: &SyncGroupRequest,
) -> Result<impl Future<Output = Result<Synced, GroupError>> + Send + use<>, GroupError> {
    if request.group_id.is_empty() {
        return Err(GroupError::InvalidGroupId);
    }
    let names_protocol = request.protocol_type.is_some() && request.protocol_name.is_some();
    if context.version() >= NAMES_PROTOCOL && !names_protocol {
        return Err(GroupError::InconsistentProtocol);
    }
    let broker = context.broker();
    let slot = broker.slot(SlotKind::Groups, &request.group_id)?;
    let assignments = request
        .assignments
        .iter()
        .map(|it| (shared(&it.member_id), Bytes::copy_from_slice(&it.assignment)));
    let sync = Sync {
        member: shared(&request.member_id),
        instance: request.group_instance_id.as_ref().map(shared),
        generation: request.generation_id,
        protocol_type: request.protocol_type.as_ref().map(shared),
        protocol_name: request.protocol_name.as_ref().map(shared),
        assignments: assignments.collect(),
    };
    broker.coordinator.groups().sync(slot, &request.group_id, sync)
}

fn response(synced: Result<Synced, GroupError>) -> SyncGroupResponse {
    let response = SyncGroupResponse::default();
    match synced {
        Ok(synced) => response
            .with_protocol_type(Some(wire(&synced.protocol_type)))
            .with_protocol_name(Some(wire(&synced.protocol_name)))
            .with_assignment(synced.assignment),
        Err(error) => response.with_error_code(Refusal::from(error).code()),
    }
}
