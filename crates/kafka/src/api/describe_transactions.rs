//! `DescribeTransactions` (API key 65): where transactional ids stand. Source: KIP-664.

use super::{Api, Outcome, Versions};
use crate::{context::Context, error::Refusal, transaction::transactional_id};
use coordinator::transaction::TransactionalProducer;
use futures::future::join_all;
use kafka_protocol::{
    ResponseError,
    messages::{
        DescribeTransactionsRequest, DescribeTransactionsResponse, TopicName, TransactionalId,
        describe_transactions_response::{TopicData, TransactionState},
    },
    protocol::StrBytes,
};
use security::acl::{Operation, ResourceType};
use std::collections::BTreeMap;

/// Handles version 0.
pub(super) struct DescribeTransactions;

impl Api for DescribeTransactions {
    type Request = DescribeTransactionsRequest;
    type Response = DescribeTransactionsResponse;
    const VERSIONS: Versions = Versions::new(0, 0);

    async fn begin(
        context: Context,
        request: DescribeTransactionsRequest,
    ) -> Outcome<DescribeTransactionsResponse> {
        Outcome::later(async move {
            let described = request.transactional_ids.into_iter().map(|id| describe(&context, id));
            let described = join_all(described).await;
            DescribeTransactionsResponse::default().with_transaction_states(described)
        })
    }
}

async fn describe(context: &Context, id: TransactionalId) -> TransactionState {
    let found = find(context, &id).await;
    let response = TransactionState::default().with_transactional_id(id);
    match found {
        Ok(known) => filled(response, context, &known),
        Err(refusal) => response.with_error_code(refusal.code()),
    }
}

async fn find(context: &Context, id: &str) -> Result<TransactionalProducer, Refusal> {
    context.authorize(Operation::Describe, ResourceType::TransactionalId, id)?;
    let id = transactional_id(context, id)?;
    let known = context.broker().coordinator.transactions().describe(id).await?;
    known.ok_or_else(|| ResponseError::TransactionalIdNotFound.into())
}

fn filled(
    response: TransactionState,
    context: &Context,
    known: &TransactionalProducer,
) -> TransactionState {
    let image = context.broker().cluster.image();
    let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for partition in &known.partitions {
        // A topic that was deleted meanwhile has no name any more.
        let Some(topic) = image.topic_by_id(partition.topic) else { continue };
        // Topics that it may not look at are left out.
        if !context.may_quietly(Operation::Describe, ResourceType::Topic, topic.name.as_str()) {
            continue;
        }
        topics.entry(topic.name.as_str()).or_default().push(partition.partition.to_wire());
    }
    let topics = topics.into_iter().map(|(name, partitions)| {
        let name = TopicName::from(StrBytes::from_string(name.to_owned()));
        TopicData::default().with_topic(name).with_partitions(partitions)
    });
    response
        .with_transaction_state(StrBytes::from_static_str(known.state.name()))
        .with_transaction_timeout_ms(i32::try_from(known.timeout_ms).unwrap_or(i32::MAX))
        .with_transaction_start_time_ms(known.started.map_or(-1, |time| time.0))
        .with_producer_id(known.producer.to_wire().into())
        .with_producer_epoch(known.epoch.to_wire())
        .with_topics(topics.collect())
}
