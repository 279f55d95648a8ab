//! [`TlsClient`]: the client's end of connections.

use super::{TlsError, TlsSettings, kept::Kept, pem::PemTexts, provider};
use runtime::net::BoxedStream;
use rustls::{ClientConfig, pki_types::ServerName};
use std::io;
use tokio_rustls::TlsConnector;

/// Makes TLS connections with the keys that its files held when they were last read. The name that was connected to must stand in the
/// server's certificate.
#[derive(Debug)]
pub struct TlsClient(Kept<ClientConfig>);

impl TlsClient {
    /// Reads the keys.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn new(settings: TlsSettings) -> Result<Self, TlsError> {
        Kept::new(settings, config).map(Self)
    }

    /// Reads the files again, and answers whether they hold something new.
    ///
    /// # Errors
    /// [`TlsError`]: what was read before stays in force.
    pub fn reload(&self) -> Result<bool, TlsError> {
        self.0.reload()
    }

    /// Shakes hands with the server `host`.
    ///
    /// # Errors
    /// The socket's, or why the server is not trusted.
    ///
    /// # Cancel safety
    /// None: the connection is lost.
    pub async fn connect(&self, host: &str, stream: BoxedStream) -> io::Result<BoxedStream> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let stream = TlsConnector::from(self.0.config()).connect(name, stream).await?;
        Ok(Box::new(stream))
    }
}

fn config(settings: &TlsSettings, texts: &PemTexts) -> Result<ClientConfig, TlsError> {
    let roots = texts.roots()?.ok_or(TlsError::Missing(
        "brokers that reach each other by TLS need ssl.truststore.location or ssl.truststore.certificates",
    ))?;
    let broken = |error: rustls::Error| TlsError::Content {
        setting: "ssl.keystore",
        reason: error.to_string(),
    };
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&settings.versions())
        .map_err(broken)?
        .with_root_certificates(roots);
    match texts.identity()? {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(broken),
        None => Ok(builder.with_no_client_auth()),
    }
}
