//! `AddOffsetsToTxn` (API key 25): a transaction will commit offsets of a group, so the group's partition becomes part of it.
//!
//! Source: KIP-98.

use super::{Api, Outcome, Versions};
use crate::{
    context::Context,
    error::Refusal,
    transaction::{code_of_version, coordinating_partition, producer_in_epoch, transactional_id},
};
use coordinator::SlotKind;
use kafka_protocol::messages::{AddOffsetsToTxnRequest, AddOffsetsToTxnResponse};
use security::acl::{Operation, ResourceType};

/// Handles versions 0 to 4.
pub(super) struct AddOffsetsToTxn;

impl Api for AddOffsetsToTxn {
    type Request = AddOffsetsToTxnRequest;
    type Response = AddOffsetsToTxnResponse;
    const VERSIONS: Versions = Versions::new(0, 4);

    async fn begin(
        context: Context,
        request: AddOffsetsToTxnRequest,
    ) -> Outcome<AddOffsetsToTxnResponse> {
        Outcome::later(async move {
            let code = match add(&context, &request).await {
                Ok(()) => 0,
                Err(refusal) => code_of_version(&refusal, context.version() >= 2),
            };
            AddOffsetsToTxnResponse::default().with_error_code(code)
        })
    }
}

async fn add(context: &Context, request: &AddOffsetsToTxnRequest) -> Result<(), Refusal> {
    let named = &request.transactional_id;
    context.authorize(Operation::Write, ResourceType::TransactionalId, named)?;
    context.authorize(Operation::Read, ResourceType::Group, &request.group_id)?;
    let id = transactional_id(context, &request.transactional_id)?;
    let producer = producer_in_epoch(request.producer_id.0, request.producer_epoch)?;
    let image = context.broker().cluster.image();
    let partition = coordinating_partition(&image, SlotKind::Groups, &request.group_id)?;
    let transactions = context.broker().coordinator.transactions();
    Ok(transactions.add_partitions(id, producer, [partition].into()).await?)
}
