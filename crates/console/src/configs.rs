//! Configs of a topic or of a broker, each with where its value comes from.

use crate::{
    brokers::Brokers,
    refused::{Refused, check},
};
use kafka_protocol::{
    messages::{
        DescribeConfigsRequest, describe_configs_request::DescribeConfigsResource,
        describe_configs_response::DescribeConfigsResourceResult,
    },
    protocol::StrBytes,
};
use serde::{Deserialize, Serialize};

const DESCRIBE_CONFIGS_VERSION: i16 = 4;
const TOPIC: i8 = 2;
const BROKER: i8 = 4;

/// Of what: a topic, else a broker.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ConfigsQuestion {
    topic: Option<String>,
    broker: Option<u32>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Configs {
    configs: Vec<Config>,
}

#[derive(Debug, Serialize)]
struct Config {
    name: String,
    /// Nothing for what is unset, and for secrets.
    value: Option<String>,
    source: &'static str,
    sensitive: bool,
    read_only: bool,
    documentation: Option<String>,
}

/// # Errors
/// The broker's reason.
pub(crate) async fn describe(
    brokers: &Brokers,
    question: &ConfigsQuestion,
) -> Result<Configs, Refused> {
    let (kind, name, broker) = match (&question.topic, question.broker) {
        (Some(topic), None) => (TOPIC, topic.clone(), brokers.cluster.picture().this_broker),
        (None, Some(broker)) => (BROKER, broker.to_string(), broker),
        _ => return Err(Refused::bad_request("configs of what: ?topic=… or ?broker=…")),
    };
    let resource = DescribeConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(StrBytes::from_string(name.clone()))
        .with_configuration_keys(None);
    let request = DescribeConfigsRequest::default()
        .with_resources(vec![resource])
        .with_include_documentation(true);
    let answer = brokers.call(broker, &request, DESCRIBE_CONFIGS_VERSION).await?;
    let mut configs = Vec::new();
    for result in answer.results {
        let code = result.error_code;
        check(code, result.error_message, &format!("configs of {name}"))?;
        configs.extend(result.configs.into_iter().map(config));
    }
    configs.sort_by(|one: &Config, other| one.name.cmp(&other.name));
    Ok(Configs { configs })
}

fn config(found: DescribeConfigsResourceResult) -> Config {
    Config {
        name: found.name.to_string(),
        value: found.value.filter(|_| !found.is_sensitive).map(|value| value.to_string()),
        source: source(found.config_source),
        sensitive: found.is_sensitive,
        read_only: found.read_only,
        documentation: found.documentation.map(|text| text.to_string()),
    }
}

fn source(number: i8) -> &'static str {
    match number {
        1 => "topic",
        2 => "this broker, dynamic",
        3 => "all brokers, dynamic",
        4 => "settings file or flag",
        5 => "default",
        _ => "unknown",
    }
}
