//! TLS 1.2 and 1.3 by rustls: key files in PEM, read again while a broker runs, and the principals of client certificates.

mod client;
mod distinguished_name;
mod kept;
mod mapping;
mod pem;
mod server;
#[cfg(test)]
mod tests;

pub use client::TlsClient;
pub use mapping::{MappingError, MappingRules};
pub use server::TlsServer;

use rustls::{
    SupportedProtocolVersion,
    crypto::CryptoProvider,
    version::{TLS12, TLS13},
};
use std::{fmt, path::PathBuf, sync::Arc};

/// Where a private key and its certificate chain come from.
#[derive(Clone)]
pub enum KeySource {
    /// `ssl.keystore.location`: a PEM file with both; or a directory with `tls.key` and `tls.crt`, as Kubernetes mounts a secret of type
    /// `kubernetes.io/tls`.
    File(PathBuf),
    /// `ssl.keystore.key` and `ssl.keystore.certificate.chain`.
    Inline {
        /// The key.
        key: String,
        /// Its certificate first.
        chain: String,
    },
}

/// Where the certificates that are trusted come from.
#[derive(Clone)]
pub enum TrustSource {
    /// `ssl.truststore.location`: a PEM file.
    File(PathBuf),
    /// `ssl.truststore.certificates`.
    Inline(String),
}

/// `ssl.client.auth`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ClientAuth {
    /// Clients show no certificate.
    #[default]
    None,
    /// They may; one that is not trusted is refused.
    Requested,
    /// They must.
    Required,
}

/// How one end of a connection is set up.
#[derive(Clone, Debug)]
pub struct TlsSettings {
    /// This end's key; a server needs one.
    pub key: Option<KeySource>,
    /// Whom it trusts.
    pub trust: Option<TrustSource>,
    /// What a server asks of its clients.
    pub client_auth: ClientAuth,
    /// `ssl.enabled.protocols` has TLSv1.2.
    pub tls12: bool,
    /// `ssl.enabled.protocols` has TLSv1.3.
    pub tls13: bool,
    /// Who a client's certificate belongs to.
    pub mapping: MappingRules,
}

/// A set-up that can't be had. Each names the setting, and none shows a key.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that can't be read.
    #[error("{setting} {path}: {reason}")]
    File {
        /// The setting.
        setting: &'static str,
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// What is not set.
    #[error("{0}")]
    Missing(&'static str),
    /// PEM text without what is wanted.
    #[error("{setting}: {reason}")]
    Content {
        /// The setting.
        setting: &'static str,
        /// What is wrong.
        reason: String,
    },
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Inline { .. } => f.write_str("Inline"),
        }
    }
}

impl fmt::Debug for TrustSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Inline(_) => f.write_str("Inline"),
        }
    }
}

impl TlsSettings {
    fn versions(&self) -> Vec<&'static SupportedProtocolVersion> {
        let versions = [(self.tls13, &TLS13), (self.tls12, &TLS12)];
        versions.into_iter().filter_map(|(enabled, version)| enabled.then_some(version)).collect()
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}
