//! What is taken for keys, from a provider on loopback.

use super::*;
use runtime::net::BoxedStream;
use security::tls::{ClientAuth, KeySource, MappingRules, TlsServer, TlsSettings};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt, net::TcpListener};

const KEYS: &str = r#"{"keys":[{"kty":"OKP","kid":"k","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

/// Answers every request over TLS with the same bytes.
struct Provider {
    directory: TempDir,
    url: String,
}

impl Provider {
    async fn start(answer: String) -> Self {
        // An error means that another test has installed it.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let directory = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        fs::write(directory.path().join("trusted.pem"), made.cert.pem()).unwrap();
        let settings = TlsSettings {
            key: Some(KeySource::Inline {
                key: made.signing_key.serialize_pem(),
                chain: made.cert.pem(),
            }),
            trust: None,
            client_auth: ClientAuth::None,
            tls12: true,
            tls13: true,
            mapping: MappingRules::parse("DEFAULT").unwrap(),
        };
        let tls = Arc::new(TlsServer::new(settings).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}/keys", listener.local_addr().unwrap().port());
        runtime::Tasks::new().spawn("provider", async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let stream: BoxedStream = Box::new(stream);
                let Ok((mut stream, _)) = tls.accept(stream).await else { continue };
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        Self { directory, url }
    }

    async fn says(answer: &str) -> Result<KeySet, Failed> {
        let provider = Self::start(answer.to_owned()).await;
        provider.read(Some(&provider.directory.path().join("trusted.pem"))).await
    }

    async fn read(&self, trust: Option<&Path>) -> Result<KeySet, Failed> {
        KeySetPlace::new(&self.url, &[], trust).unwrap().read().await
    }
}

fn answer(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn refused(read: Result<KeySet, Failed>) -> String {
    match read {
        Err(Failed::Refused(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

fn unavailable(read: Result<KeySet, Failed>) -> String {
    match read {
        Err(Failed::Unavailable(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn keys_are_read_from_a_provider_that_is_trusted() {
    assert_eq!(Provider::says(&answer("200 OK", KEYS)).await.unwrap().len(), 1);
    let provider = Provider::start(answer("200 OK", KEYS)).await;
    let reason = unavailable(provider.read(None).await);
    assert!(reason.contains("certificate"), "{reason}");
}

#[tokio::test]
async fn a_redirect_is_not_followed_to_whatever_host() {
    let elsewhere = Provider::start(answer("200 OK", KEYS)).await;
    let location =
        format!("HTTP/1.1 302 Found\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", elsewhere.url);
    let reason = refused(Provider::says(&location).await);
    assert!(reason.contains("redirects"), "{reason}");
}

#[tokio::test]
async fn what_is_no_set_of_keys_is_refused_and_what_may_pass_is_not() {
    assert!(refused(Provider::says(&answer("404 Not Found", KEYS)).await).contains("404"));
    assert!(refused(Provider::says(&answer("200 OK", "<html>")).await).contains("no JWK set"));
    assert!(refused(Provider::says(&answer("200 OK", r#"{"keys":[]}"#)).await).contains("no key"));
    assert!(unavailable(Provider::says(&answer("503 Busy", KEYS)).await).contains("503"));
    assert!(
        !unavailable(Provider::says("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{").await)
            .is_empty()
    );
}

#[tokio::test]
async fn an_endless_set_is_cut_off() {
    let body = format!("{{\"keys\":[],\"padding\":\"{}\"}}", "x".repeat(MAX_BYTES));
    assert!(refused(Provider::says(&answer("200 OK", &body)).await).contains("more than"));
    let without_length = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{body}");
    assert!(refused(Provider::says(&without_length).await).contains("more than"));
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(&file, &body).unwrap();
    assert!(refused(of_file(file.path()).read().await).contains("more than"));
}

fn of_file(path: &Path) -> KeySetPlace {
    let url = format!("file://{}", path.display());
    KeySetPlace::new(&url, &[&url], None).unwrap()
}

#[tokio::test]
async fn a_provider_that_never_answers_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/keys", listener.local_addr().unwrap().port());
    let place = KeySetPlace::new(&url, &[], None).unwrap();
    let began = Instant::now();
    tokio::time::pause();
    unavailable(place.read().await);
    assert!(began.elapsed() <= PATIENCE + Duration::from_secs(1));
}

fn keys_of(path: &Path) -> KeySets {
    KeySets {
        listener: "A".to_owned(),
        place: of_file(path),
        refresh: Duration::from_millis(50),
        first_pause: Duration::from_millis(10),
        longest_pause: Duration::from_millis(20),
        published: PublishedKeys::default(),
    }
}

#[tokio::test]
async fn keys_read_before_stay_in_force_and_the_place_is_named_that_has_none() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.json");
    fs::write(&path, KEYS).unwrap();
    let keys = keys_of(&path);
    keys.begin().await.unwrap();
    assert!(!keys.published.is_empty());
    fs::write(&path, "rubbish").unwrap();
    let message = keys.begin().await.unwrap_err().to_string();
    assert!(message.contains("listener A") && message.contains("no JWK set"), "{message}");
    assert!(!keys.published.is_empty());
}

#[tokio::test]
async fn keys_that_come_late_are_taken_in_a_while() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.json");
    let (keys, tasks) = (keys_of(&path), runtime::Tasks::new());
    let published = keys.published.clone();
    tasks.spawn("keys", keys.keep_fresh(Randomness::seeded(1), tasks.shutdown()));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(published.is_empty());
    fs::write(&path, KEYS).unwrap();
    while published.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tasks.shut_down().await;
}
