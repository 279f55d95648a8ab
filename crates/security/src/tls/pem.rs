//! Reading keys and certificates in PEM.

use super::{KeySource, TlsError, TlsSettings, TrustSource};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{fs, path::Path};

const KEYSTORE: &str = "ssl.keystore.location";
const TRUSTSTORE: &str = "ssl.truststore.location";
const KEY: &str = "ssl.keystore.key";
const CHAIN: &str = "ssl.keystore.certificate.chain";
const CERTIFICATES: &str = "ssl.truststore.certificates";

/// What the sources of a set-up hold now.
#[derive(PartialEq, Eq)]
pub(super) struct PemTexts {
    key: Option<(&'static str, Vec<u8>)>,
    chain: Option<(&'static str, Vec<u8>)>,
    trust: Option<(&'static str, Vec<u8>)>,
}

/// A certificate chain and its key.
pub(super) type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

impl PemTexts {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsError::File`].
    pub(super) fn read(settings: &TlsSettings) -> Result<Self, TlsError> {
        let (key, chain) = match &settings.key {
            None => (None, None),
            Some(KeySource::File(path)) if path.is_dir() => {
                let part = |name| read(KEYSTORE, &path.join(name)).map(|text| (KEYSTORE, text));
                (Some(part("tls.key")?), Some(part("tls.crt")?))
            }
            Some(KeySource::File(path)) => {
                let text = read(KEYSTORE, path)?;
                (Some((KEYSTORE, text.clone())), Some((KEYSTORE, text)))
            }
            Some(KeySource::Inline { key, chain }) => {
                (Some((KEY, inline(key))), Some((CHAIN, inline(chain))))
            }
        };
        let trust = match &settings.trust {
            None => None,
            Some(TrustSource::File(path)) => Some((TRUSTSTORE, read(TRUSTSTORE, path)?)),
            Some(TrustSource::Inline(text)) => Some((CERTIFICATES, inline(text))),
        };
        Ok(Self { key, chain, trust })
    }

    /// Chain and key, when there is a source of them.
    ///
    /// # Errors
    /// [`TlsError::Content`].
    pub(super) fn identity(&self) -> Result<Option<Identity>, TlsError> {
        let (Some((key_setting, key)), Some((chain_setting, chain))) = (&self.key, &self.chain)
        else {
            return Ok(None);
        };
        let chain = certificates(chain_setting, chain)?;
        if contains(key, b"ENCRYPTED PRIVATE KEY") || contains(key, b"Proc-Type: 4,ENCRYPTED") {
            let reason = "an encrypted private key is not supported".to_owned();
            return Err(TlsError::Content { setting: key_setting, reason });
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::Content {
            setting: key_setting,
            reason: "there is no private key in PEM".to_owned(),
        })?;
        Ok(Some((chain, key)))
    }

    /// The certificates that are trusted, when there is a source of them.
    ///
    /// # Errors
    /// [`TlsError::Content`].
    pub(super) fn roots(&self) -> Result<Option<RootCertStore>, TlsError> {
        let Some((setting, text)) = &self.trust else { return Ok(None) };
        let mut roots = RootCertStore::empty();
        for certificate in certificates(setting, text)? {
            roots
                .add(certificate)
                .map_err(|error| TlsError::Content { setting, reason: error.to_string() })?;
        }
        Ok(Some(roots))
    }
}

fn read(setting: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|error| TlsError::File {
        setting,
        path: path.display().to_string(),
        reason: error.to_string(),
    })
}

/// A file of Java's properties writes line ends as `\n`.
fn inline(text: &str) -> Vec<u8> {
    text.replace("\\n", "\n").into_bytes()
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

fn certificates(
    setting: &'static str,
    text: &[u8],
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bad = |reason: String| TlsError::Content { setting, reason };
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    let read = read.map_err(|error| bad(format!("no PEM: {error:?}")))?;
    if read.is_empty() {
        return Err(bad("there is no certificate in PEM".to_owned()));
    }
    Ok(read)
}
