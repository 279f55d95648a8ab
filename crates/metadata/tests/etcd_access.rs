//! A real etcd over TLS that asks for a certificate, and then for a password: who comes in, and who does not.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use bytes::Bytes;
use metadata::{
    EtcdAccess, EtcdOptions, EtcdStore, EtcdTls, EtcdTlsFiles, MetadataError, MetadataStore,
    Operation, RangeQuery, Transaction,
};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use runtime::Randomness;
use services::{Purpose, SecuredEtcd, free_port};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;

/// An authority, and the keys that it vouches for, in a directory.
fn authority(directory: &Path) -> Issuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    fs::create_dir_all(directory).unwrap();
    fs::write(directory.join("authority.pem"), certificate.pem()).unwrap();
    Issuer::new(params, key)
}

fn issue(issuer: &Issuer<'static, KeyPair>, directory: &Path, name: &str) {
    let mut params =
        CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    let text = format!("{}{}", key.serialize_pem(), certificate.pem());
    fs::write(directory.join(format!("{name}.pem")), text).unwrap();
}

struct Setting {
    directory: TempDir,
    etcd: SecuredEtcd,
    port: u16,
}

impl Setting {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let issuer = authority(directory.path());
        for name in ["server", "broker"] {
            issue(&issuer, directory.path(), name);
        }
        let stranger = directory.path().join("stranger");
        issue(&authority(&stranger), &stranger, "broker");
        let port = free_port().unwrap();
        let etcd = SecuredEtcd::start_in(Purpose::Test, directory.path(), port).unwrap();
        Self { directory, etcd, port }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn endpoint(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    async fn store(
        &self,
        authorities: &str,
        identity: Option<&str>,
        login: Option<(&str, &str)>,
    ) -> Result<EtcdStore, MetadataError> {
        let identity = identity.map(|name| (self.file(name), self.file(name)));
        let files = EtcdTlsFiles { authorities: self.file(authorities), identity };
        let tls = Some(EtcdTls::read(&files).unwrap());
        let login = login.map(|(user, password)| (user.to_owned(), password.to_owned()));
        let options = EtcdOptions {
            access: EtcdAccess { tls, login },
            call_timeout: Duration::from_secs(3),
            ..EtcdOptions::new([self.endpoint()])
        };
        EtcdStore::connect(options, Randomness::seeded(1)).await
    }
}

fn query() -> RangeQuery {
    RangeQuery::prefix(Bytes::from_static(b"k"))
}

async fn put(store: &EtcdStore, value: &'static str) -> Result<(), MetadataError> {
    let put = Operation::put(Bytes::from_static(b"k"), Bytes::from_static(value.as_bytes()));
    let transaction = Transaction { then: vec![put], ..Transaction::default() };
    store.transact(transaction).await.map(drop)
}

#[tokio::test]
async fn etcd_over_tls_lets_in_who_shows_its_certificate() {
    let setting = Setting::start();
    let store = setting.store("authority.pem", Some("broker.pem"), None).await.unwrap();
    put(&store, "v").await.unwrap();
    assert_eq!(store.range(query()).await.unwrap().entries.len(), 1);
    for (what, authorities, identity) in [
        ("no certificate", "authority.pem", None),
        ("a stranger's certificate", "authority.pem", Some("stranger/broker.pem")),
        ("an etcd that is not trusted", "stranger/authority.pem", Some("broker.pem")),
    ] {
        let store = setting.store(authorities, identity, None).await.unwrap();
        let refused = store.range(query()).await;
        assert!(matches!(refused, Err(MetadataError::Unavailable(_))), "{what}: {refused:?}");
    }
}

/// Asks for passwords from now on.
async fn enable_passwords(setting: &Setting) {
    use etcd_client::{Certificate, Client, ConnectOptions, Identity, TlsOptions};
    let read = |name: &str| fs::read(setting.file(name)).unwrap();
    let tls = TlsOptions::new()
        .ca_certificate(Certificate::from_pem(read("authority.pem")))
        .identity(Identity::from_pem(read("broker.pem"), read("broker.pem")));
    let options = ConnectOptions::new().with_tls(tls);
    let client = Client::connect([setting.endpoint()], Some(options)).await.unwrap();
    let mut auth = client.auth_client();
    auth.user_add("root", "root-secret", None).await.unwrap();
    auth.user_grant_role("root", "root").await.unwrap();
    auth.auth_enable().await.unwrap();
}

#[tokio::test]
async fn etcd_with_passwords_lets_in_who_knows_one_and_again_after_its_restart() {
    let mut setting = Setting::start();
    enable_passwords(&setting).await;
    let login = Some(("root", "root-secret"));
    let store = setting.store("authority.pem", Some("broker.pem"), login).await.unwrap();
    put(&store, "one").await.unwrap();
    // Its tokens lie in its memory.
    setting.etcd.restart().unwrap();
    let mut answer = put(&store, "two").await;
    for _ in 0..50 {
        if answer.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        answer = put(&store, "two").await;
    }
    answer.unwrap();
    let entries = store.range(query()).await.unwrap().entries;
    assert_eq!(entries[0].value, "two");

    let wrong = Some(("root", "guessed"));
    let refused = setting.store("authority.pem", Some("broker.pem"), wrong).await.unwrap_err();
    assert!(matches!(refused, MetadataError::Refused(_)), "{refused}");
    assert!(!refused.to_string().contains("guessed"), "{refused}");
    // The certificate's name is no user of etcd's.
    let store = setting.store("authority.pem", Some("broker.pem"), None).await.unwrap();
    assert!(put(&store, "three").await.is_err());
}
