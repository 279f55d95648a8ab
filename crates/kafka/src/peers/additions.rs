//! [`Addition`]: partitions that join a transaction, as an `AddPartitionsToTxn` request, and what its answer says of each.

use super::line::Letter;
use coordinator::transaction::{ProducerInEpoch, TransactionError};
use kafka_protocol::{
    ResponseError,
    messages::{
        AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, ProducerId,
        TopicName as WireTopicName, TransactionalId,
        add_partitions_to_txn_request::{AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction},
        add_partitions_to_txn_response::AddPartitionsToTxnResult,
    },
    protocol::StrBytes,
};
use model::{PartitionIndex, TopicName};
use std::collections::{BTreeMap, BTreeSet};

/// Partitions that a producer's transaction goes on on.
#[derive(Clone, Debug)]
pub(crate) struct Addition {
    /// The transactional id.
    pub(crate) id: String,
    /// Its producer.
    pub(crate) producer: ProducerInEpoch,
    /// The partitions.
    pub(crate) partitions: Vec<(TopicName, PartitionIndex)>,
}

impl Letter for Addition {
    type Answer = Result<(), TransactionError>;
    type Request = AddPartitionsToTxnRequest;
    /// The first that carries many transactions.
    const VERSION: i16 = 4;

    fn request(letters: &[&Self]) -> AddPartitionsToTxnRequest {
        let mut transactions: BTreeMap<(&str, ProducerInEpoch), Topics<'_>> = BTreeMap::new();
        for addition in letters {
            let topics = transactions.entry((&addition.id, addition.producer)).or_default();
            for (topic, partition) in &addition.partitions {
                topics.entry(topic.as_str()).or_default().insert(partition.to_wire());
            }
        }
        let transactions = transactions.into_iter().map(|((id, it), topics)| wire(id, it, topics));
        AddPartitionsToTxnRequest::default().with_transactions(transactions.collect())
    }

    fn answers(letters: &[&Self], response: &AddPartitionsToTxnResponse) -> Vec<Self::Answer> {
        let results = &response.results_by_transaction;
        let answer = |addition: &&Self| {
            let mut results =
                results.iter().filter(|it| it.transactional_id.as_str() == addition.id);
            addition.verdict(results.next())
        };
        letters.iter().map(answer).collect()
    }

    fn unanswered(reason: String) -> Self::Answer {
        tracing::debug!(reason, "a transaction's coordinator could not be told of partitions");
        Err(TransactionError::Unavailable)
    }
}

/// Partitions by topic.
type Topics<'a> = BTreeMap<&'a str, BTreeSet<i32>>;

fn wire(id: &str, producer: ProducerInEpoch, topics: Topics<'_>) -> AddPartitionsToTxnTransaction {
    let topics = topics.into_iter().map(|(name, partitions)| {
        AddPartitionsToTxnTopic::default()
            .with_name(WireTopicName(StrBytes::from_string(name.to_owned())))
            .with_partitions(partitions.into_iter().collect())
    });
    AddPartitionsToTxnTransaction::default()
        .with_transactional_id(TransactionalId(StrBytes::from_string(id.to_owned())))
        .with_producer_id(ProducerId(producer.producer.to_wire()))
        .with_producer_epoch(producer.epoch.to_wire())
        .with_topics(topics.collect())
}

impl Addition {
    /// All of them were added, or what the first that was not was refused for.
    fn verdict(&self, result: Option<&AddPartitionsToTxnResult>) -> Result<(), TransactionError> {
        let result = result.ok_or(TransactionError::Unavailable)?;
        for (topic, partition) in &self.partitions {
            let mut topics = result.topic_results.iter();
            let found = topics.find(|it| it.name.as_str() == topic.as_str()).and_then(|topic| {
                let mut partitions = topic.results_by_partition.iter();
                partitions.find(|it| it.partition_index == partition.to_wire())
            });
            error(found.ok_or(TransactionError::Unavailable)?.partition_error_code)?;
        }
        Ok(())
    }
}

fn error(code: i16) -> Result<(), TransactionError> {
    if code == 0 {
        return Ok(());
    }
    Err(match ResponseError::try_from_code(code) {
        Some(ResponseError::ProducerFenced | ResponseError::InvalidProducerEpoch) => {
            TransactionError::ProducerFenced
        }
        Some(ResponseError::InvalidProducerIdMapping) => TransactionError::UnknownProducer,
        Some(ResponseError::ConcurrentTransactions) => TransactionError::ConcurrentTransactions,
        Some(ResponseError::InvalidTxnState) => TransactionError::InvalidState,
        Some(ResponseError::TransactionAbortable) => TransactionError::Abortable,
        // Another broker coordinates, or it does not see the topic yet: the same request may go through in a moment.
        _ => TransactionError::Unavailable,
    })
}
