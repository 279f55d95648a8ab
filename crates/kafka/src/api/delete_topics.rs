//! `DeleteTopics` (API key 20): by name, or since version 6 by id.
//!
//! Sources: KIP-4, KIP-516, KIP-599.

use super::{Api, Outcome, Versions, config_view};
use crate::{
    broker::{TopicRef, find_topic},
    context::Context,
    error::Refusal,
};
use cluster::{Image, TopicInfo};
use kafka_protocol::{
    ResponseError,
    messages::{
        DeleteTopicsRequest, DeleteTopicsResponse, TopicName,
        delete_topics_request::DeleteTopicState, delete_topics_response::DeletableTopicResult,
    },
};
use model::{TopicId, config};
use security::acl::{Operation, ResourceType};
use std::sync::Arc;

/// Handles versions 1 to 6.
pub(super) struct DeleteTopics;

impl Api for DeleteTopics {
    type Request = DeleteTopicsRequest;
    type Response = DeleteTopicsResponse;
    const VERSIONS: Versions = Versions::new(1, 6);

    async fn begin(
        context: Context,
        request: DeleteTopicsRequest,
    ) -> Outcome<DeleteTopicsResponse> {
        let by_name = request
            .topic_names
            .into_iter()
            .map(|name| DeleteTopicState::default().with_name(Some(name)));
        let mut results = Vec::new();
        let deletes_all = context.may_to_cluster_quietly(Operation::Delete);
        for topic in by_name.chain(request.topics) {
            results.push(delete(&context, deletes_all, topic).await);
        }
        Outcome::Ready(DeleteTopicsResponse::default().with_responses(results))
    }
}

async fn delete(
    context: &Context,
    deletes_all: bool,
    topic: DeleteTopicState,
) -> DeletableTopicResult {
    let image = context.broker().cluster.image();
    let wanted = match &topic.name {
        Some(name) => TopicRef::Name(name.as_str()),
        None => TopicRef::Id(TopicId::from(topic.topic_id)),
    };
    let found = match topic.name.is_some() == topic.topic_id.is_nil() {
        true if deletes_all => find_topic(&image, wanted),
        true => find(context, &image, wanted),
        false => Err(Refusal::new(ResponseError::InvalidRequest, "name the topic or its id")),
    };
    let (name, id, deleted) = match found {
        Err(refusal) => (topic.name, topic.topic_id, Err(refusal)),
        Ok(found)
            if !deletes_all
                && !context.may(Operation::Delete, ResourceType::Topic, found.name.as_str()) =>
        {
            let described = context
                .may_quietly(Operation::Describe, ResourceType::Topic, found.name.as_str())
                .then(|| TopicName(found.name.to_string().into()));
            let refusal = Refusal::from(ResponseError::TopicAuthorizationFailed);
            // Of a topic named by its id, the name is told only to who may look at it.
            (topic.name.or(described), topic.topic_id, Err(refusal))
        }
        Ok(found) => {
            let deleted = match check_deletable(context, &image, found) {
                Ok(()) => {
                    context.broker().cluster.delete_topic(found.id).await.map_err(Refusal::from)
                }
                Err(refusal) => Err(refusal),
            };
            let name = TopicName(found.name.to_string().into());
            (Some(name), found.id.as_uuid(), deleted)
        }
    };
    let result = DeletableTopicResult::default().with_name(name);
    let result = if context.version() >= 6 { result.with_topic_id(id) } else { result };
    let Err(refusal) = deleted else { return result };
    let result = result.with_error_code(refusal.code());
    if context.version() >= 5 {
        return result.with_error_message(refusal.wire_message());
    }
    result
}

/// A topic named is looked for only by who may know of it.
fn find<'a>(
    context: &Context,
    image: &'a Image,
    topic: TopicRef<'_>,
) -> Result<&'a Arc<TopicInfo>, Refusal> {
    match topic {
        TopicRef::Name(_) => context.find_authorized(Operation::Describe, image, topic),
        TopicRef::Id(_) => find_topic(image, topic),
    }
}

/// Refuses what groups and transactions rest on, and everything while `delete.topic.enable` is off; before version 3
/// there was no code for that.
fn check_deletable(context: &Context, image: &Image, topic: &TopicInfo) -> Result<(), Refusal> {
    if topic.internal {
        return Err(Refusal::new(
            ResponseError::InvalidRequest,
            "an internal topic can't be deleted",
        ));
    }
    let values = config_view::broker_values(context.broker(), image);
    let refused = match config::broker::DELETE_TOPIC_ENABLE.boolean_in(&values) {
        Some(false) if context.version() < 3 => ResponseError::InvalidRequest,
        Some(false) => ResponseError::TopicDeletionDisabled,
        _ => return Ok(()),
    };
    Err(Refusal::new(refused, "delete.topic.enable is false"))
}
