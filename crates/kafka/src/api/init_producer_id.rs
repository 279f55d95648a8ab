//! `InitProducerId` (API key 22), the idempotent part: hands out a producer id that no other producer has or will have.
//!
//! Transactions are not supported yet, and say so. Sources: KIP-98, KIP-360.

use super::{Api, Outcome, Versions};
use crate::context::Context;
use kafka_protocol::{
    ResponseError,
    messages::{InitProducerIdRequest, InitProducerIdResponse},
};

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
        let refused = |error: ResponseError| {
            Outcome::Ready(
                InitProducerIdResponse::default()
                    .with_producer_epoch(-1)
                    .with_error_code(error.code()),
            )
        };
        if request.transactional_id.is_some() {
            // Fatal to every client, where a coordinator's errors would make them try for ever.
            return refused(ResponseError::UnsupportedVersion);
        }
        // An id that the client had before (KIP-360) needs no care without transactions: a new one at epoch 0 is as good.
        match context.broker().cluster.next_producer_id().await {
            Ok(producer) => Outcome::Ready(
                InitProducerIdResponse::default()
                    .with_producer_id(producer.to_wire().into())
                    .with_producer_epoch(0),
            ),
            Err(error) => {
                tracing::warn!(%error, "no producer id");
                refused(ResponseError::CoordinatorLoadInProgress)
            }
        }
    }
}
