//! [`ClientExchange`]: the client's side of a log-in.

use super::{Mechanism, oauthbearer::client_message, scram::ScramClient};
use crate::Credentials;

/// A log-in under way.
pub struct ClientExchange(State);

enum State {
    Plain,
    Scram(Box<ScramClient>),
    OAuthBearer,
    Over,
}

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
            Mechanism::Plain => {
                Ok((Self(State::Plain), format!("\0{user}\0{password}").into_bytes()))
            }
            Mechanism::Scram(hash) => {
                let begun = ScramClient::begin(*hash, user, password);
                let (client, message) = begun.map_err(ClientRefused)?;
                Ok((Self(State::Scram(Box::new(client))), message.into_bytes()))
            }
            Mechanism::OAuthBearer => Ok((Self(State::OAuthBearer), client_message(password))),
        }
    }

    /// Takes the server's message; answers the next one, or `None` at the end.
    ///
    /// # Errors
    /// Why the server is not trusted.
    pub fn step(&mut self, message: &[u8]) -> Result<Option<Vec<u8>>, ClientRefused> {
        match &mut self.0 {
            State::Scram(scram) => {
                let next = scram.step(message).map_err(ClientRefused)?;
                Ok(next.map(String::into_bytes))
            }
            // A server that says anything says why it refuses, and waits for this before it does (RFC 7628 section 3.2.3).
            State::OAuthBearer if !message.is_empty() => {
                self.0 = State::Over;
                Ok(Some(vec![1]))
            }
            State::Plain | State::OAuthBearer | State::Over => Ok(None),
        }
    }
}
