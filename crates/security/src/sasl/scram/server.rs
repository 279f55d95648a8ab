//! The server's side of an exchange: it asks for a proof, and checks it.

use super::{
    ScramCredential, ScramHash,
    messages::{ClientFinal, ClientFirst},
    nonce,
};
use aws_lc_rs::constant_time;
use base64::{Engine, prelude::BASE64_STANDARD};

/// An exchange that waits for the client's proof.
pub(in crate::sasl) struct AwaitingProof {
    hash: ScramHash,
    user: String,
    credential: ScramCredential,
    /// Whether there is such a user: one that there is not is refused only now, like a wrong password.
    is_known: bool,
    gs2_header: Vec<u8>,
    nonce: String,
    /// What of the nonce is the client's, in bytes.
    client_nonce: usize,
    /// Both first messages, with the comma after each.
    firsts: String,
}

/// Takes the client's first message; answers the server's. `find` says what is kept of a user's password, and whether there is such a
/// user.
///
/// # Errors
/// Why not, for the broker's log alone.
pub(in crate::sasl) fn begin(
    hash: ScramHash,
    message: &[u8],
    find: impl FnOnce(&str) -> (ScramCredential, bool),
) -> Result<(String, AwaitingProof), &'static str> {
    let text = std::str::from_utf8(message).map_err(|_| "a first message that is no text")?;
    let first = ClientFirst::parse(text)?;
    let (credential, is_known) = find(&first.user);
    let nonce = format!("{}{}", first.nonce, nonce()?);
    let salt = BASE64_STANDARD.encode(&credential.salt);
    let answer = format!("r={nonce},s={salt},i={}", credential.iterations);
    let waiting = AwaitingProof {
        hash,
        credential,
        is_known,
        gs2_header: first.gs2_header.as_bytes().to_vec(),
        firsts: format!("{},{answer},", first.bare),
        client_nonce: first.nonce.len(),
        user: first.user,
        nonce,
    };
    Ok((answer, waiting))
}

impl AwaitingProof {
    /// Takes the client's last message; answers the server's, which proves that the broker knows the user, and the user.
    ///
    /// # Errors
    /// Why not, for the broker's log alone.
    pub(in crate::sasl) fn finish(self, message: &[u8]) -> Result<(String, String), &'static str> {
        let text = std::str::from_utf8(message).map_err(|_| "a last message that is no text")?;
        let last = ClientFinal::parse(text)?;
        if !self.is_nonce(last.nonce) {
            return Err("a nonce that is not this exchange's");
        }
        if last.gs2_header != self.gs2_header {
            return Err("another header than in the first message");
        }
        let signed = format!("{}{}", self.firsts, last.without_proof);
        let is_proved = self.credential.is_proved(self.hash, signed.as_bytes(), &last.proof);
        if !is_proved || !self.is_known {
            return Err("unknown user or wrong password");
        }
        let signature = self.hash.sign(&self.credential.server_key, signed.as_bytes());
        Ok((format!("v={}", BASE64_STANDARD.encode(signature)), self.user))
    }

    /// Whether it is this exchange's. Old librdkafka (2.0 of Debian's kcat, for one) puts its own part before the whole once more, which is
    /// as good: the broker's part is in it, and the proof is about what was sent.
    fn is_nonce(&self, given: &str) -> bool {
        let same = |given: &str| {
            let (given, expected) = (given.as_bytes(), self.nonce.as_bytes());
            constant_time::verify_slices_are_equal(given, expected).is_ok()
        };
        let repeated = self.nonce.get(..self.client_nonce);
        same(given) || repeated.and_then(|own| given.strip_prefix(own)).is_some_and(same)
    }
}
