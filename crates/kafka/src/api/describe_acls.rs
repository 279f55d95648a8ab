//! `DescribeAcls` (API key 29): the access rules that a filter takes. Sources: KIP-140, KIP-290.

use super::{Api, Outcome, Versions, acl_wire, group_text::wire};
use crate::{context::Context, error::Refusal};
use kafka_protocol::messages::{
    DescribeAclsRequest, DescribeAclsResponse,
    delete_acls_request::DeleteAclsFilter,
    describe_acls_response::{AclDescription, DescribeAclsResource},
};
use security::acl::{Binding, Operation, Pattern, ResourceType};
use std::collections::BTreeMap;

/// Handles versions 1 to 3.
pub(super) struct DescribeAcls;

impl Api for DescribeAcls {
    type Request = DescribeAclsRequest;
    type Response = DescribeAclsResponse;
    const VERSIONS: Versions = Versions::new(1, 3);

    async fn begin(
        context: Context,
        request: DescribeAclsRequest,
    ) -> Outcome<DescribeAclsResponse> {
        let response = DescribeAclsResponse::default().with_error_message(None);
        Outcome::Ready(match find(&context, request) {
            Ok(found) => response.with_resources(by_resource(found)),
            Err(refusal) => {
                response.with_error_code(refusal.code()).with_error_message(refusal.wire_message())
            }
        })
    }
}

fn find(context: &Context, request: DescribeAclsRequest) -> Result<Vec<Binding>, Refusal> {
    acl_wire::authorize(context, Operation::Describe)?;
    let filter = DeleteAclsFilter::default()
        .with_resource_type_filter(request.resource_type_filter)
        .with_resource_name_filter(request.resource_name_filter)
        .with_pattern_type_filter(request.pattern_type_filter)
        .with_principal_filter(request.principal_filter)
        .with_host_filter(request.host_filter)
        .with_operation(request.operation)
        .with_permission_type(request.permission_type);
    Ok(context.broker().cluster.acls(&acl_wire::filter(&filter)?))
}

fn by_resource(bindings: Vec<Binding>) -> Vec<DescribeAclsResource> {
    let mut resources: BTreeMap<(ResourceType, Pattern), Vec<AclDescription>> = BTreeMap::new();
    for binding in bindings {
        let described = AclDescription::default()
            .with_principal(wire(&binding.principal))
            .with_host(wire(&binding.host))
            .with_operation(binding.operation.to_wire())
            .with_permission_type(binding.permission.to_wire());
        resources.entry((binding.resource, binding.pattern)).or_default().push(described);
    }
    let resources = resources.into_iter().map(|((resource, pattern), acls)| {
        DescribeAclsResource::default()
            .with_resource_type(resource.to_wire())
            .with_resource_name(wire(pattern.name()))
            .with_pattern_type(pattern.to_wire())
            .with_acls(acls)
    });
    resources.collect()
}
