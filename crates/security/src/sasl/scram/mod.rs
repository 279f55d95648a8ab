//! SCRAM (RFC 5802) without channel binding, as Kafka uses it (KIP-84).

mod client;
mod credential;
mod messages;
mod server;
#[cfg(test)]
mod tests;

pub(super) use client::ScramClient;
pub use credential::{MAX_ITERATIONS, MIN_ITERATIONS, SaltedPassword, ScramCredential, ScramHash};
pub(super) use server::{AwaitingProof, begin};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

/// A nonce that nobody can guess.
///
/// # Errors
/// The operating system has no randomness.
fn nonce() -> Result<String, &'static str> {
    let mut bytes = [0; 24];
    SystemRandom::new().fill(&mut bytes).map_err(|_| "there is no randomness")?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}
