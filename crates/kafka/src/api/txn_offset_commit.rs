//! `TxnOffsetCommit` (API key 28): offsets of a group that count when the producer's transaction is committed.
//!
//! They are staged only while the transaction is known to go on with the group in it; from version 5 on the request itself
//! brings the group in. Sources: KIP-98, KIP-447, KIP-890.

use super::{Api, Outcome, Versions, group_text::wire};
use crate::{
    broker::{TopicRef, find_partition, find_topic},
    context::Context,
    error::Refusal,
    transaction::{coordinating_partition, join_transaction, producer_in_epoch, transactional_id},
};
use cluster::Image;
use coordinator::{
    GroupError, OffsetCommit, SlotKind,
    group::{CommittedOffset, Committer, MemberRef},
    transaction::{ProducerInEpoch, TransactionError},
};
use kafka_protocol::{
    ResponseError,
    messages::{
        TxnOffsetCommitRequest, TxnOffsetCommitResponse,
        txn_offset_commit_request::{TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic},
        txn_offset_commit_response::{
            TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
        },
    },
};
use model::{LeaderEpoch, Offset, PartitionId, config::broker as keys};

/// The first version that brings the group into the transaction.
const ADDS_GROUP: i16 = 5;

/// The first version whose clients know `TRANSACTION_ABORTABLE`.
const KNOWS_ABORTABLE: i16 = 4;

/// How often a transaction is asked about whose producer ended others meanwhile.
const ATTEMPTS: usize = 10;

/// Handles versions 0 to 5.
pub(super) struct TxnOffsetCommit;

impl Api for TxnOffsetCommit {
    type Request = TxnOffsetCommitRequest;
    type Response = TxnOffsetCommitResponse;
    const VERSIONS: Versions = Versions::new(0, 5);

    async fn begin(
        context: Context,
        request: TxnOffsetCommitRequest,
    ) -> Outcome<TxnOffsetCommitResponse> {
        Outcome::later(async move {
            let image = context.broker().cluster.image();
            let judged = request.topics.iter().map(|topic| judge(&context, &image, topic));
            let (commits, topics): (Vec<_>, Vec<_>) = judged.unzip();
            let commits: Vec<_> = commits.into_iter().flatten().collect();
            let staged = match commits.is_empty() {
                true => Ok(()),
                false => stage(&context, &image, &request, commits).await,
            };
            response(topics, staged)
        })
    }
}

/// A topic's offsets, and the answer about those that can't be committed.
fn judge(
    context: &Context,
    image: &Image,
    topic: &TxnOffsetCommitRequestTopic,
) -> (Option<OffsetCommit>, TxnOffsetCommitResponseTopic) {
    let known = find_topic(image, TopicRef::Name(topic.name.as_str()));
    let mut offsets = Vec::with_capacity(topic.partitions.len());
    let partitions = topic.partitions.iter().map(|partition| {
        let offset = known
            .clone()
            .and_then(|known| find_partition(known, partition.partition_index))
            .and_then(|(index, _)| Ok((index.get(), offset(context, partition)?)));
        let code = offset.map(|offset| offsets.push(offset)).map_or_else(|it| it.code(), |()| 0);
        TxnOffsetCommitResponsePartition::default()
            .with_partition_index(partition.partition_index)
            .with_error_code(code)
    });
    let partitions = partitions.collect();
    let name = wire(topic.name.as_str()).into();
    let judged =
        TxnOffsetCommitResponseTopic::default().with_name(name).with_partitions(partitions);
    let commit = known.ok().filter(|_| !offsets.is_empty());
    (commit.map(|topic| OffsetCommit { topic: topic.id, partitions: offsets }), judged)
}

fn offset(
    context: &Context,
    partition: &TxnOffsetCommitRequestPartition,
) -> Result<CommittedOffset, Refusal> {
    let broker = context.broker();
    let metadata = partition.committed_metadata.as_deref().unwrap_or_default();
    let most = keys::OFFSET_METADATA_MAX_BYTES.number_in(&broker.options.static_configs);
    if metadata.len() as u64 > most.and_then(|most| u64::try_from(most).ok()).unwrap_or(4096) {
        return Err(ResponseError::OffsetMetadataTooLarge.into());
    }
    let offset = Offset::from_wire(partition.committed_offset);
    Ok(CommittedOffset {
        offset: offset.ok_or(ResponseError::InvalidCommitOffsetSize)?,
        leader_epoch: LeaderEpoch::from_wire(partition.committed_leader_epoch),
        metadata: metadata.into(),
        committed_unix_ms: broker.coordinator.groups().unix_ms(),
        expires_unix_ms: None,
    })
}

async fn stage(
    context: &Context,
    image: &Image,
    request: &TxnOffsetCommitRequest,
    commits: Vec<OffsetCommit>,
) -> Result<(), Refusal> {
    if request.group_id.is_empty() {
        return Err(ResponseError::InvalidGroupId.into());
    }
    let group = coordinating_partition(image, SlotKind::Groups, &request.group_id)?;
    let slot = group.partition.get();
    let producer = producer_in_epoch(request.producer_id.0, request.producer_epoch)?;
    let from = MemberRef {
        member: &request.member_id,
        instance: request.group_instance_id.as_deref(),
        generation: request.generation_id,
    };
    let by = Committer { from, transactional: true };
    let groups = context.broker().coordinator.groups();
    for _ in 0..ATTEMPTS {
        let question = groups.staging_question(slot)?;
        verify(context, request, producer, group).await?;
        let asked = (producer.producer, question);
        match groups.stage(slot, &request.group_id, by, asked, commits.clone()) {
            Err(GroupError::TransactionEnded) => {}
            staged => return Ok(staged?.await?),
        }
    }
    Err(ResponseError::CoordinatorLoadInProgress.into())
}

/// Whether the transaction goes on with the group in it.
async fn verify(
    context: &Context,
    request: &TxnOffsetCommitRequest,
    producer: ProducerInEpoch,
    group: PartitionId,
) -> Result<(), Refusal> {
    let id = transactional_id(context, &request.transactional_id)?;
    let version = context.version();
    let verified = if version >= ADDS_GROUP {
        join_transaction(context, id, producer, &[group]).await
    } else {
        let transactions = context.broker().coordinator.transactions();
        transactions.verify(id, producer, &[group]).await.into_iter().collect()
    };
    verified.map_err(|error| match error {
        TransactionError::ProducerFenced => ResponseError::InvalidProducerEpoch.into(),
        TransactionError::Abortable if version < KNOWS_ABORTABLE => {
            ResponseError::InvalidTxnState.into()
        }
        TransactionError::ConcurrentTransactions if version < ADDS_GROUP => {
            ResponseError::CoordinatorLoadInProgress.into()
        }
        // Clients would look for another coordinator of the group; it is the transaction's that could not say.
        TransactionError::Slot(_)
        | TransactionError::Journal(_)
        | TransactionError::Unavailable => ResponseError::CoordinatorLoadInProgress.into(),
        other => other.into(),
    })
}

/// Partitions that were not refused share what became of the commit.
fn response(
    mut topics: Vec<TxnOffsetCommitResponseTopic>,
    staged: Result<(), Refusal>,
) -> TxnOffsetCommitResponse {
    if let Err(refusal) = staged {
        for partition in topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
            if partition.error_code == 0 {
                partition.error_code = refusal.code();
            }
        }
    }
    TxnOffsetCommitResponse::default().with_topics(topics)
}
