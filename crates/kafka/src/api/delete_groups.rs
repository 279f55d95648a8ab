//! `DeleteGroups` (API key 42): groups without members, with their offsets.
//!
//! Source: KIP-229.

use super::{Api, Outcome, Versions};
use crate::{context::Context, error::Refusal};
use coordinator::{GroupError, SlotKind};
use futures::future::join_all;
use kafka_protocol::messages::{
    DeleteGroupsRequest, DeleteGroupsResponse, GroupId,
    delete_groups_response::DeletableGroupResult,
};
use security::acl::{Operation, ResourceType};
use std::collections::HashSet;

/// Handles versions 0 to 2.
pub(super) struct DeleteGroups;

impl Api for DeleteGroups {
    type Request = DeleteGroupsRequest;
    type Response = DeleteGroupsResponse;
    const VERSIONS: Versions = Versions::new(0, 2);

    async fn begin(
        context: Context,
        request: DeleteGroupsRequest,
    ) -> Outcome<DeleteGroupsResponse> {
        let mut seen = HashSet::new();
        let names = request.groups_names.into_iter().filter(|name| seen.insert(name.clone()));
        let deleted = names.map(|group| {
            let deleted = begin(&context, &group);
            async move {
                match deleted {
                    Ok(deleted) => result(group, deleted.await.map_err(Refusal::from)),
                    Err(refusal) => result(group, Err(refusal)),
                }
            }
        });
        let deleted = join_all(deleted);
        Outcome::later(async move { DeleteGroupsResponse::default().with_results(deleted.await) })
    }
}

fn begin(
    context: &Context,
    group: &str,
) -> Result<impl Future<Output = Result<(), GroupError>> + Send + use<>, Refusal> {
    context.authorize(Operation::Delete, ResourceType::Group, group)?;
    let broker = context.broker();
    let slot = broker.slot(SlotKind::Groups, group)?;
    Ok(broker.coordinator.groups().delete(slot, group)?)
}

fn result(group: GroupId, deleted: Result<(), Refusal>) -> DeletableGroupResult {
    let code = deleted.map_or_else(|refusal| refusal.code(), |()| 0);
    DeletableGroupResult::default().with_group_id(group).with_error_code(code)
}
