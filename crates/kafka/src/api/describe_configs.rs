//! `DescribeConfigs` (API key 32): every key of a topic or a broker, with its value, source and synonyms.
//!
//! Sources: KIP-133, KIP-226 (synonyms), KIP-569 (documentation, types).

use super::{
    Api, Outcome, Versions, config_resource,
    config_view::{self, Shown, wire_source},
    repetitions::without_repetitions,
};
use crate::{
    broker::{TopicRef, find_topic},
    context::Context,
    error::Refusal,
};
use cluster::{ConfigResource, Image};
use kafka_protocol::{
    ResponseError,
    messages::{
        DescribeConfigsRequest, DescribeConfigsResponse,
        describe_configs_request::DescribeConfigsResource,
        describe_configs_response::{
            DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
        },
    },
    protocol::StrBytes,
};
use model::config::{ConfigSource, ConfigType, Dynamic, Scope};
use security::acl::Operation;

/// Handles versions 1 to 4.
pub(super) struct DescribeConfigs;

impl Api for DescribeConfigs {
    type Request = DescribeConfigsRequest;
    type Response = DescribeConfigsResponse;
    const VERSIONS: Versions = Versions::new(1, 4);

    async fn begin(
        context: Context,
        request: DescribeConfigsRequest,
    ) -> Outcome<DescribeConfigsResponse> {
        let image = context.broker().cluster.image();
        let form = Form {
            synonyms: request.include_synonyms,
            documentation: request.include_documentation,
            types: context.version() >= 3,
        };
        let of = |it: &DescribeConfigsResource| (it.resource_type, it.resource_name.clone());
        let resources = without_repetitions(request.resources, of).into_iter();
        let results = resources.map(|resource| describe(&context, &image, form, resource));
        Outcome::Ready(DescribeConfigsResponse::default().with_results(results.collect()))
    }
}

/// What the answer should hold beside the values.
#[derive(Clone, Copy)]
struct Form {
    synonyms: bool,
    documentation: bool,
    types: bool,
}

fn describe(
    context: &Context,
    image: &Image,
    form: Form,
    resource: DescribeConfigsResource,
) -> DescribeConfigsResult {
    let result = DescribeConfigsResult::default().with_resource_type(resource.resource_type);
    let shown = configs_of(context, image, resource.resource_type, &resource.resource_name);
    let result = result.with_resource_name(resource.resource_name);
    let shown = match shown {
        Ok(shown) => shown,
        Err(refusal) => {
            return result
                .with_error_code(refusal.code())
                .with_error_message(refusal.wire_message());
        }
    };
    // Null asks for every key, and so does an empty list.
    let keys = resource.configuration_keys.filter(|keys| !keys.is_empty());
    let asked = |shown: &Shown| {
        keys.as_ref().is_none_or(|keys| keys.iter().any(|key| key.as_str() == shown.key.name))
    };
    let configs = shown.into_iter().filter(asked).map(|shown| wire(form, shown));
    result.with_error_message(None).with_configs(configs.collect())
}

fn configs_of(
    context: &Context,
    image: &Image,
    resource_type: i8,
    name: &str,
) -> Result<Vec<Shown>, Refusal> {
    let broker = context.broker();
    let resource = config_resource::parse(resource_type, name)?;
    config_resource::authorize(context, Operation::DescribeConfigs, &resource)?;
    match resource {
        ConfigResource::Topic(name) => {
            model::TopicName::new(&name).map_err(|_| ResponseError::InvalidTopicException)?;
            let topic = find_topic(image, TopicRef::Name(&name))?;
            Ok(config_view::of_topic(broker, image, topic))
        }
        ConfigResource::Broker(id) => {
            if id
                .is_some_and(|id| !image.brokers.contains_key(&id) && id != broker.cluster.broker())
            {
                let reason = format!("there is no broker {name}");
                return Err(Refusal::new(ResponseError::InvalidRequest, reason));
            }
            Ok(config_view::of_broker(broker, image, id))
        }
    }
}

fn wire(form: Form, shown: Shown) -> DescribeConfigsResourceResult {
    let key = shown.key;
    let read_only = key.scope == Scope::Broker && key.dynamic == Dynamic::ReadOnly;
    let text = |value: Option<String>| value.map(StrBytes::from_string);
    let config = DescribeConfigsResourceResult::default()
        .with_name(StrBytes::from_static_str(key.name))
        .with_value(text(shown.value))
        .with_read_only(read_only)
        .with_config_source(wire_source(shown.source))
        .with_is_sensitive(key.sensitive)
        .with_documentation(None);
    let config = if form.types { config.with_config_type(wire_type(key.kind)) } else { config };
    let config = if form.documentation && form.types {
        config.with_documentation(Some(StrBytes::from_static_str(key.documentation)))
    } else {
        config
    };
    if !form.synonyms {
        return config;
    }
    let given = |synonym: &config_view::Synonym| {
        synonym.source != ConfigSource::Default || synonym.value.is_some()
    };
    let synonyms = shown.synonyms.into_iter().filter(given).map(|synonym| {
        DescribeConfigsSynonym::default()
            .with_name(StrBytes::from_static_str(synonym.name))
            .with_value(text(synonym.value))
            .with_source(wire_source(synonym.source))
    });
    config.with_synonyms(synonyms.collect())
}

/// A type as `DescribeConfigs` numbers them.
fn wire_type(kind: ConfigType) -> i8 {
    match kind {
        ConfigType::Boolean => 1,
        ConfigType::String => 2,
        ConfigType::Int => 3,
        ConfigType::Long => 5,
        ConfigType::Double => 6,
        ConfigType::List => 7,
        ConfigType::Class => 8,
        ConfigType::Password => 9,
    }
}
