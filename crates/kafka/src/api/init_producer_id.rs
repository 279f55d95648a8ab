//! `InitProducerId` (API key 22): gives a producer its id and epoch.
//!
//! Without a transactional id it is an id that no other producer has or will have. With one, the producer takes the id over:
//! whoever had it before is fenced, and the transaction that it left open is aborted first. Sources: KIP-98, KIP-360.

use super::{Api, Outcome, Versions};
use crate::{
    context::Context,
    error::Refusal,
    transaction::{code_of_version, producer_in_epoch, transactional_id},
};
use coordinator::transaction::ProducerInEpoch;
use kafka_protocol::{
    ResponseError,
    messages::{InitProducerIdRequest, InitProducerIdResponse},
};
use model::ProducerEpoch;
use security::acl::{Operation, ResourceType};

/// Handles versions 0 to 5.
pub(super) struct InitProducerId;

impl Api for InitProducerId {
    type Request = InitProducerIdRequest;
    type Response = InitProducerIdResponse;
    const VERSIONS: Versions = Versions::new(0, 5);

    async fn begin(
        context: Context,
        request: InitProducerIdRequest,
    ) -> Outcome<InitProducerIdResponse> {
        Outcome::later(async move {
            match init(&context, &request).await {
                Ok(given) => InitProducerIdResponse::default()
                    .with_producer_id(given.producer.to_wire().into())
                    .with_producer_epoch(given.epoch.to_wire()),
                Err(refusal) => InitProducerIdResponse::default()
                    .with_producer_epoch(-1)
                    .with_error_code(code_of_version(&refusal, context.version() >= 4)),
            }
        })
    }
}

async fn init(
    context: &Context,
    request: &InitProducerIdRequest,
) -> Result<ProducerInEpoch, Refusal> {
    authorize(context, request)?;
    let expected = expected(request)?;
    let Some(id) = &request.transactional_id else { return idempotent(context).await };
    let id = transactional_id(context, id)?;
    let transactions = context.broker().coordinator.transactions();
    Ok(transactions.init(id, request.transaction_timeout_ms, expected).await?)
}

/// Who may write to some topic may do so with a producer id (KIP-679).
fn authorize(context: &Context, request: &InitProducerIdRequest) -> Result<(), Refusal> {
    if let Some(id) = &request.transactional_id {
        return context.authorize(Operation::Write, ResourceType::TransactionalId, id);
    }
    if context.may_to_cluster_quietly(Operation::IdempotentWrite)
        || context.may_to_some(Operation::Write, ResourceType::Topic)
    {
        return Ok(());
    }
    context.authorize_cluster(Operation::IdempotentWrite)
}

/// Who it was before, when it recovers (KIP-360): both id and epoch, or neither.
fn expected(request: &InitProducerIdRequest) -> Result<Option<ProducerInEpoch>, Refusal> {
    match (request.producer_id.0, request.producer_epoch) {
        (-1, -1) => Ok(None),
        (producer, epoch) if producer >= 0 && epoch >= 0 => {
            producer_in_epoch(producer, epoch).map(Some)
        }
        _ => Err(ResponseError::InvalidRequest.into()),
    }
}

/// An id that the client had before needs no care without transactions: a new one at epoch 0 is as good.
async fn idempotent(context: &Context) -> Result<ProducerInEpoch, Refusal> {
    let epoch = ProducerEpoch::new(0).ok_or(ResponseError::UnknownServerError)?;
    match context.broker().cluster.next_producer_id().await {
        Ok(producer) => Ok(ProducerInEpoch { producer, epoch }),
        Err(error) => {
            tracing::warn!(%error, "no producer id");
            Err(ResponseError::CoordinatorLoadInProgress.into())
        }
    }
}
