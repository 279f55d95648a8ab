//! `AlterConfigs` (API key 33): replaces all overrides of a topic or a broker.
//!
//! Source: KIP-133; KIP-339 made the incremental way that new clients take.

use super::{Api, Outcome, Versions, config_resource, repetitions::repeated};
use crate::{context::Context, error::Refusal};
use kafka_protocol::{
    ResponseError,
    messages::{
        AlterConfigsRequest, AlterConfigsResponse, alter_configs_request::AlterConfigsResource,
        alter_configs_response::AlterConfigsResourceResponse,
    },
};
use security::acl::Operation;
use std::collections::BTreeMap;

/// Handles versions 0 to 2.
pub(super) struct AlterConfigs;

impl Api for AlterConfigs {
    type Request = AlterConfigsRequest;
    type Response = AlterConfigsResponse;
    const VERSIONS: Versions = Versions::new(0, 2);

    async fn begin(
        context: Context,
        request: AlterConfigsRequest,
    ) -> Outcome<AlterConfigsResponse> {
        let id = |it: &AlterConfigsResource| (it.resource_type, it.resource_name.clone());
        let repeated = repeated(request.resources.iter().map(id));
        let mut responses = Vec::with_capacity(request.resources.len());
        for resource in request.resources {
            let replaced = if repeated.contains(&id(&resource)) {
                Err(Refusal::new(ResponseError::InvalidRequest, "the resource is named twice"))
            } else {
                replace(&context, &resource, request.validate_only).await
            };
            let response = AlterConfigsResourceResponse::default()
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name);
            responses.push(match replaced {
                Ok(()) => response.with_error_message(None),
                Err(refusal) => response
                    .with_error_code(refusal.code())
                    .with_error_message(refusal.wire_message()),
            });
        }
        Outcome::Ready(AlterConfigsResponse::default().with_responses(responses))
    }
}

async fn replace(
    context: &Context,
    resource: &AlterConfigsResource,
    validate_only: bool,
) -> Result<(), Refusal> {
    let target = config_resource::parse(resource.resource_type, &resource.resource_name)?;
    config_resource::authorize(context, Operation::AlterConfigs, &target)?;
    let mut configs = BTreeMap::new();
    for config in &resource.configs {
        let Some(value) = &config.value else {
            let reason = format!("the value of {} is null", config.name);
            return Err(Refusal::new(ResponseError::InvalidConfig, reason));
        };
        if configs.insert(config.name.to_string(), value.to_string()).is_some() {
            let reason = format!("{} is given twice", config.name);
            return Err(Refusal::new(ResponseError::InvalidRequest, reason));
        }
    }
    Ok(context.broker().cluster.replace_configs(&target, configs, validate_only).await?)
}
