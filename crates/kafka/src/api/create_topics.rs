//! `CreateTopics` (API key 19).
//!
//! Any broker executes it. The replication factor is stored and returned, whatever it is: object storage replicates. Sources: KIP-4,
//! KIP-464 (defaults as −1), KIP-525 (configs in the answer).

use super::{Api, Outcome, Versions, assignment, config_view, repetitions::repeated};
use crate::{context::Context, error::Refusal};
use cluster::{Image, NewTopic, TopicInfo};
use coordinator::SlotKind;
use kafka_protocol::{
    ResponseError,
    messages::{
        CreateTopicsRequest, CreateTopicsResponse,
        create_topics_request::CreatableTopic,
        create_topics_response::{CreatableTopicConfigs, CreatableTopicResult},
    },
    protocol::StrBytes,
};
use model::BrokerId;
use security::acl::{Operation, ResourceType};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Handles versions 2 to 7.
pub(super) struct CreateTopics;

impl Api for CreateTopics {
    type Request = CreateTopicsRequest;
    type Response = CreateTopicsResponse;
    const VERSIONS: Versions = Versions::new(2, 7);

    async fn begin(
        context: Context,
        request: CreateTopicsRequest,
    ) -> Outcome<CreateTopicsResponse> {
        let patience = Duration::from_millis(request.timeout_ms.max(0) as u64);
        let repeated = repeated(request.topics.iter().map(|topic| topic.name.as_str()));
        let mut results = Vec::with_capacity(request.topics.len());
        let creates_all = context.may_to_cluster_quietly(Operation::Create);
        for topic in &request.topics {
            let may = || context.authorize(Operation::Create, ResourceType::Topic, &topic.name);
            let authorized = if creates_all { Ok(()) } else { may() };
            let created = if let Err(refusal) = authorized {
                Err(refusal)
            } else if repeated.contains(topic.name.as_str()) {
                Err(Refusal::new(ResponseError::InvalidRequest, "the topic is named twice"))
            } else {
                create(&context, topic, request.validate_only, patience).await
            };
            results.push(result(&context, topic, created));
        }
        Outcome::Ready(CreateTopicsResponse::default().with_topics(results))
    }
}

async fn create(
    context: &Context,
    topic: &CreatableTopic,
    validate_only: bool,
    patience: Duration,
) -> Result<Arc<TopicInfo>, Refusal> {
    let mut new = new_topic(topic)?;
    new.leaders = leaders(&context.broker().cluster.image(), topic)?;
    Ok(context.broker().cluster.create_topic(new, validate_only, patience).await?)
}

/// Reads the request's −1 as "the broker's default".
fn new_topic(topic: &CreatableTopic) -> Result<NewTopic, Refusal> {
    let mut partitions = match topic.num_partitions {
        -1 => None,
        count => Some(u32::try_from(count).map_err(|_| ResponseError::InvalidPartitions)?),
    };
    let mut replication_factor = match topic.replication_factor {
        -1 => None,
        factor => Some(u16::try_from(factor).map_err(|_| ResponseError::InvalidReplicationFactor)?),
    };
    if let Some(first) = topic.assignments.first() {
        if partitions.is_some() || replication_factor.is_some() {
            let reason = "an assignment leaves no choice of partitions and replication factor";
            return Err(Refusal::new(ResponseError::InvalidRequest, reason));
        }
        partitions = u32::try_from(topic.assignments.len()).ok();
        replication_factor = u16::try_from(first.broker_ids.len()).ok();
    }
    Ok(NewTopic {
        name: topic.name.to_string(),
        partitions,
        replication_factor,
        configs: overrides(topic)?,
        internal: SlotKind::of_topic(topic.name.as_str()).is_some(),
        leaders: Vec::new(),
    })
}

/// Who is to lead, by the request's assignment. Partitions must be named from 0 on, each once, and as many brokers for each.
fn leaders(image: &Image, topic: &CreatableTopic) -> Result<Vec<BrokerId>, Refusal> {
    let mut assignments: Vec<_> = topic.assignments.iter().collect();
    assignments.sort_unstable_by_key(|assignment| assignment.partition_index);
    let named = assignments.iter().map(|assignment| assignment.partition_index);
    if !named.eq(0..assignments.len() as i32) {
        return Err(assignment::refused("partitions must be named from 0 on, each once"));
    }
    let lists = || assignments.iter().map(|assignment| assignment.broker_ids.as_slice());
    assignment::check(image, lists())?;
    Ok(assignment::leaders(lists()))
}

fn overrides(topic: &CreatableTopic) -> Result<BTreeMap<String, String>, Refusal> {
    let mut configs = BTreeMap::new();
    for config in &topic.configs {
        let Some(value) = &config.value else {
            let reason = format!("the value of {} is null", config.name);
            return Err(Refusal::new(ResponseError::InvalidConfig, reason));
        };
        configs.insert(config.name.to_string(), value.to_string());
    }
    Ok(configs)
}

fn result(
    context: &Context,
    topic: &CreatableTopic,
    created: Result<Arc<TopicInfo>, Refusal>,
) -> CreatableTopicResult {
    let version = context.version();
    let result = CreatableTopicResult::default().with_name(topic.name.clone());
    let created = match created {
        Ok(created) => created,
        Err(refusal) => {
            return result
                .with_error_code(refusal.code())
                .with_error_message(refusal.wire_message());
        }
    };
    let result = result.with_error_message(None);
    let result = if version >= 7 { result.with_topic_id(created.id.as_uuid()) } else { result };
    if version < 5 {
        return result;
    }
    let describe = Operation::DescribeConfigs;
    if !context.may_quietly(describe, ResourceType::Topic, created.name.as_str()) {
        let code = ResponseError::TopicAuthorizationFailed.code();
        return result.with_topic_config_error_code(code);
    }
    result
        .with_num_partitions(created.partitions.len() as i32)
        .with_replication_factor(created.replication_factor as i16)
        .with_configs(Some(configs(context, &created)))
}

fn configs(context: &Context, topic: &TopicInfo) -> Vec<CreatableTopicConfigs> {
    let image = context.broker().cluster.image();
    let view = config_view::of_topic(context.broker(), &image, topic);
    let shown = view.into_iter().map(|config| {
        CreatableTopicConfigs::default()
            .with_name(StrBytes::from_static_str(config.key.name))
            .with_value(config.value.map(StrBytes::from_string))
            .with_config_source(config_view::wire_source(config.source))
            .with_is_sensitive(config.key.sensitive)
    });
    shown.collect()
}
