//! [`ClientExchange`]: the client's side of a log-in.

use super::{Mechanism, scram::ScramClient};
use crate::Credentials;

/// A log-in under way.
pub struct ClientExchange(Option<ScramClient>);

/// Why the client does not trust the server, or could not begin.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct ClientRefused(&'static str);

impl ClientExchange {
    /// The exchange, and its first message.
    ///
    /// # Errors
    /// The operating system has no randomness.
    pub fn begin(credentials: &Credentials) -> Result<(Self, Vec<u8>), ClientRefused> {
        let Credentials { mechanism, user, password } = credentials;
        match mechanism {
            Mechanism::Plain => Ok((Self(None), format!("\0{user}\0{password}").into_bytes())),
            Mechanism::Scram(hash) => {
                let begun = ScramClient::begin(*hash, user, password);
                let (client, message) = begun.map_err(ClientRefused)?;
                Ok((Self(Some(client)), message.into_bytes()))
            }
        }
    }

    /// Takes the server's message; answers the next one, or `None` at the end.
    ///
    /// # Errors
    /// Why the server is not trusted.
    pub fn step(&mut self, message: &[u8]) -> Result<Option<Vec<u8>>, ClientRefused> {
        let Some(scram) = &mut self.0 else { return Ok(None) };
        let next = scram.step(message).map_err(ClientRefused)?;
        Ok(next.map(String::into_bytes))
    }
}
