//! `SaslAuthenticate` (API key 36): a message of a log-in, and the answer to it. Sources: KIP-152, KIP-255, KIP-368.

use super::{Api, Outcome, Versions};
use crate::{
    authentication::Denied,
    broker::Broker,
    context::{ConnectionContext, Context},
};
use kafka_protocol::{
    messages::{SaslAuthenticateRequest, SaslAuthenticateResponse},
    protocol::StrBytes,
};
use security::sasl::{ScramCredential, ScramCredentials, ScramHash};

/// Handles versions 0 to 2.
pub(super) struct SaslAuthenticate;

impl Api for SaslAuthenticate {
    type Request = SaslAuthenticateRequest;
    type Response = SaslAuthenticateResponse;
    const VERSIONS: Versions = Versions::new(0, 2);

    async fn begin(
        context: Context,
        request: SaslAuthenticateRequest,
    ) -> Outcome<SaslAuthenticateResponse> {
        let stored = Stored(context.broker());
        let response = SaslAuthenticateResponse::default();
        match context.connection.authentication.step(&stored, &request.auth_bytes).await {
            Ok(progressed) => {
                if let Some(denied) = &progressed.failing {
                    context.connection.tell_denied(denied);
                }
                let lifetime =
                    if context.version() < 1 { 0 } else { progressed.lifetime.as_millis() };
                let response = response.with_auth_bytes(progressed.answer.into());
                Outcome::Ready(
                    response
                        .with_error_message(None)
                        .with_session_lifetime_ms(i64::try_from(lifetime).unwrap_or(i64::MAX)),
                )
            }
            Err(denied) => {
                context.connection.tell_denied(&denied);
                let message = StrBytes::from_string(denied.message.clone());
                let response =
                    response.with_error_code(denied.error.code()).with_error_message(Some(message));
                // Guessing is made slow.
                Outcome::later(async move {
                    tokio::time::sleep(denied.delay).await;
                    response
                })
            }
        }
    }
}

/// Takes a message that came without Kafka's headers; answers the one to the client.
///
/// # Errors
/// [`Denied`]: the connection is to be closed, after its delay.
pub(crate) async fn answer_bare(
    connection: &ConnectionContext,
    message: &[u8],
) -> Result<Vec<u8>, Denied> {
    let stored = Stored(&connection.broker);
    let stepped = connection.authentication.step(&stored, message).await;
    let stepped = stepped.inspect_err(|denied| connection.tell_denied(denied))?;
    if let Some(denied) = &stepped.failing {
        connection.tell_denied(denied);
    }
    Ok(stepped.answer)
}

/// Credentials of the metadata store.
struct Stored<'a>(&'a Broker);

impl ScramCredentials for Stored<'_> {
    fn find(&self, hash: ScramHash, user: &str) -> Option<ScramCredential> {
        self.0.cluster.scram_credential(hash, user)
    }
}
