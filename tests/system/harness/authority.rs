//! [`Authority`]: a certificate authority made for a test, and the key files that it vouches for.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Vouches for brokers on loopback and their clients.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    directory: PathBuf,
}

impl Authority {
    /// A new one, whose own certificate lies in `directory`.
    pub fn new(directory: &Path) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "test authority");
        let key = KeyPair::generate().unwrap();
        fs::create_dir_all(directory).unwrap();
        fs::write(directory.join("authority.pem"), params.self_signed(&key).unwrap().pem())
            .unwrap();
        Self { issuer: Issuer::new(params, key), directory: directory.to_owned() }
    }

    /// The file that clients trust.
    pub fn certificate(&self) -> String {
        self.directory.join("authority.pem").display().to_string()
    }

    /// Makes `{name}.pem`, a key and a certificate for `CN=name` on loopback, anew if it is there; answers the file.
    pub fn issue(&self, name: &str) -> String {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let file = self.directory.join(format!("{name}.pem"));
        // At once: a broker may read it at any moment.
        let new = self.directory.join(format!("{name}.new"));
        fs::write(&new, format!("{}{}", key.serialize_pem(), certificate.pem())).unwrap();
        fs::rename(new, &file).unwrap();
        file.display().to_string()
    }
}
