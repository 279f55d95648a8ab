//! `AddPartitionsToTxn` (API key 24): a transaction goes on on further partitions; or, for brokers, whether it does.
//!
//! All of a transaction's partitions are added, or none. Versions 4 and 5 carry many transactions, and can ask without adding.
//! Sources: KIP-98, KIP-890.

use super::{Api, Outcome, Versions};
use crate::{
    broker::{TopicRef, find_partition, find_topic},
    context::Context,
    error::Refusal,
    transaction::{code_of_version, producer_in_epoch, transactional_id},
};
use cluster::TopicInfo;
use futures::future::join_all;
use kafka_protocol::{
    ResponseError,
    messages::{
        AddPartitionsToTxnRequest, AddPartitionsToTxnResponse,
        add_partitions_to_txn_request::AddPartitionsToTxnTransaction,
        add_partitions_to_txn_response::{
            AddPartitionsToTxnPartitionResult, AddPartitionsToTxnResult,
            AddPartitionsToTxnTopicResult,
        },
    },
};
use model::PartitionId;
use security::acl::{Operation, ResourceType};
use std::{collections::HashMap, sync::Arc};

/// The first version that only brokers send.
const BROKERS_ONLY: i16 = 4;

/// Handles versions 0 to 5.
pub(super) struct AddPartitionsToTxn;

impl Api for AddPartitionsToTxn {
    type Request = AddPartitionsToTxnRequest;
    type Response = AddPartitionsToTxnResponse;
    const VERSIONS: Versions = Versions::new(0, 5);

    async fn begin(
        context: Context,
        request: AddPartitionsToTxnRequest,
    ) -> Outcome<AddPartitionsToTxnResponse> {
        Outcome::later(async move {
            let response = AddPartitionsToTxnResponse::default();
            if context.version() < BROKERS_ONLY {
                let transaction = AddPartitionsToTxnTransaction::default()
                    .with_transactional_id(request.v3_and_below_transactional_id)
                    .with_producer_id(request.v3_and_below_producer_id)
                    .with_producer_epoch(request.v3_and_below_producer_epoch)
                    .with_topics(request.v3_and_below_topics);
                let added = add(&context, transaction).await;
                return response.with_results_by_topic_v3_and_below(added.topic_results);
            }
            // Only brokers send these versions, and ask for what the client's broker allowed.
            if let Err(refusal) = context.authorize_cluster(Operation::ClusterAction) {
                return response.with_error_code(refusal.code());
            }
            let added = request.transactions.into_iter().map(|it| add(&context, it));
            response.with_results_by_transaction(join_all(added).await)
        })
    }
}

/// Result of each partition that was asked for; the others share one.
struct Verdict {
    by_partition: HashMap<PartitionId, Refusal>,
    of_all: Option<Refusal>,
}

async fn add(
    context: &Context,
    transaction: AddPartitionsToTxnTransaction,
) -> AddPartitionsToTxnResult {
    let image = context.broker().cluster.image();
    let of_client = context.version() < BROKERS_ONLY;
    let found = transaction.topics.iter().map(|topic| {
        let known = match of_client {
            true => context.find_authorized(Operation::Write, &image, TopicRef::Name(&topic.name)),
            false => find_topic(&image, TopicRef::Name(&topic.name)),
        };
        let found = topic.partitions.iter().map(|index| find(known.clone(), *index));
        found.collect::<Vec<_>>()
    });
    let found: Vec<_> = match of_client.then(|| authorize(context, &transaction)) {
        Some(Err(refusal)) => {
            let topics = transaction.topics.iter();
            topics.map(|topic| vec![Err(refusal.clone()); topic.partitions.len()]).collect()
        }
        _ => found.collect(),
    };
    let named = || found.iter().flatten();
    let known: Vec<_> = named().filter_map(|found| found.clone().ok()).collect();
    let some_unknown = named().any(Result::is_err);
    let verdict = if some_unknown {
        // As in Kafka: nothing is added then, and the others are told so.
        let of_all = Some(Refusal::from(ResponseError::OperationNotAttempted));
        Verdict { by_partition: HashMap::new(), of_all }
    } else {
        match judge(context, &transaction, known).await {
            Ok(by_partition) => Verdict { by_partition, of_all: None },
            Err(refusal) => Verdict { by_partition: HashMap::new(), of_all: Some(refusal) },
        }
    };
    let code = |refusal: &Refusal| code_of_version(refusal, context.version() >= 2);
    let topics = transaction.topics.iter().zip(&found).map(|(topic, found)| {
        let results = topic.partitions.iter().zip(found).map(|(&index, found)| {
            let error = match found {
                Ok(id) => verdict.by_partition.get(id).or(verdict.of_all.as_ref()).map_or(0, code),
                Err(refusal) => refusal.code(),
            };
            AddPartitionsToTxnPartitionResult::default()
                .with_partition_index(index)
                .with_partition_error_code(error)
        });
        let results = results.collect();
        AddPartitionsToTxnTopicResult::default()
            .with_name(topic.name.clone())
            .with_results_by_partition(results)
    });
    let topics = topics.collect();
    AddPartitionsToTxnResult::default()
        .with_transactional_id(transaction.transactional_id)
        .with_topic_results(topics)
}

fn authorize(
    context: &Context,
    transaction: &AddPartitionsToTxnTransaction,
) -> Result<(), Refusal> {
    let id = &transaction.transactional_id;
    context.authorize(Operation::Write, ResourceType::TransactionalId, id)
}

fn find(topic: Result<&Arc<TopicInfo>, Refusal>, index: i32) -> Result<PartitionId, Refusal> {
    let topic = topic?;
    let (partition, _) = find_partition(topic, index)?;
    Ok(PartitionId { topic: topic.id, partition })
}

/// What is refused of the partitions; or everything is.
async fn judge(
    context: &Context,
    transaction: &AddPartitionsToTxnTransaction,
    partitions: Vec<PartitionId>,
) -> Result<HashMap<PartitionId, Refusal>, Refusal> {
    let id = transactional_id(context, &transaction.transactional_id)?;
    let producer = producer_in_epoch(transaction.producer_id.0, transaction.producer_epoch)?;
    let transactions = context.broker().coordinator.transactions();
    if !transaction.verify_only {
        transactions.add_partitions(id, producer, partitions.into_iter().collect()).await?;
        return Ok(HashMap::new());
    }
    let verified = transactions.verify(id, producer, &partitions).await;
    let refused = partitions.into_iter().zip(verified);
    Ok(refused.filter_map(|(id, verified)| Some((id, verified.err()?.into()))).collect())
}
