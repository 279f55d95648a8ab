//! `DeleteAcls` (API key 31): removes the access rules that filters take, and answers which. Sources: KIP-140, KIP-290.

use super::{Api, Outcome, Versions, acl_wire, group_text::wire};
use crate::{context::Context, error::Refusal};
use kafka_protocol::messages::{
    DeleteAclsRequest, DeleteAclsResponse,
    delete_acls_response::{DeleteAclsFilterResult, DeleteAclsMatchingAcl},
};
use security::acl::{Binding, Filter, Operation};

/// Handles versions 1 to 3.
pub(super) struct DeleteAcls;

impl Api for DeleteAcls {
    type Request = DeleteAclsRequest;
    type Response = DeleteAclsResponse;
    const VERSIONS: Versions = Versions::new(1, 3);

    async fn begin(context: Context, request: DeleteAclsRequest) -> Outcome<DeleteAclsResponse> {
        if let Err(refusal) = acl_wire::authorize(&context, Operation::Alter) {
            let results = request.filters.iter().map(|_| result(Err(refusal.clone())));
            let response = DeleteAclsResponse::default();
            return Outcome::Ready(response.with_filter_results(results.collect()));
        }
        let read: Vec<_> = request.filters.iter().map(acl_wire::filter).collect();
        Outcome::later(async move {
            let valid: Vec<Filter> = read.iter().filter_map(|read| read.clone().ok()).collect();
            let removed = context.broker().cluster.delete_acls(&valid).await;
            let mut removed = removed.map(Vec::into_iter).map_err(Refusal::from);
            let results = read.into_iter().map(|read| {
                result(read.and_then(|_| match &mut removed {
                    Ok(removed) => Ok(removed.next().unwrap_or_default()),
                    Err(refusal) => Err(refusal.clone()),
                }))
            });
            DeleteAclsResponse::default().with_filter_results(results.collect())
        })
    }
}

fn result(removed: Result<Vec<Binding>, Refusal>) -> DeleteAclsFilterResult {
    let result = DeleteAclsFilterResult::default().with_error_message(None);
    match removed {
        Ok(removed) => result.with_matching_acls(removed.iter().map(matching).collect()),
        Err(refusal) => {
            result.with_error_code(refusal.code()).with_error_message(refusal.wire_message())
        }
    }
}

fn matching(binding: &Binding) -> DeleteAclsMatchingAcl {
    DeleteAclsMatchingAcl::default()
        .with_error_message(None)
        .with_resource_type(binding.resource.to_wire())
        .with_resource_name(wire(binding.pattern.name()))
        .with_pattern_type(binding.pattern.to_wire())
        .with_principal(wire(&binding.principal))
        .with_host(wire(&binding.host))
        .with_operation(binding.operation.to_wire())
        .with_permission_type(binding.permission.to_wire())
}
