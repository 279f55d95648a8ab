//! Which tokens let somebody in, and the known ways to forge one.

use super::*;
use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::sync::OnceLock;

/// 2026-01-01, in seconds.
const NOW: i64 = 1_767_225_600;

/// An identity provider with a key of each kind.
struct Provider {
    rsa: RsaKeyPair,
    p256: EcdsaKeyPair,
    p384: EcdsaKeyPair,
    ed25519: Ed25519KeyPair,
}

fn provider() -> &'static Provider {
    static PROVIDER: OnceLock<Provider> = OnceLock::new();
    PROVIDER.get_or_init(|| Provider {
        rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
        p256: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
        p384: EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap(),
        ed25519: Ed25519KeyPair::generate().unwrap(),
    })
}

fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Modulus and exponent of a 2048-bit key.
fn rsa_numbers(pair: &RsaKeyPair) -> (Vec<u8>, Vec<u8>) {
    let der = pair.public_key().as_ref();
    (der[9..265].to_vec(), der[267..].to_vec())
}

fn rsa_jwk(id: &str, pair: &RsaKeyPair) -> Value {
    let (n, e) = rsa_numbers(pair);
    json!({"kty": "RSA", "kid": id, "use": "sig", "n": base64url(&n), "e": base64url(&e)})
}

fn ec_jwk(id: &str, curve: &str, pair: &EcdsaKeyPair) -> Value {
    let (x, y) = pair.public_key().as_ref()[1..].split_at(pair.public_key().as_ref().len() / 2);
    json!({"kty": "EC", "kid": id, "crv": curve, "x": base64url(x), "y": base64url(y)})
}

fn jwks() -> Vec<Value> {
    let keys = provider();
    let x = base64url(keys.ed25519.public_key().as_ref());
    vec![
        rsa_jwk("rsa", &keys.rsa),
        ec_jwk("p256", "P-256", &keys.p256),
        ec_jwk("p384", "P-384", &keys.p384),
        json!({"kty": "OKP", "kid": "ed", "crv": "Ed25519", "x": x}),
    ]
}

fn key_set(keys: &[Value]) -> Result<KeySet, KeySetError> {
    KeySet::parse(json!({"keys": keys}).to_string().as_bytes())
}

fn bearers() -> OAuthBearer {
    let rules = TokenRules {
        issuer: "https://issuer.example".to_owned(),
        audiences: vec!["kafka".to_owned(), "other".to_owned()],
        principal_claim: "sub".to_owned(),
        clock_skew: Duration::from_secs(30),
    };
    let keys = PublishedKeys::default();
    keys.publish(key_set(&jwks()).unwrap());
    OAuthBearer::new(rules, keys)
}

fn claims() -> Value {
    json!({"iss": "https://issuer.example", "aud": "kafka", "sub": "alice", "exp": NOW + 300})
}

/// The claims with some changed; null takes one out.
fn claims_with(changes: &Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

fn unsigned(header: &Value, claims: &Value) -> String {
    format!(
        "{}.{}",
        base64url(header.to_string().as_bytes()),
        base64url(claims.to_string().as_bytes())
    )
}

fn sign_rsa(pair: &RsaKeyPair, header: &Value, claims: &Value) -> String {
    let text = unsigned(header, claims);
    let mut signature = vec![0; pair.public_modulus_len()];
    let random = SystemRandom::new();
    let padding: &dyn aws_lc_rs::signature::RsaEncoding =
        if header["alg"] == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
    pair.sign(padding, &random, text.as_bytes(), &mut signature).unwrap();
    format!("{text}.{}", base64url(&signature))
}

fn token(claims: &Value) -> String {
    sign_rsa(&provider().rsa, &json!({"alg": "RS256", "kid": "rsa"}), claims)
}

fn judge(token: &str) -> Result<Bearer, Rejected> {
    bearers().authenticate(&client_message(token), NOW * 1_000)
}

fn reason(token: &str) -> &'static str {
    judge(token).unwrap_err().reason()
}

fn reason_of_claims(changes: &Value) -> &'static str {
    reason(&token(&claims_with(changes)))
}

#[test]
fn a_good_token_lets_its_subject_in_until_it_expires() {
    let bearer = judge(&token(&claims())).unwrap();
    assert_eq!(bearer.principal, Principal::user("alice"));
    assert_eq!(bearer.expires_unix_ms, (NOW + 330) * 1_000);
}

#[test]
fn every_kind_of_key_checks_its_own_tokens_and_no_others() {
    let keys = provider();
    let sign = |algorithm: &str, id: &str| {
        let header = json!({"alg": algorithm, "kid": id});
        let text = unsigned(&header, &claims());
        let random = SystemRandom::new();
        let signature = match algorithm {
            "ES256" => keys.p256.sign(&random, text.as_bytes()).unwrap().as_ref().to_vec(),
            "ES384" => keys.p384.sign(&random, text.as_bytes()).unwrap().as_ref().to_vec(),
            "EdDSA" => keys.ed25519.sign(text.as_bytes()).as_ref().to_vec(),
            _ => return sign_rsa(&keys.rsa, &header, &claims()),
        };
        format!("{text}.{}", base64url(&signature))
    };
    let own =
        [("RS256", "rsa"), ("PS256", "rsa"), ("ES256", "p256"), ("ES384", "p384"), ("EdDSA", "ed")];
    for (algorithm, _) in own {
        for id in ["rsa", "p256", "p384", "ed"] {
            let verdict = judge(&sign(algorithm, id));
            assert_eq!(verdict.is_ok(), own.contains(&(algorithm, id)), "{algorithm} {id}");
        }
    }
}

