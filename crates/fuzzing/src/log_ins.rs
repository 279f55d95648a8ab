//! What comes before anybody is known: messages of log-ins, tokens, and the keys that check them.

use crate::Decoder;
use security::sasl::{
    ClientExchange, KeySet, Mechanism, OAuthBearer, PublishedKeys, SaslListener, ScramCredential,
    ScramCredentials, ScramHash, Step, TokenRules,
};
use security::{Credentials, Principal};
use std::{collections::BTreeMap, sync::LazyLock, time::Duration};

/// A message of PLAIN.
pub(crate) const SASL_PLAIN: Decoder =
    Decoder { name: "sasl_plain", run: plain, seeds: plain_seeds };

/// The client's messages of SCRAM: the first, 0xff, the last.
pub(crate) const SASL_SCRAM: Decoder =
    Decoder { name: "sasl_scram", run: scram, seeds: scram_seeds };

/// The server's messages of SCRAM, as a client reads them, likewise.
pub(crate) const SASL_SCRAM_CLIENT: Decoder =
    Decoder { name: "sasl_scram_client", run: scram_client, seeds: scram_client_seeds };

/// The client's first message of OAUTHBEARER.
pub(crate) const SASL_OAUTHBEARER: Decoder =
    Decoder { name: "sasl_oauthbearer", run: oauthbearer, seeds: oauthbearer_seeds };

/// A token: header, claims and signature before they are encoded, parted by 0xff, or the token itself.
pub(crate) const TOKEN: Decoder = Decoder { name: "token", run: token, seeds: token_seeds };

/// A set of keys.
pub(crate) const KEY_SET: Decoder =
    Decoder { name: "key_set", run: |bytes| drop(KeySet::parse(bytes)), seeds: key_set_seeds };

/// 2026-01-01.
const NOW_MS: i64 = 1_767_225_600_000;
/// The public key of RFC 8037.
const KEYS: &str = r#"{"keys":[{"kty":"OKP","kid":"k","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
const HEADER: &str = r#"{"alg":"EdDSA","kid":"k"}"#;
const CLAIMS: &str = r#"{"iss":"i","aud":["a"],"sub":"alice","exp":1767229200,"nbf":1.5}"#;
const PART: u8 = 0xff;

static LISTENER: LazyLock<SaslListener> = LazyLock::new(|| {
    let users = BTreeMap::from([("alice".to_owned(), "wonder".to_owned())]);
    let known = (ScramHash::Sha256, "alice".to_owned(), "wonder".to_owned());
    let mechanisms = Mechanism::ALL.to_vec();
    let listener = SaslListener::new(mechanisms, &users, &[known]).expect("there is randomness");
    let rules = TokenRules {
        issuer: "i".to_owned(),
        audiences: vec!["a".to_owned()],
        principal_claim: "sub".to_owned(),
        clock_skew: Duration::from_secs(30),
    };
    let keys = PublishedKeys::default();
    keys.publish(KeySet::parse(KEYS.as_bytes()).expect("keys"));
    listener.with_tokens(OAuthBearer::new(rules, keys))
});

struct NobodyStored;

impl ScramCredentials for NobodyStored {
    fn find(&self, _: ScramHash, _: &str) -> Option<ScramCredential> {
        None
    }
}

/// Who gets in by these messages.
fn log_in(mechanism: Mechanism, messages: &[&[u8]]) -> Option<Principal> {
    let mut exchange = LISTENER.begin(mechanism.name()).expect("it is offered");
    for message in messages {
        match exchange.step(&LISTENER, &NobodyStored, message, NOW_MS) {
            Ok(Step::Done { principal, .. }) => return Some(principal),
            Ok(Step::Continue(_) | Step::Failing { .. }) => {}
            Err(_) => break,
        }
    }
    None
}

fn plain(bytes: &[u8]) {
    if let Some(principal) = log_in(Mechanism::Plain, &[bytes]) {
        assert!(principal.name() == "alice" && bytes.ends_with(b"\0wonder"), "{bytes:?}");
    }
}

/// Nobody gets in: the server's part of the nonce is another each time.
fn scram(bytes: &[u8]) {
    let messages: Vec<&[u8]> = bytes.split(|byte| *byte == PART).collect();
    for hash in [ScramHash::Sha256, ScramHash::Sha512] {
        assert_eq!(log_in(Mechanism::Scram(hash), &messages), None, "{bytes:?}");
    }
}

