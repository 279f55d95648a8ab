//! `TxnOffsetCommit` (API key 28): offsets of a group that count when the producer's transaction is committed.
//!
//! They are staged only while the transaction is known to go on with the group in it; from version 5 on the request itself
//! brings the group in. Sources: KIP-98, KIP-447, KIP-890.

use super::{
    Api, Outcome, Versions,
    committed_offsets::{Reading, WireOffset},
    group_text::wire,
};
use crate::{
    context::Context,
    error::Refusal,
    transaction::{coordinating_partition, join_transaction, producer_in_epoch, transactional_id},
};
use cluster::Image;
use coordinator::{
    GroupError, OffsetCommit, SlotKind,
    group::{Committer, MemberRef},
    transaction::{ProducerInEpoch, TransactionError},
};
use kafka_protocol::{
    ResponseError,
    messages::{
        TxnOffsetCommitRequest, TxnOffsetCommitResponse,
        txn_offset_commit_request::TxnOffsetCommitRequestTopic,
        txn_offset_commit_response::{
            TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
        },
    },
};
use model::PartitionId;
use security::acl::{Operation, ResourceType};

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
            if let Err(refusal) = authorize(&context, &request) {
                return refused(&request, refusal.code());
            }
            let image = context.broker().cluster.image();
            let reading = Reading::new(&context, -1);
            let judged = request.topics.iter().map(|topic| judge(&reading, &image, topic));
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

/// Of topics each is asked about by itself.
fn authorize(context: &Context, request: &TxnOffsetCommitRequest) -> Result<(), Refusal> {
    let id = &request.transactional_id;
    context.authorize(Operation::Write, ResourceType::TransactionalId, id)?;
    context.authorize(Operation::Read, ResourceType::Group, &request.group_id)
}

/// The same error for every partition.
fn refused(request: &TxnOffsetCommitRequest, code: i16) -> TxnOffsetCommitResponse {
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            TxnOffsetCommitResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(code)
        });
        TxnOffsetCommitResponseTopic::default()
            .with_name(wire(&topic.name).into())
            .with_partitions(partitions.collect())
    });
    TxnOffsetCommitResponse::default().with_topics(topics.collect())
}

/// A topic's offsets, and the answer about those that can't be committed.
fn judge(
    reading: &Reading,
    image: &Image,
    topic: &TxnOffsetCommitRequestTopic,
) -> (Option<OffsetCommit>, TxnOffsetCommitResponseTopic) {
    let offsets = topic.partitions.iter().map(|partition| WireOffset {
        partition: partition.partition_index,
        offset: partition.committed_offset,
        leader_epoch: partition.committed_leader_epoch,
        metadata: partition.committed_metadata.as_ref(),
    });
    let (commit, codes) = reading.topic(image, &topic.name, offsets);
    let partitions = codes.into_iter().map(|(partition, code)| {
        TxnOffsetCommitResponsePartition::default()
            .with_partition_index(partition)
            .with_error_code(code)
    });
    let partitions = partitions.collect();
    let name = wire(&topic.name).into();
    let judged =
        TxnOffsetCommitResponseTopic::default().with_name(name).with_partitions(partitions);
    (commit, judged)
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
    let producer =
        producer_in_epoch(request.producer_id.0, request.producer_epoch).map_err(|refusal| {
            match refusal.error {
                ResponseError::ProducerFenced => ResponseError::InvalidProducerEpoch.into(),
                _ => refusal,
            }
        })?;
    let from = MemberRef {
        member: &request.member_id,
        instance: request.group_instance_id.as_deref(),
        generation: request.generation_id,
    };
    let by = Committer { from, transactional: true, knows_member_epochs: false };
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
    topics.retain(|topic| !topic.partitions.is_empty());
    TxnOffsetCommitResponse::default().with_topics(topics)
}