#[test]
fn a_token_without_a_signature_is_refused() {
    for algorithm in ["none", "None", "NONE", "nOnE"] {
        let text = unsigned(&json!({"alg": algorithm, "kid": "rsa"}), &claims());
        assert_eq!(reason(&format!("{text}.")), "a token without a signature");
        assert_eq!(reason(&format!("{text}.AAAA")), "a token without a signature");
    }
    let text = unsigned(&json!({"alg": "RS256", "kid": "rsa"}), &claims());
    assert_eq!(reason(&format!("{text}.")), "a token without a signature");
    assert!(judge(&text).is_err());
    assert_eq!(reason(&unsigned(&json!({"kid": "rsa"}), &claims())), "what is no token");
}

#[test]
fn a_token_signed_with_the_wrong_key_is_refused() {
    let stranger = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let forged = sign_rsa(&stranger, &json!({"alg": "RS256", "kid": "rsa"}), &claims());
    assert_eq!(reason(&forged), "a signature that no key checks");
    // Nor is a good signature good for other claims.
    let good = token(&claims());
    let (_, signature) = good.rsplit_once('.').unwrap();
    let header = json!({"alg": "RS256", "kid": "rsa"});
    let other = unsigned(&header, &claims_with(&json!({"sub": "admin"})));
    assert_eq!(reason(&format!("{other}.{signature}")), "a signature that no key checks");
}

#[test]
fn an_hmac_with_the_public_key_as_secret_is_refused() {
    let (n, e) = rsa_numbers(&provider().rsa);
    let der = provider().rsa.public_key().as_ref().to_vec();
    for (name, hash) in
        [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)]
    {
        for secret in [&der, &n, &e, &jwks()[0].to_string().into_bytes()] {
            let text = unsigned(&json!({"alg": name, "kid": "rsa"}), &claims());
            let tag = hmac::sign(&hmac::Key::new(hash, secret), text.as_bytes());
            let forged = format!("{text}.{}", base64url(tag.as_ref()));
            assert_eq!(reason(&forged), "a token signed by an algorithm that is not accepted");
        }
    }
    // A shared secret is no key, even when the provider publishes one.
    let shared = json!({"kty": "oct", "kid": "rsa", "k": base64url(b"secret"), "alg": "HS256"});
    assert_eq!(key_set(&[shared]), Err(KeySetError::NoKey));
}

#[test]
fn a_token_of_the_wrong_issuer_or_of_none_is_refused() {
    for other in [
        json!("https://issuer.example/"),
        json!("HTTPS://ISSUER.EXAMPLE"),
        json!(""),
        json!(["https://issuer.example"]),
    ] {
        assert_eq!(reason_of_claims(&json!({"iss": other})), "a token by another issuer");
    }
    assert_eq!(reason_of_claims(&json!({"iss": null})), "a token without an issuer");
}

#[test]
fn a_token_for_the_wrong_audience_or_for_none_is_refused() {
    for other in [json!("kafk"), json!("Kafka"), json!([]), json!(["a", "b"]), json!({"kafka": 1})]
    {
        assert_eq!(reason_of_claims(&json!({"aud": other})), "a token for another audience");
    }
    assert_eq!(reason_of_claims(&json!({"aud": null})), "a token without an audience");
    assert!(judge(&token(&claims_with(&json!({"aud": ["a", "other"]})))).is_ok());
}

#[test]
fn an_expired_token_is_refused_but_for_the_skew_of_clocks() {
    assert!(judge(&token(&claims_with(&json!({"exp": NOW - 29})))).is_ok());
    for exp in [NOW - 30, NOW - 3_600, 0] {
        assert_eq!(reason_of_claims(&json!({"exp": exp})), "a token that has expired");
    }
    assert_eq!(reason_of_claims(&json!({"exp": null})), "a token without an expiry");
    for exp in [json!("soon"), json!(-1), json!(1e300), json!(i64::MAX), json!([NOW])] {
        assert_eq!(reason_of_claims(&json!({"exp": exp})), "a token with a date that is none");
    }
}

#[test]
fn a_token_that_begins_in_the_future_is_refused_but_for_the_skew_of_clocks() {
    assert!(judge(&token(&claims_with(&json!({"nbf": NOW + 30})))).is_ok());
    assert_eq!(reason_of_claims(&json!({"nbf": NOW + 31})), "a token that is not valid yet");
    assert_eq!(reason_of_claims(&json!({"nbf": "now"})), "a token with a date that is none");
}

