//! OAUTHBEARER (RFC 7628): a client shows a token that an identity provider signed (a JWT, RFC 7519).
//!
//! A token is believed only when a published key checks its signature, by an asymmetric algorithm, and it is by the expected issuer, for an
//! expected audience, and within its time. A key that the token itself names or brings is never looked at. Sources: KIP-255, KIP-768, RFC 7515
//! to 7519, RFC 8725.

mod algorithm;
mod key_set;
mod message;
mod published;
#[cfg(test)]
mod tests;
mod token;

pub use key_set::{KeySet, KeySetError};
pub use published::PublishedKeys;
pub use token::TokenRules;

pub(super) use message::client_message;

use crate::Principal;
use message::InitialResponse;
use std::time::Duration;
use token::Token;

/// How long a log-in waits for a key that was published a moment ago.
const KEY_PATIENCE: Duration = Duration::from_secs(3);

/// Which tokens let somebody in, and the keys that check them.
#[derive(Clone, Debug)]
pub struct OAuthBearer {
    rules: TokenRules,
    keys: PublishedKeys,
}

/// A token that let somebody in.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Bearer {
    /// Whose it is.
    pub(super) principal: Principal,
    /// When it is over, in milliseconds since 1970.
    pub(super) expires_unix_ms: i64,
}

/// Why nobody was let in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Rejected {
    /// The message is none.
    Message(&'static str),
    /// The token is not believed.
    Token(&'static str),
    /// It may be good: no key of its name is known.
    UnknownKey,
}

impl OAuthBearer {
    /// Tokens by these rules, checked with these keys.
    pub fn new(rules: TokenRules, keys: PublishedKeys) -> Self {
        Self { rules, keys }
    }

    /// Whose the token of a client's first message is.
    ///
    /// # Errors
    /// [`Rejected`].
    pub(super) fn authenticate(&self, message: &[u8], now_ms: i64) -> Result<Bearer, Rejected> {
        let response = InitialResponse::parse(message).map_err(Rejected::Message)?;
        let token = Token::parse(response.token).map_err(Rejected::Token)?;
        // Before the signature: whoever makes up names of keys has no part of the provider's time but with a token that looks right.
        let bearer = self.rules.check(token.claims(), now_ms).map_err(Rejected::Token)?;
        if !response.authorization.is_empty() && response.authorization != bearer.principal.name() {
            return Err(Rejected::Token("an authorization id that is not the token's principal"));
        }
        let keys = self.keys.current();
        if !keys.has(token.key_id()) {
            return Err(Rejected::UnknownKey);
        }
        let is_signed = token.is_signed_by(&keys);
        is_signed.then_some(bearer).ok_or(Rejected::Token("a signature that no key checks"))
    }

    /// Waits for newer keys, if the message needs one that is not known; for [`KEY_PATIENCE`] at most.
    ///
    /// # Cancel safety
    /// Safe.
    pub(super) async fn wait_for_key(&self, message: &[u8], now_ms: i64) {
        if self.authenticate(message, now_ms) == Err(Rejected::UnknownKey) {
            // Whether they came or not, the message is judged by what there is then.
            let _ = tokio::time::timeout(KEY_PATIENCE, self.keys.newer()).await;
        }
    }
}

impl Rejected {
    /// For the broker's log alone.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Message(reason) | Self::Token(reason) => reason,
            Self::UnknownKey => "a token whose key (kid) the identity provider does not publish",
        }
    }

    /// What the client is told: RFC 7628 section 3.2.2, with the codes of RFC 6750.
    pub(super) fn answer(self) -> Vec<u8> {
        let status = match self {
            Self::Message(_) => "invalid_request",
            Self::Token(_) | Self::UnknownKey => "invalid_token",
        };
        format!(r#"{{"status":"{status}"}}"#).into_bytes()
    }
}
