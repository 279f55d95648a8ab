//! Permission: what of a request its sender may write, asked before anything else is done with it.
//!
//! Whether records belong to a transaction is what their batches' headers say, not whether the request names one.

use super::topic_ref;
use crate::{context::Context, error::Refusal};
use formats::record_batch::BatchHeader;
use kafka_protocol::{ResponseError, messages::ProduceRequest};
use security::acl::{Operation, ResourceType};

/// What each topic of a request is refused for; `None` where there are no access rules to ask.
pub(super) struct Authorized(Option<Vec<Result<(), Refusal>>>);

impl Authorized {
    /// Whether the topic at that place may be written to.
    pub(super) fn topic(&self, place: usize) -> Result<(), Refusal> {
        let Some(asked) = &self.0 else { return Ok(()) };
        let unasked = || Err(ResponseError::TopicAuthorizationFailed.into());
        asked.get(place).cloned().unwrap_or_else(unasked)
    }
}

/// Asks for every topic of the request.
pub(super) fn of(context: &Context, request: &ProduceRequest) -> Authorized {
    if !context.has_access_rules() {
        return Authorized(None);
    }
    if is_transactional(request)
        && let Err(refusal) = authorize_transaction(context, request)
    {
        return Authorized(Some(vec![Err(refusal); request.topic_data.len()]));
    }
    let image = context.broker().cluster.image();
    let by_id = context.version() >= 13;
    let topics = request.topic_data.iter().map(|topic| {
        let wanted = topic_ref(by_id, &topic.name, topic.topic_id);
        context.authorize_topic(Operation::Write, &image, wanted)
    });
    Authorized(Some(topics.collect()))
}

fn authorize_transaction(context: &Context, request: &ProduceRequest) -> Result<(), Refusal> {
    match &request.transactional_id {
        Some(id) => context.authorize(Operation::Write, ResourceType::TransactionalId, id),
        // Nobody may write to a transaction that they do not name.
        None => Err(ResponseError::TransactionalIdAuthorizationFailed.into()),
    }
}

fn is_transactional(request: &ProduceRequest) -> bool {
    let partitions = request.topic_data.iter().flat_map(|topic| &topic.partition_data);
    let mut records = partitions.filter_map(|partition| partition.records.as_ref());
    records.any(|records| {
        BatchHeader::parse(records).is_ok_and(|header| header.attributes.is_transactional())
    })
}
