//! Exchanges between both sides, and what must not pass.

use super::*;
use proptest::prelude::*;

const HASH: ScramHash = ScramHash::Sha256;

fn known(password: &str) -> (ScramCredential, bool) {
    (ScramCredential::of_password(HASH, password).unwrap(), true)
}

/// What the server says to an honest client.
fn exchange(kept: (ScramCredential, bool), password: &str) -> Result<String, &'static str> {
    let (mut client, message) = ScramClient::begin(HASH, "al,i=ce", password).unwrap();
    let (answer, waiting) = begin(HASH, message.as_bytes(), |user| {
        assert_eq!(user, "al,i=ce");
        kept
    })?;
    let proof = client.step(answer.as_bytes())?.unwrap();
    let (signature, user) = waiting.finish(proof.as_bytes())?;
    assert_eq!(client.step(signature.as_bytes())?, None);
    Ok(user)
}

#[test]
fn both_sides_prove_that_they_know_the_password() {
    assert_eq!(exchange(known("pencil"), "pencil").unwrap(), "al,i=ce");
}

#[test]
fn a_wrong_password_and_an_unknown_user_are_refused_alike() {
    let wrong = exchange(known("pencil"), "pen").unwrap_err();
    let unknown = exchange((known("pencil").0, false), "pencil").unwrap_err();
    assert_eq!(wrong, unknown);
}

#[test]
fn the_example_of_rfc_7677_has_its_keys() {
    let salt = base64::prelude::BASE64_STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
    let iterations = std::num::NonZeroU32::new(4096).unwrap();
    let salted = SaltedPassword::derive(HASH, "pencil", &salt, iterations);
    let credential = ScramCredential::new(&salted, salt, 4096);
    let signed = "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    let proof = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    let proof = base64::prelude::BASE64_STANDARD.decode(proof).unwrap();
    assert!(credential.is_proved(HASH, signed.as_bytes(), &proof));
    let signature = HASH.sign(&credential.server_key, signed.as_bytes());
    let signature = base64::prelude::BASE64_STANDARD.encode(signature);
    assert_eq!(signature, "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

#[test]
fn a_proof_of_another_exchange_does_not_pass() {
    let (mut client, message) = ScramClient::begin(HASH, "alice", "pencil").unwrap();
    let kept = known("pencil");
    let (answer, _) = begin(HASH, message.as_bytes(), |_| kept.clone()).unwrap();
    let (_, other) = begin(HASH, message.as_bytes(), |_| kept).unwrap();
    let proof = client.step(answer.as_bytes()).unwrap().unwrap();
    let refused = other.finish(proof.as_bytes()).unwrap_err();
    assert_eq!(refused, "a nonce that is not this exchange's");
}

#[test]
fn a_nonce_must_have_the_servers_part_and_may_have_the_clients_twice() {
    let iterations = std::num::NonZeroU32::new(4096).unwrap();
    let last = |alter: fn(&str) -> String| {
        let kept = known("pencil");
        let salted = SaltedPassword::derive(HASH, "pencil", &kept.0.salt, iterations);
        let (answer, waiting) = begin(HASH, b"n,,n=a,r=mine", |_| kept).unwrap();
        let nonce = answer.strip_prefix("r=").unwrap().split(',').next().unwrap();
        let without_proof = format!("c=biws,r={}", alter(nonce));
        let signed = format!("n=a,r=mine,{answer},{without_proof}");
        let (key, stored) = (salted.client_key(), HASH.hash(&salted.client_key()));
        let signature = HASH.sign(&stored, signed.as_bytes());
        let proof: Vec<u8> = key.iter().zip(&signature).map(|(a, b)| a ^ b).collect();
        let proof = base64::prelude::BASE64_STANDARD.encode(proof);
        waiting.finish(format!("{without_proof},p={proof}").as_bytes())
    };
    assert!(last(str::to_owned).is_ok());
    assert!(last(|nonce| format!("mine{nonce}")).is_ok());
    assert!(last(|_| "mine".to_owned()).is_err());
    assert!(last(|_| "minemine".to_owned()).is_err());
    assert!(last(|nonce| format!("minemine{nonce}")).is_err());
    assert!(last(|nonce| nonce.strip_prefix("mine").unwrap().to_owned()).is_err());
}

#[test]
fn first_messages_that_ask_for_more_are_refused() {
    for message in [
        "p=tls-unique,,n=a,r=x",
        "n,a=b,n=a,r=x",
        "n,b,n=a,r=x",
        "n,,n=,r=x",
        "n,,n=a=2,r=x",
        "n,,n=a,r=",
        "n,,n=a,r=x,tokenauth=true",
        "n,,m=x,n=a,r=x",
        "n,",
        "",
    ] {
        let refused = begin(HASH, message.as_bytes(), |_| known("p"));
        assert!(refused.is_err(), "{message}");
    }
    assert!(begin(HASH, b"n,a=a,n=a,r=x", |_| known("p")).is_ok());
}

#[test]
fn a_server_can_not_make_a_client_compute_for_ever_or_hardly_at_all() {
    for iterations in ["1", "4095", "16385", "4294967295", "-1"] {
        let (mut client, message) = ScramClient::begin(HASH, "a", "p").unwrap();
        let nonce = message.rsplit_once("r=").unwrap().1;
        let answer = format!("r={nonce}more,s=QUJD,i={iterations}");
        assert!(client.step(answer.as_bytes()).is_err(), "{iterations}");
    }
}

#[test]
fn a_server_must_add_to_the_nonce() {
    let (mut client, message) = ScramClient::begin(HASH, "a", "p").unwrap();
    let nonce = message.rsplit_once("r=").unwrap().1.to_owned();
    assert!(client.step(format!("r={nonce},s=QUJD,i=4096").as_bytes()).is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_refused(first in prop::collection::vec(any::<u8>(), 0..100), last in ".{0,100}") {
        let _begun = begin(HASH, &first, |_| (ScramCredential { salt: vec![1], stored_key: vec![0; 32], server_key: vec![0; 32], iterations: 4096 }, true));
        let kept = ScramCredential { salt: vec![1], stored_key: vec![0; 32], server_key: vec![0; 32], iterations: 4096 };
        let (_, waiting) = begin(HASH, b"n,,n=a,r=x", |_| (kept, true)).unwrap();
        prop_assert!(waiting.finish(last.as_bytes()).is_err());
    }
}
