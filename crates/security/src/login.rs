//! [`ClientSecurity`]: what a client needs to come in by a listener.

use crate::{sasl::Mechanism, tls::TlsClient};
use std::{fmt, sync::Arc};

/// How a connection to a broker is secured; the default is not at all.
#[derive(Clone, Debug, Default)]
pub struct ClientSecurity {
    /// Encrypts, and proves who the broker is.
    pub tls: Option<Arc<TlsClient>>,
    /// Proves who this client is.
    pub login: Option<Credentials>,
}

/// A name and a password, or a token, and how they are proved.
#[derive(Clone)]
pub struct Credentials {
    /// How.
    pub mechanism: Mechanism,
    /// The user; of no meaning with a token, which says so itself.
    pub user: String,
    /// The password, or the token.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("mechanism", &self.mechanism)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}
