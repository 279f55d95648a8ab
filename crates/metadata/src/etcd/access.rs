//! [`EtcdAccess`]: how a broker comes in at etcd, and how it knows that it is etcd.

use etcd_client::{Certificate, Identity, TlsOptions};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// How etcd is come in at; the default is in the open, as nobody.
#[derive(Clone, Default)]
pub struct EtcdAccess {
    /// Encrypts, and proves who etcd is.
    pub tls: Option<EtcdTls>,
    /// User and password, where etcd asks for them.
    pub login: Option<(String, String)>,
}

/// Keys and certificates that were read and fit each other.
#[derive(Clone)]
pub struct EtcdTls {
    authorities: Vec<u8>,
    /// Certificate chain and key.
    identity: Option<(Vec<u8>, Vec<u8>)>,
}

/// The files of [`EtcdTls`], in PEM.
#[derive(Clone, Debug)]
pub struct EtcdTlsFiles {
    /// `etcd.ssl.ca.location`.
    pub authorities: PathBuf,
    /// `etcd.ssl.certificate.location` and `etcd.ssl.key.location`.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// Files that can't be used. Shows no key.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{setting} {path}: {reason}")]
pub struct EtcdTlsError {
    setting: &'static str,
    path: String,
    reason: String,
}

const AUTHORITIES: &str = "etcd.ssl.ca.location";
const CERTIFICATE: &str = "etcd.ssl.certificate.location";
const KEY: &str = "etcd.ssl.key.location";

impl EtcdTls {
    /// Reads the files, and checks what etcd's client would only find when it connects.
    ///
    /// # Errors
    /// [`EtcdTlsError`].
    pub fn read(files: &EtcdTlsFiles) -> Result<Self, EtcdTlsError> {
        let (authorities, trusted) = certificates(AUTHORITIES, &files.authorities)?;
        let mut roots = RootCertStore::empty();
        for certificate in trusted {
            let added = roots.add(certificate);
            added.map_err(|error| bad(AUTHORITIES, &files.authorities, &error))?;
        }
        let Some((certificate_file, key_file)) = &files.identity else {
            return Ok(Self { authorities, identity: None });
        };
        let (chain_text, chain) = certificates(CERTIFICATE, certificate_file)?;
        let key_text = read(KEY, key_file)?;
        let key = PrivateKeyDer::from_pem_slice(&key_text).map_err(|_| {
            bad(
                KEY,
                key_file,
                &"there is no private key in PEM (an encrypted one is not supported)",
            )
        })?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| bad(KEY, key_file, &error))?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .map_err(|error| {
                let certificate = certificate_file.display();
                bad(KEY, key_file, &format!("{error} (with {CERTIFICATE} {certificate})"))
            })?;
        Ok(Self { authorities, identity: Some((chain_text, key_text)) })
    }

    /// As etcd's client takes it. The name or address of a member must stand in its certificate.
    pub(super) fn options(&self) -> TlsOptions {
        let options = TlsOptions::new().ca_certificate(Certificate::from_pem(&self.authorities));
        match &self.identity {
            Some((chain, key)) => options.identity(Identity::from_pem(chain, key)),
            None => options,
        }
    }
}

fn certificates(
    setting: &'static str,
    path: &Path,
) -> Result<(Vec<u8>, Vec<CertificateDer<'static>>), EtcdTlsError> {
    let text = read(setting, path)?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let read = read.map_err(|error| bad(setting, path, &format!("no PEM: {error:?}")))?;
    if read.is_empty() {
        return Err(bad(setting, path, &"there is no certificate in PEM"));
    }
    Ok((text, read))
}

fn read(setting: &'static str, path: &Path) -> Result<Vec<u8>, EtcdTlsError> {
    fs::read(path).map_err(|error| bad(setting, path, &error))
}

fn bad(setting: &'static str, path: &Path, reason: &dyn fmt::Display) -> EtcdTlsError {
    EtcdTlsError { setting, path: path.display().to_string(), reason: reason.to_string() }
}

/// Without keys and password.
impl fmt::Debug for EtcdAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdAccess")
            .field("tls", &self.tls)
            .field("user", &self.login.as_ref().map(|(user, _)| user))
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for EtcdTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdTls")
            .field("has_identity", &self.identity.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Made {
        directory: tempfile::TempDir,
    }

    impl Made {
        fn new() -> Self {
            let made = Self { directory: tempfile::tempdir().unwrap() };
            for name in ["a", "b"] {
                let pair = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
                fs::write(made.file(&format!("{name}.crt")), pair.cert.pem()).unwrap();
                fs::write(made.file(&format!("{name}.key")), pair.signing_key.serialize_pem())
                    .unwrap();
            }
            fs::write(made.file("rubbish"), "rubbish").unwrap();
            made
        }

        fn file(&self, name: &str) -> PathBuf {
            self.directory.path().join(name)
        }

        fn read(
            &self,
            authorities: &str,
            identity: Option<(&str, &str)>,
        ) -> Result<EtcdTls, String> {
            let identity =
                identity.map(|(certificate, key)| (self.file(certificate), self.file(key)));
            let files = EtcdTlsFiles { authorities: self.file(authorities), identity };
            EtcdTls::read(&files).map_err(|error| error.to_string())
        }
    }

    #[test]
    fn files_that_can_not_be_used_are_named_with_their_setting() {
        let made = Made::new();
        assert!(made.read("a.crt", None).is_ok());
        assert!(made.read("a.crt", Some(("b.crt", "b.key"))).is_ok());
        for (authorities, identity, told) in [
            ("none", None, "etcd.ssl.ca.location"),
            ("rubbish", None, "there is no certificate in PEM"),
            ("a.key", None, "there is no certificate in PEM"),
            ("a.crt", Some(("none", "a.key")), "etcd.ssl.certificate.location"),
            ("a.crt", Some(("a.crt", "none")), "etcd.ssl.key.location"),
            ("a.crt", Some(("a.crt", "a.crt")), "there is no private key"),
            ("a.crt", Some(("a.crt", "b.key")), "(with etcd.ssl.certificate.location"),
        ] {
            let problem = made.read(authorities, identity).unwrap_err();
            assert!(problem.contains(told) && !problem.contains("BEGIN"), "{told}: {problem}");
        }
    }
}
