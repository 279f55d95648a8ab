//! Both ends over a pipe, with certificates of an authority made for the test.

use super::*;
use crate::Principal;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use runtime::net::BoxedStream;
use std::{fs, io, path::Path};

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Key and certificate of `name`.
    fn identity(&self, name: &str) -> String {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.distinguished_name.push(DnType::OrganizationName, "Test");
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        format!("{}{}", key.serialize_pem(), certificate.pem())
    }
}

fn settings(key: Option<&Path>, trust: Option<&str>, client_auth: ClientAuth) -> TlsSettings {
    TlsSettings {
        key: key.map(|path| KeySource::File(path.to_owned())),
        trust: trust.map(|pem| TrustSource::Inline(pem.to_owned())),
        client_auth,
        tls12: true,
        tls13: true,
        mapping: MappingRules::parse("RULE:^.*CN=([^,]+)$/$1/,DEFAULT").unwrap(),
    }
}

async fn meet(server: &TlsServer, client: &TlsClient, host: &str) -> io::Result<Principal> {
    let (near, far) = tokio::io::duplex(64 << 10);
    let near: BoxedStream = Box::new(near);
    let connecting = async {
        let mut stream = client.connect(host, near).await?;
        // A server's word on the client's certificate comes after the client's last one in TLS 1.3.
        let mut byte = [0];
        tokio::io::AsyncReadExt::read_exact(&mut stream, &mut byte).await
    };
    let accepting = async {
        let (mut stream, principal) = server.accept(Box::new(far)).await?;
        tokio::io::AsyncWriteExt::write_all(&mut stream, &[1]).await?;
        tokio::io::AsyncWriteExt::flush(&mut stream).await?;
        Ok(principal)
    };
    let (connected, accepted) = tokio::join!(connecting, accepting);
    connected?;
    accepted
}

struct Meeting {
    authority: Authority,
    directory: tempfile::TempDir,
}

impl Meeting {
    fn new() -> Self {
        Self { authority: Authority::new(), directory: tempfile::tempdir().unwrap() }
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, self.authority.identity(name)).unwrap();
        path
    }

    fn server(&self, client_auth: ClientAuth) -> TlsServer {
        let key = self.file("server");
        TlsServer::new(settings(Some(&key), Some(&self.authority.pem), client_auth)).unwrap()
    }

    fn client(&self, name: Option<&str>) -> TlsClient {
        let key = name.map(|name| self.file(name));
        let trust = Some(self.authority.pem.as_str());
        TlsClient::new(settings(key.as_deref(), trust, ClientAuth::None)).unwrap()
    }
}

#[tokio::test]
async fn a_client_without_certificate_is_nobody() {
    let meeting = Meeting::new();
    let (server, client) = (meeting.server(ClientAuth::Requested), meeting.client(None));
    let principal = meet(&server, &client, "localhost").await.unwrap();
    assert_eq!(principal, Principal::anonymous());
}

#[tokio::test]
async fn the_subject_of_a_certificate_is_mapped() {
    let meeting = Meeting::new();
    let (server, client) = (meeting.server(ClientAuth::Required), meeting.client(Some("alice")));
    let principal = meet(&server, &client, "localhost").await.unwrap();
    assert_eq!(principal.to_string(), "User:alice");
}

#[tokio::test]
async fn a_required_certificate_must_come_and_be_trusted() {
    let meeting = Meeting::new();
    let server = meeting.server(ClientAuth::Required);
    assert!(meet(&server, &meeting.client(None), "localhost").await.is_err());
    let stranger = Meeting::new();
    let key = stranger.file("alice");
    let trust = Some(meeting.authority.pem.as_str());
    let client = TlsClient::new(settings(Some(&key), trust, ClientAuth::None)).unwrap();
    assert!(meet(&server, &client, "localhost").await.is_err());
    let server = meeting.server(ClientAuth::Requested);
    assert!(meet(&server, &client, "localhost").await.is_err());
}

#[tokio::test]
async fn a_server_of_another_name_or_authority_is_not_trusted() {
    let meeting = Meeting::new();
    let server = meeting.server(ClientAuth::None);
    assert!(meet(&server, &meeting.client(None), "elsewhere").await.is_err());
    let stranger = Meeting::new();
    assert!(meet(&server, &stranger.client(None), "localhost").await.is_err());
}

#[tokio::test]
async fn new_keys_are_taken_and_broken_ones_are_not() {
    let meeting = Meeting::new();
    let server = meeting.server(ClientAuth::None);
    let client = meeting.client(None);
    assert_eq!(server.reload(), Ok(false));
    let before = fs::read(meeting.directory.path().join("server")).unwrap();
    fs::write(meeting.directory.path().join("server"), "rubbish").unwrap();
    assert!(server.reload().is_err());
    meet(&server, &client, "localhost").await.unwrap();
    // Of another authority: who trusts only the first does not come in any more.
    let stranger = Meeting::new();
    fs::write(meeting.directory.path().join("server"), stranger.authority.identity("x")).unwrap();
    assert_eq!(server.reload(), Ok(true));
    assert!(meet(&server, &client, "localhost").await.is_err());
    meet(&server, &stranger.client(None), "localhost").await.unwrap();
    fs::write(meeting.directory.path().join("server"), before).unwrap();
    assert_eq!(server.reload(), Ok(true));
    meet(&server, &client, "localhost").await.unwrap();
}

#[tokio::test]
async fn a_directory_holds_key_and_chain_as_kubernetes_mounts_them() {
    let meeting = Meeting::new();
    let directory = meeting.directory.path().join("secret");
    fs::create_dir(&directory).unwrap();
    let put = |identity: &str| {
        let (key, chain) = identity.split_at(identity.find("-----BEGIN CERTIFICATE").unwrap());
        fs::write(directory.join("tls.key"), key).unwrap();
        fs::write(directory.join("tls.crt"), chain).unwrap();
    };
    put(&meeting.authority.identity("first"));
    let server = TlsServer::new(settings(Some(&directory), None, ClientAuth::None)).unwrap();
    meet(&server, &meeting.client(None), "localhost").await.unwrap();
    put(&meeting.authority.identity("second"));
    assert_eq!(server.reload(), Ok(true));
    meet(&server, &meeting.client(None), "localhost").await.unwrap();
    fs::remove_file(directory.join("tls.key")).unwrap();
    assert!(server.reload().unwrap_err().to_string().contains("secret/tls.key"));
}

#[test]
fn what_is_missing_is_named_and_keys_are_not_shown() {
    let meeting = Meeting::new();
    let key = meeting.file("server");
    let none = TlsServer::new(settings(None, None, ClientAuth::None)).unwrap_err();
    assert!(none.to_string().contains("ssl.keystore.location"), "{none}");
    let none = TlsServer::new(settings(Some(&key), None, ClientAuth::Required)).unwrap_err();
    assert!(none.to_string().contains("ssl.truststore.location"), "{none}");
    let none = TlsClient::new(settings(None, None, ClientAuth::None)).unwrap_err();
    assert!(none.to_string().contains("ssl.truststore.location"), "{none}");
    let secret = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
    let inline = KeySource::Inline { key: secret.to_owned(), chain: String::new() };
    let inline = TlsSettings { key: Some(inline), ..settings(None, None, ClientAuth::None) };
    assert!(!format!("{inline:?}").contains("c2VjcmV0"));
    let error = TlsServer::new(inline).unwrap_err();
    assert!(!error.to_string().contains("c2VjcmV0"), "{error}");
}
