//! Access rules as `DescribeAcls`, `CreateAcls` and `DeleteAcls` bring them.

use crate::{context::Context, error::Refusal};
use kafka_protocol::{
    ResponseError,
    messages::{create_acls_request::AclCreation, delete_acls_request::DeleteAclsFilter},
    protocol::StrBytes,
};
use security::acl::{
    Binding, CLUSTER, Filter, Operation, Pattern, PatternFilter, Permission, ResourceType,
};

/// The number of anything in a filter.
const ANY: i8 = 1;

/// Longest name, principal or host of a rule, in bytes: they stand in the metadata store's keys.
const TEXT_MAX_BYTES: usize = 4096;

/// Refuses what may not be done to access rules, and everything without an authorizer.
///
/// # Errors
/// `CLUSTER_AUTHORIZATION_FAILED`, `SECURITY_DISABLED`.
pub(super) fn authorize(context: &Context, operation: Operation) -> Result<(), Refusal> {
    context.authorize_cluster(operation)?;
    if context.has_access_rules() {
        return Ok(());
    }
    Err(Refusal::new(ResponseError::SecurityDisabled, "No Authorizer is configured on the broker"))
}

/// Reads a filter.
///
/// # Errors
/// `INVALID_REQUEST` for a number that is not known.
pub(super) fn filter(wire: &DeleteAclsFilter) -> Result<Filter, Refusal> {
    let text = |text: &Option<StrBytes>| text.as_ref().map(ToString::to_string);
    let pattern = PatternFilter::from_wire(wire.pattern_type_filter);
    Ok(Filter {
        resource: unless_any(wire.resource_type_filter, ResourceType::from_wire)?,
        name: text(&wire.resource_name_filter),
        pattern: pattern.ok_or_else(unknown_number)?,
        principal: text(&wire.principal_filter),
        host: text(&wire.host_filter),
        operation: unless_any(wire.operation, Operation::from_wire)?,
        permission: unless_any(wire.permission_type, Permission::from_wire)?,
    })
}

fn unless_any<T>(number: i8, read: impl Fn(i8) -> Option<T>) -> Result<Option<T>, Refusal> {
    match number {
        ANY => Ok(None),
        number => read(number).map(Some).ok_or_else(unknown_number),
    }
}

fn unknown_number() -> Refusal {
    invalid("the filter has a number that is not known")
}

/// Reads a rule that is to be made.
///
/// # Errors
/// `INVALID_REQUEST`.
pub(super) fn binding(wire: &AclCreation) -> Result<Binding, Refusal> {
    let resource = ResourceType::from_wire(wire.resource_type);
    let resource = resource.ok_or_else(|| invalid("Invalid resource type"))?;
    let name = wire.resource_name.to_string();
    if name.is_empty() {
        return Err(invalid("Invalid empty resource name"));
    }
    if resource == ResourceType::Cluster && name != CLUSTER {
        return Err(invalid("The only valid name for the CLUSTER resource is kafka-cluster"));
    }
    let principal = wire.principal.to_string();
    if !principal.split_once(':').is_some_and(|(kind, name)| !kind.is_empty() && !name.is_empty()) {
        return Err(invalid(
            "a principal is a type and a name with a colon between, as User:alice",
        ));
    }
    let host = wire.host.to_string();
    if [&name, &principal, &host].iter().any(|text| text.len() > TEXT_MAX_BYTES) {
        return Err(invalid("names, principals and hosts have 4096 bytes at most"));
    }
    let pattern = Pattern::from_wire(wire.resource_pattern_type, name);
    let operation = Operation::from_wire(wire.operation);
    let permission = Permission::from_wire(wire.permission_type);
    Ok(Binding {
        resource,
        pattern: pattern.ok_or_else(|| invalid("Invalid pattern type"))?,
        principal,
        host,
        operation: operation.ok_or_else(|| invalid("Invalid operation"))?,
        permission: permission.ok_or_else(|| invalid("Invalid permission type"))?,
    })
}

fn invalid(reason: &str) -> Refusal {
    Refusal::new(ResponseError::InvalidRequest, reason)
}
