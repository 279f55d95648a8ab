//! `SaslHandshake` (API key 17): chooses the mechanism of a log-in. Sources: KIP-43, KIP-152.
//!
//! After version 0 the log-in goes on in frames without Kafka's headers. librdkafka looks for it although it uses version 1.

use super::{Api, Outcome, Versions};
use crate::context::Context;
use kafka_protocol::{
    messages::{SaslHandshakeRequest, SaslHandshakeResponse},
    protocol::StrBytes,
};

/// Handles versions 0 and 1.
pub(super) struct SaslHandshake;

impl Api for SaslHandshake {
    type Request = SaslHandshakeRequest;
    type Response = SaslHandshakeResponse;
    const VERSIONS: Versions = Versions::new(0, 1);

    async fn begin(
        context: Context,
        request: SaslHandshakeRequest,
    ) -> Outcome<SaslHandshakeResponse> {
        let authentication = &context.connection.authentication;
        let mechanisms = authentication.mechanisms().map(StrBytes::from_static_str).collect();
        let response = SaslHandshakeResponse::default().with_mechanisms(mechanisms);
        Outcome::Ready(match authentication.begin(&request.mechanism, context.version() == 0) {
            Ok(()) => response,
            Err(denied) => {
                context.connection.tell_denied(&denied);
                response.with_error_code(denied.error.code())
            }
        })
    }
}
