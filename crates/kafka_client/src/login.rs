//! Logging in with SASL (KIP-43, KIP-152).

use crate::{Connection, ConnectionError};
use kafka_protocol::{
    ResponseError,
    messages::{SaslAuthenticateRequest, SaslHandshakeRequest},
    protocol::StrBytes,
};
use security::{Credentials, sasl::ClientExchange};

/// Messages that a client sends at most.
const MESSAGES: usize = 4;

/// Proves to the broker who this is, and has it prove itself.
pub(crate) async fn login(
    connection: &mut Connection,
    credentials: &Credentials,
) -> Result<(), ConnectionError> {
    let address = connection.address().to_owned();
    let refused = |reason: String| ConnectionError::Refused { address: address.clone(), reason };
    let mechanism = StrBytes::from_static_str(credentials.mechanism.name());
    let handshake = SaslHandshakeRequest::default().with_mechanism(mechanism);
    let offered = connection.call(&handshake, 1).await?;
    if let Some(error) = ResponseError::try_from_code(offered.error_code) {
        let mechanisms: Vec<&str> = offered.mechanisms.iter().map(StrBytes::as_str).collect();
        return Err(refused(format!("{error}; it offers {}", mechanisms.join(", "))));
    }
    let begun = ClientExchange::begin(credentials);
    let (mut exchange, mut message) = begun.map_err(|error| refused(error.to_string()))?;
    for _ in 0..MESSAGES {
        let request = SaslAuthenticateRequest::default().with_auth_bytes(message.into());
        let answer = connection.call(&request, 2).await?;
        if let Some(error) = ResponseError::try_from_code(answer.error_code) {
            let told = answer.error_message.map(|text| text.to_string());
            return Err(refused(told.unwrap_or_else(|| error.to_string())));
        }
        let next = exchange.step(&answer.auth_bytes).map_err(|error| refused(error.to_string()))?;
        match next {
            Some(next) => message = next,
            None => return Ok(()),
        }
    }
    Err(refused("the log-in does not end".to_owned()))
}