#[test]
fn an_authorization_id_other_than_the_principal_is_refused() {
    let with = |authorization: &str| {
        let message = format!("n,a={authorization},\x01auth=Bearer {}\x01\x01", token(&claims()));
        bearers().authenticate(message.as_bytes(), NOW * 1_000)
    };
    assert!(with("alice").is_ok());
    for other in ["admin", "Alice", "alice2"] {
        assert!(with(other).unwrap_err().reason().contains("authorization id"), "{other}");
    }
}

#[test]
fn an_oversized_token_is_refused() {
    let large = token(&claims_with(&json!({"groups": "x".repeat(30_000)})));
    assert!(reason(&large).contains("32 KiB"));
    assert!(judge(&token(&claims_with(&json!({"groups": "x".repeat(20_000)})))).is_ok());
}

#[test]
fn a_token_without_a_kid_or_with_one_that_is_not_published_is_refused() {
    let key = &provider().rsa;
    for header in [json!({"alg": "RS256"}), json!({"alg": "RS256", "kid": ""})] {
        assert_eq!(reason(&sign_rsa(key, &header, &claims())), "a token without a kid");
    }
    let other = sign_rsa(key, &json!({"alg": "RS256", "kid": "other"}), &claims());
    assert_eq!(judge(&other), Err(Rejected::UnknownKey));
}

#[test]
fn a_key_that_the_token_brings_or_points_at_is_not_believed() {
    let stranger = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    for (name, value) in [
        ("jwk", rsa_jwk("rsa", &stranger)),
        ("jku", json!("https://mallory.example/keys")),
        ("x5u", json!("file:///etc/passwd")),
        ("x5c", json!(["AAAA"])),
    ] {
        let header = json!({"alg": "RS256", "kid": "rsa", name: value});
        let forged = sign_rsa(&stranger, &header, &claims());
        assert_eq!(reason(&forged), "a signature that no key checks", "{name}");
    }
    let critical = json!({"alg": "RS256", "kid": "rsa", "crit": ["exp"]});
    let critical = sign_rsa(&provider().rsa, &critical, &claims());
    assert_eq!(reason(&critical), "a token with critical extensions");
}

#[test]
fn a_token_that_names_nobody_is_refused() {
    for name in
        [json!(null), json!(""), json!(7), json!(["alice"]), json!("a\nb"), json!("x".repeat(4097))]
    {
        assert!(reason_of_claims(&json!({"sub": name})).contains("names nobody"), "{name}");
    }
    let mut bearers = bearers();
    bearers.rules.principal_claim = "client_id".to_owned();
    let message = client_message(&token(&claims_with(&json!({"client_id": "app"}))));
    let bearer = bearers.authenticate(&message, NOW * 1_000).unwrap();
    assert_eq!(bearer.principal.name(), "app");
}

#[test]
fn a_published_key_is_only_for_what_it_says() {
    let key = &provider().rsa;
    let with = |name: &str, value: Value| {
        let mut jwk = rsa_jwk("rsa", key);
        jwk[name] = value;
        key_set(&[jwk])
    };
    for (name, value) in [
        ("use", json!("enc")),
        ("key_ops", json!(["encrypt"])),
        ("d", json!("AAAA")),
        ("kid", json!("")),
        ("kid", json!(7)),
        ("alg", json!(7)),
        ("n", json!(base64url(&[255; 128]))),
        ("n", json!("!")),
        ("e", json!("")),
        ("kty", json!("DSA")),
    ] {
        assert_eq!(with(name, value), Err(KeySetError::NoKey), "{name}");
    }
    let keys = PublishedKeys::default();
    keys.publish(with("alg", json!("PS256")).unwrap());
    let bearers = OAuthBearer::new(bearers().rules, keys);
    let message = client_message(&token(&claims()));
    assert!(bearers.authenticate(&message, NOW * 1_000).is_err());
    let header = json!({"alg": "PS256", "kid": "rsa"});
    let message = client_message(&sign_rsa(key, &header, &claims()));
    assert!(bearers.authenticate(&message, NOW * 1_000).is_ok());
    for text in ["", "[]", "{}", r#"{"keys": {}}"#] {
        assert_eq!(KeySet::parse(text.as_bytes()), Err(KeySetError::Form), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_in_waits_for_a_key_that_is_being_published() {
    let bearers = OAuthBearer::new(bearers().rules, PublishedKeys::default());
    let message = client_message(&token(&claims()));
    let publishing = async {
        bearers.keys.wanted().await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        bearers.keys.publish(key_set(&jwks()).unwrap());
    };
    tokio::join!(bearers.wait_for_key(&message, NOW * 1_000), publishing);
    assert!(bearers.authenticate(&message, NOW * 1_000).is_ok());
    // What is refused for another reason waits for nothing.
    let began = tokio::time::Instant::now();
    let expired = client_message(&token(&claims_with(&json!({"exp": 1}))));
    bearers.wait_for_key(&expired, NOW * 1_000).await;
    assert_eq!(began.elapsed(), Duration::ZERO);
    let other = sign_rsa(&provider().rsa, &json!({"alg": "RS256", "kid": "other"}), &claims());
    bearers.wait_for_key(&client_message(&other), NOW * 1_000).await;
    assert_eq!(began.elapsed(), KEY_PATIENCE);
}
