//! `UnregisterBroker` (API key 64): forgets a broker that will not return.
//!
//! One that lives is refused, and one whose disk is still waited for. Source: KIP-500 (KIP-631).

use super::{Api, Outcome, Versions};
use crate::{context::Context, error::Refusal};
use kafka_protocol::{
    ResponseError,
    messages::{UnregisterBrokerRequest, UnregisterBrokerResponse},
};
use model::BrokerId;
use security::acl::Operation;

/// Handles version 0.
pub(super) struct UnregisterBroker;

impl Api for UnregisterBroker {
    type Request = UnregisterBrokerRequest;
    type Response = UnregisterBrokerResponse;
    const VERSIONS: Versions = Versions::new(0, 0);

    async fn begin(
        context: Context,
        request: UnregisterBrokerRequest,
    ) -> Outcome<UnregisterBrokerResponse> {
        let response = UnregisterBrokerResponse::default().with_error_message(None);
        Outcome::Ready(match unregister(&context, request.broker_id.0).await {
            Ok(()) => response,
            Err(refusal) => {
                response.with_error_code(refusal.code()).with_error_message(refusal.wire_message())
            }
        })
    }
}

async fn unregister(context: &Context, broker: i32) -> Result<(), Refusal> {
    context.authorize_cluster(Operation::Alter)?;
    let unknown = || {
        Refusal::new(ResponseError::BrokerIdNotRegistered, format!("broker {broker} is not known"))
    };
    let broker = BrokerId::from_wire(broker).ok_or_else(unknown)?;
    match context.broker().cluster.unregister_broker(broker).await {
        Err(cluster::ClusterError::UnknownBroker(_)) => Err(unknown()),
        other => Ok(other?),
    }
}
