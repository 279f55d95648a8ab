//! [`KeySet`]: the keys that an identity provider publishes (a JWK set, RFC 7517).

use super::algorithm::{Algorithm, Curve, PublicKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

/// Bytes of an RSA modulus: what the algorithms accept, 2048 to 8192 bits.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// Keys that check signatures, by their names; the default has none.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct KeySet(Vec<PublishedKey>);

#[derive(Clone, PartialEq, Eq, Debug)]
struct PublishedKey {
    id: String,
    /// The one algorithm that it is for, when it says so.
    algorithm: Option<String>,
    key: PublicKey,
}

/// Text that is no set of keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeySetError {
    /// Not even JSON of that form.
    #[error("it is no JWK set: a JSON object with a list named keys")]
    Form,
    /// None of its keys can be used.
    #[error(
        "no key of it can check a token: there must be one with a name (kid), for signatures, of RSA (2048 to 8192 bits), EC (P-256, P-384, P-521) or Ed25519"
    )]
    NoKey,
}

impl KeySet {
    /// Reads a set. Keys for other purposes, of other kinds and without a name are passed over, and so is a private key: who published it has
    /// given it away.
    ///
    /// # Errors
    /// [`KeySetError`].
    pub fn parse(text: &[u8]) -> Result<Self, KeySetError> {
        let set: Map<String, Value> =
            serde_json::from_slice(text).map_err(|_| KeySetError::Form)?;
        let keys = set.get("keys").and_then(Value::as_array).ok_or(KeySetError::Form)?;
        let keys: Vec<PublishedKey> = keys.iter().filter_map(PublishedKey::read).collect();
        if keys.is_empty() { Err(KeySetError::NoKey) } else { Ok(Self(keys)) }
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is a key of that name.
    pub(super) fn has(&self, id: &str) -> bool {
        self.0.iter().any(|key| key.id == id)
    }

    /// Whether a key of that name made the signature, by that algorithm.
    pub(super) fn checks(
        &self,
        id: &str,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        self.0.iter().any(|key| {
            key.id == id
                && key.algorithm.as_ref().is_none_or(|only| only == algorithm.name())
                && algorithm.is_signed(&key.key, message, signature)
        })
    }
}

impl PublishedKey {
    fn read(jwk: &Value) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let is_for_signatures = jwk.get("use").is_none_or(|it| it == "sig")
            && jwk.get("key_ops").is_none_or(|it| {
                it.as_array().is_some_and(|it| it.iter().any(|it| it == "verify"))
            });
        if !is_for_signatures || jwk.get("d").is_some() {
            return None;
        }
        let algorithm = jwk.get("alg").map(|it| it.as_str().map(str::to_owned));
        Some(Self {
            id: text("kid").filter(|id| !id.is_empty())?.to_owned(),
            algorithm: algorithm.map_or(Some(None), |it| it.map(Some))?,
            key: PublicKey::read(&text)?,
        })
    }
}

impl PublicKey {
    fn read<'a>(text: &impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?.trim_end_matches('=')).ok();
        match text("kty")? {
            "RSA" => {
                let [n, e] = [bytes("n")?, bytes("e")?].map(without_leading_zeros);
                let fits = RSA_BYTES.contains(&n.len()) && (1..=8).contains(&e.len());
                fits.then_some(Self::Rsa { n, e })
            }
            "EC" => {
                let curve = Curve::from_name(text("crv")?)?;
                let (x, y) = (bytes("x")?, bytes("y")?);
                let fits = x.len() == curve.length() && y.len() == curve.length();
                let point = [&[4], x.as_slice(), y.as_slice()].concat();
                fits.then_some(Self::Ec { curve, point })
            }
            "OKP" if text("crv")? == "Ed25519" => {
                bytes("x").filter(|it| it.len() == 32).map(Self::Ed25519)
            }
            _ => None,
        }
    }
}

fn without_leading_zeros(mut bytes: Vec<u8>) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.drain(..zeros);
    bytes
}
