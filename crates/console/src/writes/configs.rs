//! Configs of a topic: set, and taken back so that the default is in force again.

use super::{Write, accepted, text_of};
use crate::{Served, refused::Refused};
use kafka_protocol::messages::{
    IncrementalAlterConfigsRequest,
    incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig},
};
use serde::Deserialize;
use std::collections::BTreeMap;

const ALTER_VERSION: i16 = 1;
const TOPIC: i8 = 2;
const SET: i8 = 0;
const DELETE: i8 = 1;

/// Changes them all, or none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeConfigs {
    topic: String,
    /// New values by key; nothing takes back what was set.
    configs: BTreeMap<String, Option<String>>,
}

impl Write for ChangeConfigs {
    const NAME: &'static str = "change-configs";

    fn subject(&self) -> String {
        format!("topic {}: {:?}", self.topic, self.configs)
    }

    async fn run(self, served: &Served) -> Result<(), Refused> {
        let change = |(name, value): (&String, &Option<String>)| {
            AlterableConfig::default()
                .with_name(text_of(name))
                .with_config_operation(if value.is_some() { SET } else { DELETE })
                .with_value(value.as_deref().map(text_of))
        };
        let resource = AlterConfigsResource::default()
            .with_resource_type(TOPIC)
            .with_resource_name(text_of(&self.topic))
            .with_configs(self.configs.iter().map(change).collect());
        let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
        let answer = served.brokers.write(None, &request, ALTER_VERSION).await?;
        answer
            .responses
            .iter()
            .try_for_each(|it| accepted(it.error_code, it.error_message.as_ref(), "the topic"))
    }
}
