//! [`TlsServer`]: the server's end of connections.

use super::{
    ClientAuth, TlsError, TlsSettings, distinguished_name, kept::Kept, pem::PemTexts, provider,
};
use crate::Principal;
use runtime::net::BoxedStream;
use rustls::{ServerConfig, pki_types::CertificateDer, server::WebPkiClientVerifier};
use std::{io, sync::Arc};
use tokio_rustls::TlsAcceptor;

/// Accepts TLS connections with the keys that its files held when they were last read.
#[derive(Debug)]
pub struct TlsServer(Kept<ServerConfig>);

impl TlsServer {
    /// Reads the keys.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn new(settings: TlsSettings) -> Result<Self, TlsError> {
        Kept::new(settings, config).map(Self)
    }

    /// Reads the files again, and answers whether they hold something new. Connections that stand keep what they began with.
    ///
    /// # Errors
    /// [`TlsError`]: what was read before stays in force.
    pub fn reload(&self) -> Result<bool, TlsError> {
        self.0.reload()
    }

    /// Shakes hands, and answers whose certificate the client showed: nobody's without one. A client that shows none where one is
    /// required, or one that is not trusted or that no rule maps, is refused.
    ///
    /// # Errors
    /// The socket's, or why the client is refused.
    ///
    /// # Cancel safety
    /// None: the connection is lost.
    pub async fn accept(&self, stream: BoxedStream) -> io::Result<(BoxedStream, Principal)> {
        let stream = TlsAcceptor::from(self.0.config()).accept(stream).await?;
        let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let principal = match certificate {
            None => Principal::anonymous(),
            Some(certificate) => self.owner(certificate).map_err(io::Error::other)?,
        };
        Ok((Box::new(stream), principal))
    }

    fn owner(&self, certificate: &CertificateDer<'_>) -> Result<Principal, String> {
        let parsed = webpki::EndEntityCert::try_from(certificate)
            .map_err(|error| format!("the client's certificate: {error}"))?;
        let name = distinguished_name::to_text(parsed.subject())
            .ok_or("the client's certificate has a subject that can't be read")?;
        let mapped = self.0.settings().mapping.apply(&name);
        mapped.map(|name| Principal::user(&name)).ok_or_else(|| {
            format!("no rule of ssl.principal.mapping.rules takes the subject {name:?}")
        })
    }
}

fn config(settings: &TlsSettings, texts: &PemTexts) -> Result<ServerConfig, TlsError> {
    let (chain, key) = texts.identity()?.ok_or(TlsError::Missing(
        "a listener with TLS needs ssl.keystore.location, or ssl.keystore.key and ssl.keystore.certificate.chain",
    ))?;
    let broken = |error: rustls::Error| TlsError::Content {
        setting: "ssl.keystore",
        reason: error.to_string(),
    };
    let builder = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&settings.versions())
        .map_err(broken)?;
    let builder = if settings.client_auth == ClientAuth::None {
        builder.with_no_client_auth()
    } else {
        let roots = texts.roots()?.ok_or(TlsError::Missing(
            "ssl.client.auth needs ssl.truststore.location or ssl.truststore.certificates",
        ))?;
        let mut verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
        if settings.client_auth == ClientAuth::Requested {
            verifier = verifier.allow_unauthenticated();
        }
        let verifier = verifier.build().map_err(|error| TlsError::Content {
            setting: "ssl.truststore",
            reason: error.to_string(),
        })?;
        builder.with_client_cert_verifier(verifier)
    };
    builder.with_single_cert(chain, key).map_err(broken)
}
