//! A token (JWS in compact form, RFC 7515) and what it must say of itself (RFC 7519).

use super::{Bearer, KeySet, algorithm::Algorithm};
use crate::Principal;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use std::time::Duration;

/// The longest name of a principal, in bytes: as long as access rules may name one.
const MAX_PRINCIPAL_BYTES: usize = 4096;
/// The last second of the year 9999: what lies beyond is no date.
const MAX_SECONDS: f64 = 253_402_300_799.0;

/// A token that was taken apart, and not yet believed.
pub(super) struct Token<'a> {
    /// What the signature is of: header and claims as they came.
    signed: &'a str,
    signature: Vec<u8>,
    algorithm: Algorithm,
    key_id: String,
    claims: Map<String, Value>,
}

/// What a token must say.
#[derive(Clone, Debug)]
pub struct TokenRules {
    /// `sasl.oauthbearer.expected.issuer`.
    pub issuer: String,
    /// `sasl.oauthbearer.expected.audience`: it must be for one of these.
    pub audiences: Vec<String>,
    /// `sasl.oauthbearer.sub.claim.name`: the claim that names the user.
    pub principal_claim: String,
    /// `sasl.oauthbearer.clock.skew.seconds`: how far clocks may differ.
    pub clock_skew: Duration,
}

impl<'a> Token<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// What is wrong with its form, or that it is signed in a way that nobody is let in by.
    pub(super) fn parse(text: &'a str) -> Result<Self, &'static str> {
        let (signed, signature) = text.rsplit_once('.').ok_or("what is no token")?;
        let (header, claims) = signed.split_once('.').ok_or("what is no token")?;
        if claims.contains('.') {
            return Err("a token that is encrypted");
        }
        let header = object(header).ok_or("a token with a header that is none")?;
        // A token that says what must be understood of it has to be understood.
        if header.contains_key("crit") {
            return Err("a token with critical extensions");
        }
        let text = |name: &str| header.get(name).and_then(Value::as_str);
        let algorithm = match text("alg").ok_or("a token without an algorithm")? {
            none if none.eq_ignore_ascii_case("none") => return Err("a token without a signature"),
            name => Algorithm::from_name(name)
                .ok_or("a token signed by an algorithm that is not accepted")?,
        };
        let key_id = text("kid").filter(|id| !id.is_empty()).ok_or("a token without a kid")?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok().filter(|it| !it.is_empty());
        Ok(Self {
            signed,
            signature: signature.ok_or("a token without a signature")?,
            algorithm,
            key_id: key_id.to_owned(),
            claims: object(claims).ok_or("a token with claims that are none")?,
        })
    }

    /// The name of the key that it is said to be signed with.
    pub(super) fn key_id(&self) -> &str {
        &self.key_id
    }

    /// What it says.
    pub(super) fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// Whether one of the keys made its signature.
    pub(super) fn is_signed_by(&self, keys: &KeySet) -> bool {
        keys.checks(&self.key_id, self.algorithm, self.signed.as_bytes(), &self.signature)
    }
}

fn object(part: &str) -> Option<Map<String, Value>> {
    let text = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&text).ok()
}

impl TokenRules {
    /// Whose the token is, and until when, if its claims are what they must be.
    ///
    /// # Errors
    /// Which are not.
    pub(super) fn check(
        &self,
        claims: &Map<String, Value>,
        now_ms: i64,
    ) -> Result<Bearer, &'static str> {
        let issuer = claims.get("iss").ok_or("a token without an issuer")?;
        if issuer.as_str() != Some(self.issuer.as_str()) {
            return Err("a token by another issuer");
        }
        if !self.is_for_us(claims.get("aud").ok_or("a token without an audience")?) {
            return Err("a token for another audience");
        }
        let skew_ms = self.clock_skew.as_millis() as i64;
        let expires = date(claims, "exp")?.ok_or("a token without an expiry")?;
        let expires_unix_ms = expires.saturating_add(skew_ms);
        if now_ms >= expires_unix_ms {
            return Err("a token that has expired");
        }
        let begins = date(claims, "nbf")?;
        if begins.is_some_and(|begins| now_ms < begins.saturating_sub(skew_ms)) {
            return Err("a token that is not valid yet");
        }
        let name = claims.get(&self.principal_claim).and_then(Value::as_str).unwrap_or_default();
        let is_name = !name.is_empty() && name.len() <= MAX_PRINCIPAL_BYTES;
        if !is_name || name.chars().any(char::is_control) {
            return Err("a token whose sasl.oauthbearer.sub.claim.name names nobody");
        }
        Ok(Bearer { principal: Principal::user(name), expires_unix_ms })
    }

    fn is_for_us(&self, audience: &Value) -> bool {
        let is_ours =
            |it: &Value| it.as_str().is_some_and(|it| self.audiences.iter().any(|our| our == it));
        match audience {
            Value::Array(several) => several.iter().any(is_ours),
            one => is_ours(one),
        }
    }
}

/// A date in milliseconds since 1970; claims have seconds, with or without a fraction.
fn date(claims: &Map<String, Value>, name: &str) -> Result<Option<i64>, &'static str> {
    let Some(claim) = claims.get(name) else { return Ok(None) };
    let seconds = claim.as_f64().filter(|seconds| (0.0..=MAX_SECONDS).contains(seconds));
    seconds
        .map(|seconds| Some((seconds * 1_000.0) as i64))
        .ok_or("a token with a date that is none")
}
