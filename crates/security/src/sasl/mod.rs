//! SASL: PLAIN (RFC 4616), SCRAM (RFC 5802) and OAUTHBEARER (RFC 7628), the server's side for a listener and the client's for brokers among themselves.

mod client;
mod jaas;
mod oauthbearer;
mod plain;
mod scram;
mod server;

pub use client::{ClientExchange, ClientRefused};
pub use jaas::{Jaas, JaasError};
pub use oauthbearer::{KeySet, KeySetError, OAuthBearer, PublishedKeys, TokenRules};
pub use scram::{MAX_ITERATIONS, MIN_ITERATIONS, SaltedPassword, ScramCredential, ScramHash};
pub use server::{Exchange, Refused, SaslListener, ScramCredentials, Step};

use std::fmt;

/// How a client proves who it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Mechanism {
    /// The password itself.
    Plain,
    /// Proof of knowing the password, to either side.
    Scram(ScramHash),
    /// A token that an identity provider signed.
    OAuthBearer,
}

impl Mechanism {
    /// Every mechanism.
    pub const ALL: [Self; 4] = [
        Self::Plain,
        Self::Scram(ScramHash::Sha256),
        Self::Scram(ScramHash::Sha512),
        Self::OAuthBearer,
    ];

    /// As SASL names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Scram(ScramHash::Sha256) => "SCRAM-SHA-256",
            Self::Scram(ScramHash::Sha512) => "SCRAM-SHA-512",
            Self::OAuthBearer => "OAUTHBEARER",
        }
    }

    /// The mechanism of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mechanism| mechanism.name() == name)
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
