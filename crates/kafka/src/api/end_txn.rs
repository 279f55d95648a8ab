//! `EndTxn` (API key 26): commits or aborts a transaction.
//!
//! Answered as soon as the decision is durable; partitions learn of it behind that. From version 5 on every end raises the
//! producer's epoch, and the answer says to what. Sources: KIP-98, KIP-890.

use super::{Api, Outcome, Versions};
use crate::{
    context::Context,
    error::Refusal,
    transaction::{code_of_version, producer_in_epoch, result, transactional_id},
};
use coordinator::transaction::{ProducerInEpoch, TransactionVersion};
use kafka_protocol::messages::{EndTxnRequest, EndTxnResponse};
use security::acl::{Operation, ResourceType};

/// The first version whose clients follow transaction version 2.
const RAISES_EPOCH: i16 = 5;

/// Handles versions 0 to 5.
pub(super) struct EndTxn;

impl Api for EndTxn {
    type Request = EndTxnRequest;
    type Response = EndTxnResponse;
    const VERSIONS: Versions = Versions::new(0, 5);

    async fn begin(context: Context, request: EndTxnRequest) -> Outcome<EndTxnResponse> {
        Outcome::later(async move {
            let response = EndTxnResponse::default();
            match end(&context, &request).await {
                Ok(next) if context.version() >= RAISES_EPOCH => response
                    .with_producer_id(next.producer.to_wire().into())
                    .with_producer_epoch(next.epoch.to_wire()),
                Ok(_) => response,
                Err(refusal) => {
                    response.with_error_code(code_of_version(&refusal, context.version() >= 2))
                }
            }
        })
    }
}

async fn end(context: &Context, request: &EndTxnRequest) -> Result<ProducerInEpoch, Refusal> {
    let named = &request.transactional_id;
    context.authorize(Operation::Write, ResourceType::TransactionalId, named)?;
    let id = transactional_id(context, &request.transactional_id)?;
    let producer = producer_in_epoch(request.producer_id.0, request.producer_epoch)?;
    let version = match context.version() >= RAISES_EPOCH {
        true => TransactionVersion::V2,
        false => TransactionVersion::V1,
    };
    let transactions = context.broker().coordinator.transactions();
    Ok(transactions.end(id, producer, result(request.committed), version).await?)
}
