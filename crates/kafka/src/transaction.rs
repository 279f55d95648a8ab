//! What the handlers of transactional requests share: the slot of an id, producers as the wire names them, old error codes.

use crate::{
    context::Context,
    error::Refusal,
    internal_topics::{coordinator_of, slot_partition},
    peers::Addition,
};
use cluster::Image;
use coordinator::{
    JournalError, SlotError, SlotKind,
    transaction::{ProducerInEpoch, TransactionError, TransactionResult, TransactionalId},
};
use kafka_protocol::ResponseError;
use model::{PartitionId, ProducerEpoch, ProducerId};
use std::time::Duration;

/// A transaction that begins while its producer's last one is completed waits a little: it saves the client a longer pause.
const COMPLETION_PATIENCE: u32 = 5;
const COMPLETION_PAUSE: Duration = Duration::from_millis(20);

/// The partition of an internal topic that coordinates `id`.
///
/// # Errors
/// `COORDINATOR_NOT_AVAILABLE` while the topic does not exist.
pub(crate) fn coordinating_partition(
    image: &Image,
    kind: SlotKind,
    id: &str,
) -> Result<PartitionId, Refusal> {
    slot_partition(image, kind, id).ok_or_else(|| ResponseError::CoordinatorNotAvailable.into())
}

/// A transactional id with its slot.
///
/// # Errors
/// As for [`coordinating_partition`]; `INVALID_REQUEST` for an empty id.
pub(crate) fn transactional_id<'a>(
    context: &Context,
    id: &'a str,
) -> Result<TransactionalId<'a>, Refusal> {
    if id.is_empty() {
        return Err(Refusal::new(ResponseError::InvalidRequest, "the transactional id is empty"));
    }
    let image = context.broker().cluster.image();
    let slot = coordinating_partition(&image, SlotKind::Transactions, id)?;
    Ok(TransactionalId { slot: slot.partition.get(), id })
}

/// A producer in its epoch, as requests name them.
///
/// # Errors
/// `INVALID_PRODUCER_ID_MAPPING` for an id that nobody was ever given, `PRODUCER_FENCED` for such an epoch.
pub(crate) fn producer_in_epoch(producer: i64, epoch: i16) -> Result<ProducerInEpoch, Refusal> {
    let producer = ProducerId::from_wire(producer).ok_or_else(|| {
        let reason = format!("no producer has id {producer}");
        Refusal::new(ResponseError::InvalidProducerIdMapping, reason)
    })?;
    let epoch = ProducerEpoch::from_wire(epoch).ok_or_else(|| {
        Refusal::new(ResponseError::ProducerFenced, format!("no producer has epoch {epoch}"))
    })?;
    Ok(ProducerInEpoch { producer, epoch })
}

/// Lets the producer's transaction go on on these partitions too, or begin; waits a little for its last one to be completed.
///
/// # Errors
/// As [`add_partitions`].
pub(crate) async fn join_transaction(
    context: &Context,
    id: TransactionalId<'_>,
    producer: ProducerInEpoch,
    partitions: &[PartitionId],
) -> Result<(), TransactionError> {
    for _ in 1..COMPLETION_PATIENCE {
        match add_partitions(context, id, producer, partitions).await {
            Err(TransactionError::ConcurrentTransactions) => {
                tokio::time::sleep(COMPLETION_PAUSE).await;
            }
            joined => return joined,
        }
    }
    add_partitions(context, id, producer, partitions).await
}

/// Lets the producer's transaction go on on these partitions too, or begin: here, or where its id is coordinated.
///
/// # Errors
/// As [`coordinator::Transactions::add_partitions`]; `Unavailable` when the coordinator could not be asked.
pub(crate) async fn add_partitions(
    context: &Context,
    id: TransactionalId<'_>,
    producer: ProducerInEpoch,
    partitions: &[PartitionId],
) -> Result<(), TransactionError> {
    let broker = context.broker();
    let image = broker.cluster.image();
    let coordinator = coordinator_of(&image, SlotKind::Transactions, id.id);
    let elsewhere = coordinator.filter(|it| *it != broker.cluster.broker());
    let Some(coordinator) = elsewhere else {
        let partitions = partitions.iter().copied().collect();
        return broker.coordinator.transactions().add_partitions(id, producer, partitions).await;
    };
    let named = partitions.iter().filter_map(|it| {
        let topic = image.topic_by_id(it.topic)?;
        Some((topic.name.clone(), it.partition))
    });
    let partitions = named.collect();
    let addition = Addition { id: id.id.to_owned(), producer, partitions };
    match image.brokers.get(&coordinator) {
        Some(coordinator) => broker.peers.add_partitions(coordinator, addition).await,
        None => Err(TransactionError::Unavailable),
    }
}

/// How a transaction is to end.
pub(crate) fn result(committed: bool) -> TransactionResult {
    match committed {
        true => TransactionResult::Commit,
        false => TransactionResult::Abort,
    }
}

/// The code for versions before `PRODUCER_FENCED` was told apart from `INVALID_PRODUCER_EPOCH` (KIP-588).
pub(crate) fn code_of_version(refusal: &Refusal, knows_fenced: bool) -> i16 {
    match refusal.error {
        ResponseError::ProducerFenced if !knows_fenced => {
            ResponseError::InvalidProducerEpoch.code()
        }
        error => error.code(),
    }
}

impl From<TransactionError> for Refusal {
    fn from(error: TransactionError) -> Self {
        let code = match &error {
            TransactionError::InvalidRequest(_) | TransactionError::TooManyPartitions => {
                ResponseError::InvalidRequest
            }
            TransactionError::InvalidTimeout => ResponseError::InvalidTransactionTimeout,
            TransactionError::UnknownProducer => ResponseError::InvalidProducerIdMapping,
            TransactionError::ProducerFenced => ResponseError::ProducerFenced,
            TransactionError::ConcurrentTransactions => ResponseError::ConcurrentTransactions,
            TransactionError::InvalidState => ResponseError::InvalidTxnState,
            TransactionError::Abortable => ResponseError::TransactionAbortable,
            TransactionError::Slot(SlotError::NotCoordinator)
            | TransactionError::Journal(JournalError::Ended) => ResponseError::NotCoordinator,
            TransactionError::Slot(SlotError::Loading) => ResponseError::CoordinatorLoadInProgress,
            TransactionError::Journal(JournalError::Overloaded) => {
                ResponseError::CoordinatorNotAvailable
            }
            TransactionError::Unavailable => ResponseError::CoordinatorNotAvailable,
        };
        Self::new(code, error.to_string())
    }
}
