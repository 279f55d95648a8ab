//! `IncrementalAlterConfigs` (API key 44): sets, deletes, appends to and takes from single keys, all or none for a resource.
//!
//! Source: KIP-339.

use super::{Api, Outcome, Versions, config_resource, repetitions::repeated};
use crate::{context::Context, error::Refusal};
use cluster::ConfigChange;
use kafka_protocol::{
    ResponseError,
    messages::{
        IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
        incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig},
        incremental_alter_configs_response::AlterConfigsResourceResponse,
    },
};
use security::acl::Operation;
use std::collections::BTreeSet;

/// Handles versions 0 to 1.
pub(super) struct IncrementalAlterConfigs;

impl Api for IncrementalAlterConfigs {
    type Request = IncrementalAlterConfigsRequest;
    type Response = IncrementalAlterConfigsResponse;
    const VERSIONS: Versions = Versions::new(0, 1);

    async fn begin(
        context: Context,
        request: IncrementalAlterConfigsRequest,
    ) -> Outcome<IncrementalAlterConfigsResponse> {
        let id = |it: &AlterConfigsResource| (it.resource_type, it.resource_name.clone());
        let repeated = repeated(request.resources.iter().map(id));
        let mut responses = Vec::with_capacity(request.resources.len());
        for resource in request.resources {
            let changed = if repeated.contains(&id(&resource)) {
                Err(Refusal::new(ResponseError::InvalidRequest, "the resource is named twice"))
            } else {
                change(&context, &resource, request.validate_only).await
            };
            let response = AlterConfigsResourceResponse::default()
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name);
            responses.push(match changed {
                Ok(()) => response.with_error_message(None),
                Err(refusal) => response
                    .with_error_code(refusal.code())
                    .with_error_message(refusal.wire_message()),
            });
        }
        Outcome::Ready(IncrementalAlterConfigsResponse::default().with_responses(responses))
    }
}

async fn change(
    context: &Context,
    resource: &AlterConfigsResource,
    validate_only: bool,
) -> Result<(), Refusal> {
    let target = config_resource::parse(resource.resource_type, &resource.resource_name)?;
    config_resource::authorize(context, Operation::AlterConfigs, &target)?;
    let mut seen = BTreeSet::new();
    let mut changes = Vec::with_capacity(resource.configs.len());
    for config in &resource.configs {
        if !seen.insert(config.name.as_str()) {
            let reason = format!("{} is changed twice", config.name);
            return Err(Refusal::new(ResponseError::InvalidRequest, reason));
        }
        changes.push(parse(config)?);
    }
    Ok(context.broker().cluster.change_configs(&target, &changes, validate_only).await?)
}

fn parse(config: &AlterableConfig) -> Result<ConfigChange, Refusal> {
    let name = config.name.to_string();
    let value = || match &config.value {
        Some(value) => Ok(value.to_string()),
        None => Err(Refusal::new(
            ResponseError::InvalidRequest,
            format!("the value of {} is null", config.name),
        )),
    };
    match config.config_operation {
        0 => Ok(ConfigChange::Set(name, value()?)),
        1 => Ok(ConfigChange::Delete(name)),
        2 => Ok(ConfigChange::Append(name, value()?)),
        3 => Ok(ConfigChange::Subtract(name, value()?)),
        other => Err(Refusal::new(
            ResponseError::InvalidRequest,
            format!("config operation {other} is unknown"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_deletion_needs_no_value() {
        let config = |operation| {
            AlterableConfig::default()
                .with_name("retention.ms".into())
                .with_config_operation(operation)
                .with_value(None)
        };
        assert_eq!(parse(&config(1)), Ok(ConfigChange::Delete("retention.ms".into())));
        assert!(parse(&config(0)).is_err());
        assert!(parse(&config(9)).is_err());
    }
}
