//! Listeners with OAUTHBEARER: what a token lets its bearer do over the wire, for how long, and what is said to whom it does not.

use crate::{broker::Served, client::Client};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use kafka::{ListenerSecurity, SaslSettings, ServerOptions};
use kafka_client::{Connection, ConnectionError};
use kafka_protocol::messages::*;
use rcgen::{KeyPair, PublicKeyData, SigningKey};
use runtime::Clock;
use security::{
    ClientSecurity, Credentials,
    sasl::{KeySet, Mechanism, OAuthBearer, PublishedKeys, SaslListener, TokenRules},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// 2026-01-01, in seconds.
const NOW: i64 = 1_767_225_600;
const ILLEGAL_SASL_STATE: i16 = 34;
const AUTHENTICATION_FAILED: i16 = 58;

struct Provider(KeyPair);

impl Provider {
    fn new() -> Self {
        Self(KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap())
    }

    fn keys(&self) -> KeySet {
        let x = URL_SAFE_NO_PAD.encode(self.0.der_bytes());
        let set = json!({"keys": [{"kty": "OKP", "kid": "k", "crv": "Ed25519", "x": x}]});
        KeySet::parse(set.to_string().as_bytes()).unwrap()
    }

    /// A token for so many seconds from the start of the test.
    fn token(&self, user: &str, seconds: i64) -> String {
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = part(json!({"alg": "EdDSA", "kid": "k"}));
        let claims = json!({"iss": "i", "aud": "a", "sub": user, "exp": NOW + seconds});
        let signed = format!("{header}.{}", part(claims));
        let signature = self.0.sign(signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// A broker that takes the provider's tokens, and passwords of PLAIN.
async fn served(keys: &PublishedKeys, max_reauth: Option<Duration>) -> Served {
    let rules = TokenRules {
        issuer: "i".to_owned(),
        audiences: vec!["a".to_owned()],
        principal_claim: "sub".to_owned(),
        clock_skew: Duration::ZERO,
    };
    let users = BTreeMap::from([("alice".to_owned(), "wonder".to_owned())]);
    let listener = SaslListener::new(vec![Mechanism::Plain], &users, &[]).unwrap();
    let sasl = SaslSettings {
        listener: Arc::new(listener.with_tokens(OAuthBearer::new(rules, keys.clone()))),
        max_reauth,
        failure_delay: Duration::from_millis(100),
        clock: Clock::simulated(NOW * 1_000),
    };
    let security = ListenerSecurity { sasl: Some(sasl), ..ListenerSecurity::default() };
    let security = BTreeMap::from([("SASL_PLAINTEXT".to_owned(), security)]);
    let options = ServerOptions { security, ..ServerOptions::default() };
    Served::start_listening("SASL_PLAINTEXT://127.0.0.1:9092", options, &[]).await
}

async fn published(provider: &Provider, max_reauth: Option<Duration>) -> Served {
    let keys = PublishedKeys::default();
    keys.publish(provider.keys());
    served(&keys, max_reauth).await
}

async fn authenticate(client: &mut Client, bytes: &[u8]) -> SaslAuthenticateResponse {
    let bytes = bytes.to_vec().into();
    client.call(2, SaslAuthenticateRequest::default().with_auth_bytes(bytes)).await
}

async fn shake_hands(client: &mut Client) -> i16 {
    let request = SaslHandshakeRequest::default().with_mechanism("OAUTHBEARER".into());
    client.call(1, request).await.error_code
}

/// Shows a token; answers the code and the lifetime.
async fn bear(client: &mut Client, token: &str) -> SaslAuthenticateResponse {
    assert_eq!(shake_hands(client).await, 0);
    authenticate(client, format!("n,,\x01auth=Bearer {token}\x01\x01").as_bytes()).await
}

#[tokio::test(start_paused = true)]
async fn a_token_lets_its_bearer_in_and_no_other() {
    let provider = Provider::new();
    let served = published(&provider, None).await;
    let (network, address) = served.way();
    let log_in = async |token: String| {
        let login =
            Credentials { mechanism: Mechanism::OAuthBearer, user: String::new(), password: token };
        let security = ClientSecurity { tls: None, login: Some(login) };
        Connection::open_secured(network, &address, &security).await
    };
    let mut connection = log_in(provider.token("alice", 60)).await.unwrap();
    connection.call(&MetadataRequest::default(), 12).await.unwrap();
    for forged in [Provider::new().token("alice", 60), provider.token("alice", 0)] {
        let refused = log_in(forged).await.unwrap_err();
        assert!(matches!(refused, ConnectionError::Refused { .. }), "{refused}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_is_told_in_json_and_then_by_code() {
    let provider = Provider::new();
    let served = published(&provider, None).await;
    let mut client = served.connect().await;
    let refused = bear(&mut client, &provider.token("alice", -1)).await;
    assert_eq!((refused.error_code, refused.session_lifetime_ms), (0, 0));
    let said: Value = serde_json::from_slice(&refused.auth_bytes).unwrap();
    assert_eq!(said, json!({"status": "invalid_token"}));
    // Whatever the last word is, it is no second chance.
    let message = format!("n,,\x01auth=Bearer {}\x01\x01", provider.token("alice", 60));
    let last = authenticate(&mut client, message.as_bytes()).await;
    assert_eq!(last.error_code, AUTHENTICATION_FAILED);
    client.expect_closed().await;

    let mut client = served.connect().await;
    assert_eq!(shake_hands(&mut client).await, 0);
    let refused = authenticate(&mut client, b"no message").await;
    let said: Value = serde_json::from_slice(&refused.auth_bytes).unwrap();
    assert_eq!(said, json!({"status": "invalid_request"}));
    assert_eq!(authenticate(&mut client, b"\x01").await.error_code, AUTHENTICATION_FAILED);
    client.expect_closed().await;

    // Nothing is served between the two.
    let mut client = served.connect().await;
    bear(&mut client, "a.b.c").await;
    client.send(12, &MetadataRequest::default()).await;
    client.expect_closed().await;
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_with_its_token_unless_another_is_shown() {
    let provider = Provider::new();
    let served = published(&provider, None).await;
    let mut client = served.connect().await;
    let answer = bear(&mut client, &provider.token("alice", 60)).await;
    assert_eq!(answer.session_lifetime_ms / 1_000, 59, "{answer:?}");
    tokio::time::sleep(Duration::from_secs(50)).await;
    let answer = bear(&mut client, &provider.token("alice", 300)).await;
    assert_eq!(answer.session_lifetime_ms / 1_000, 249, "{answer:?}");
    tokio::time::sleep(Duration::from_secs(200)).await;
    client.call(12, MetadataRequest::default()).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    client.send(12, &MetadataRequest::default()).await;
    client.expect_closed().await;
}

#[tokio::test(start_paused = true)]
async fn the_smaller_of_token_and_setting_bounds_a_session() {
    let provider = Provider::new();
    let served = published(&provider, Some(Duration::from_secs(60))).await;
    let mut client = served.connect().await;
    let answer = bear(&mut client, &provider.token("alice", 3_600)).await;
    assert_eq!(answer.session_lifetime_ms, 60_000);
    let answer = bear(&mut client, &provider.token("alice", 20)).await;
    assert_eq!(answer.session_lifetime_ms / 1_000, 19);
    tokio::time::sleep(Duration::from_secs(21)).await;
    client.send(12, &MetadataRequest::default()).await;
    client.expect_closed().await;
}

#[tokio::test(start_paused = true)]
async fn who_shows_another_users_token_anew_is_cut_off() {
    let provider = Provider::new();
    let served = published(&provider, None).await;
    let mut client = served.connect().await;
    assert_eq!(bear(&mut client, &provider.token("alice", 60)).await.error_code, 0);
    let answer = bear(&mut client, &provider.token("admin", 60)).await;
    assert_eq!(answer.error_code, AUTHENTICATION_FAILED);
    client.expect_closed().await;
    // Who came in by a password, which does not end, has nothing to show anew.
    let mut client = served.connect().await;
    let request = SaslHandshakeRequest::default().with_mechanism("PLAIN".into());
    assert_eq!(client.call(1, request).await.error_code, 0);
    assert_eq!(authenticate(&mut client, b"\0alice\0wonder").await.error_code, 0);
    assert_eq!(shake_hands(&mut client).await, ILLEGAL_SASL_STATE);
    client.expect_closed().await;
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_published_meanwhile_lets_its_tokens_in() {
    let (provider, keys) = (Provider::new(), PublishedKeys::default());
    let served = served(&keys, None).await;
    let mut client = served.connect().await;
    let token = provider.token("alice", 60);
    let publishing = async {
        keys.wanted().await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        keys.publish(provider.keys());
    };
    let (answer, ()) = tokio::join!(bear(&mut client, &token), publishing);
    assert!(answer.error_code == 0 && answer.auth_bytes.is_empty(), "{answer:?}");
    client.call(12, MetadataRequest::default()).await;
}

#[tokio::test(start_paused = true)]
async fn without_published_keys_no_token_is_believed() {
    let (provider, keys) = (Provider::new(), PublishedKeys::default());
    let served = served(&keys, None).await;
    let mut client = served.connect().await;
    let answer = bear(&mut client, &provider.token("alice", 60)).await;
    assert!(!answer.auth_bytes.is_empty());
    assert_eq!(authenticate(&mut client, b"\x01").await.error_code, AUTHENTICATION_FAILED);
}

#[tokio::test(start_paused = true)]
async fn a_token_without_kafkas_headers_is_taken_as_well() {
    let provider = Provider::new();
    let served = published(&provider, None).await;
    let shaken = async || {
        let mut client = served.connect().await;
        let request = SaslHandshakeRequest::default().with_mechanism("OAUTHBEARER".into());
        assert_eq!(client.call(0, request).await.error_code, 0);
        client
    };
    let mut client = shaken().await;
    let message = format!("n,,\x01auth=Bearer {}\x01\x01", provider.token("alice", 60));
    client.send_frame(message.as_bytes()).await;
    assert!(client.receive_frame().await.unwrap().is_empty());
    client.call(12, MetadataRequest::default()).await;
    let mut client = shaken().await;
    client.send_frame(b"n,,\x01auth=Bearer x\x01\x01").await;
    assert!(!client.receive_frame().await.unwrap().is_empty());
    client.send_frame(b"\x01").await;
    client.expect_closed().await;
}