fn scram_client(bytes: &[u8]) {
    let credentials = Credentials {
        mechanism: Mechanism::Scram(ScramHash::Sha256),
        user: "alice".to_owned(),
        password: "wonder".to_owned(),
    };
    let Ok((mut exchange, _)) = ClientExchange::begin(&credentials) else { return };
    for message in bytes.split(|byte| *byte == PART) {
        if exchange.step(message).is_err() {
            break;
        }
    }
}

/// Nobody gets in: nobody here has the private key.
fn oauthbearer(bytes: &[u8]) {
    assert_eq!(log_in(Mechanism::OAuthBearer, &[bytes, b"\x01"]), None, "{bytes:?}");
}

fn token(bytes: &[u8]) {
    let parts: Vec<&[u8]> = bytes.split(|byte| *byte == PART).collect();
    let token = match parts[..] {
        [header, claims, signature] => {
            [header, claims, signature].map(base64url).join(".").into_bytes()
        }
        _ => bytes.to_vec(),
    };
    oauthbearer(&[b"n,,\x01auth=Bearer ", token.as_slice(), b"\x01\x01"].concat());
}

fn base64url(bytes: &[u8]) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(bytes)
}

fn plain_seeds() -> Vec<Vec<u8>> {
    ["\0alice\0wonder", "alice\0alice\0wonder", "bob\0alice\0wonder", "\0alice\0"]
        .map(|text| text.as_bytes().to_vec())
        .into()
}

fn scram_seeds() -> Vec<Vec<u8>> {
    let first = ["n,,n=alice,r=nonce", "n,a=alice,n=alice,r=nonce", "y,,n=a=2Cb=3Dc,r=n,x=y"];
    let last = ["c=biws,r=nonce,p=AAAA", "c=eSws,r=n,p=dGVzdA==", "c=biws"];
    let pairs = first.iter().zip(last);
    pairs.map(|(first, last)| parts(&[first.as_bytes(), last.as_bytes()])).collect()
}

fn scram_client_seeds() -> Vec<Vec<u8>> {
    let pairs = [
        ("r=nonce,s=c2FsdA==,i=4096", "v=AAAA"),
        ("r=nonce,s=c2FsdA==,i=99999999999", "e=other-error"),
        ("m=ext,r=n,s=AA==,i=4096", ""),
    ];
    pairs.map(|(first, last)| parts(&[first.as_bytes(), last.as_bytes()])).into()
}

fn oauthbearer_seeds() -> Vec<Vec<u8>> {
    let token = [HEADER, CLAIMS, "signature"].map(|part| base64url(part.as_bytes())).join(".");
    let messages = [
        format!("n,,\x01auth=Bearer {token}\x01\x01"),
        format!("y,a=al=2Cice,\x01host=h\x01port=1\x01auth=bearer {token}\x01ext=x\x01\x01"),
        "p=tls-unique,,\x01auth=Bearer t\x01\x01".to_owned(),
    ];
    messages.map(String::into_bytes).into()
}

fn token_seeds() -> Vec<Vec<u8>> {
    let signature = [7; 64];
    let headers = [
        HEADER,
        r#"{"alg":"none","kid":"k"}"#,
        r#"{"alg":"RS256","kid":"k","crit":["b64"],"b64":false}"#,
        r#"{"alg":"HS256","kid":"k","jwk":{"kty":"oct","k":"AA"}}"#,
    ];
    let token = |header: &str| parts(&[header.as_bytes(), CLAIMS.as_bytes(), &signature]);
    headers.map(token).into_iter().chain([b"a.b.c".to_vec(), b"a.b.c.d.e".to_vec()]).collect()
}

fn key_set_seeds() -> Vec<Vec<u8>> {
    let modulus = base64url(&[0xff; 256]);
    let coordinate = base64url(&[5; 32]);
    let sets = [
        KEYS.to_owned(),
        format!(
            r#"{{"keys":[{{"kty":"RSA","kid":"r","use":"sig","alg":"RS256","n":"{modulus}","e":"AQAB"}}]}}"#
        ),
        format!(
            r#"{{"keys":[{{"kty":"EC","kid":"e","crv":"P-256","x":"{coordinate}","y":"{coordinate}","key_ops":["verify"]}}]}}"#
        ),
        r#"{"keys":[{"kty":"oct","kid":"o","k":"AAAA"},{"kty":"RSA","d":"AA"},7,null]}"#.to_owned(),
    ];
    sets.map(String::into_bytes).into()
}

fn parts(parts: &[&[u8]]) -> Vec<u8> {
    parts.join(&PART)
}
