//! The client's side of an exchange.

use super::{
    MAX_ITERATIONS, MIN_ITERATIONS, SaltedPassword, ScramHash,
    messages::{ServerFirst, escaped},
    nonce,
};
use aws_lc_rs::constant_time;
use base64::{Engine, prelude::BASE64_STANDARD};
use std::num::NonZeroU32;

/// An exchange, as far as it has come.
pub(in crate::sasl) struct ScramClient {
    hash: ScramHash,
    password: String,
    state: State,
}

enum State {
    First { bare: String, nonce: String },
    Final { signature: Vec<u8> },
    Done,
}

impl ScramClient {
    /// The exchange, and its first message.
    ///
    /// # Errors
    /// The operating system has no randomness.
    pub(in crate::sasl) fn begin(
        hash: ScramHash,
        user: &str,
        password: &str,
    ) -> Result<(Self, String), &'static str> {
        let nonce = nonce()?;
        let bare = format!("n={},r={nonce}", escaped(user));
        let message = format!("n,,{bare}");
        let state = State::First { bare, nonce };
        Ok((Self { hash, password: password.to_owned(), state }, message))
    }

    /// Takes the server's message; answers the next one, or `None` when the server has proved itself.
    ///
    /// # Errors
    /// Why the server is not trusted.
    pub(in crate::sasl) fn step(&mut self, message: &[u8]) -> Result<Option<String>, &'static str> {
        let text = std::str::from_utf8(message).map_err(|_| "a message that is no text")?;
        match std::mem::replace(&mut self.state, State::Done) {
            State::First { bare, nonce } => self.prove(&bare, &nonce, text).map(Some),
            State::Final { signature } => {
                let given = text.strip_prefix("v=");
                let given = given.and_then(|it| BASE64_STANDARD.decode(it).ok());
                let given = given.ok_or("a last message without signature")?;
                constant_time::verify_slices_are_equal(&given, &signature)
                    .map_err(|_| "the server does not know the password")?;
                Ok(None)
            }
            State::Done => Err("a message after the last"),
        }
    }

    fn prove(&mut self, bare: &str, nonce: &str, text: &str) -> Result<String, &'static str> {
        let first = ServerFirst::parse(text)?;
        if !first.nonce.starts_with(nonce) || first.nonce.len() == nonce.len() {
            return Err("a nonce that is not this exchange's");
        }
        let asked = (MIN_ITERATIONS..=MAX_ITERATIONS).contains(&first.iterations);
        let iterations = NonZeroU32::new(first.iterations).filter(|_| asked);
        let iterations = iterations.ok_or("a number of iterations out of bounds")?;
        let salted = SaltedPassword::derive(self.hash, &self.password, &first.salt, iterations);
        let without_proof = format!("c=biws,r={}", first.nonce);
        let signed = format!("{bare},{text},{without_proof}");
        let client_key = salted.client_key();
        let stored_key = self.hash.hash(&client_key);
        let signature = self.hash.sign(&stored_key, signed.as_bytes());
        let proof: Vec<u8> = client_key.iter().zip(&signature).map(|(a, b)| a ^ b).collect();
        let signature = self.hash.sign(&salted.server_key(), signed.as_bytes());
        self.state = State::Final { signature };
        Ok(format!("{without_proof},p={}", BASE64_STANDARD.encode(proof)))
    }
}
