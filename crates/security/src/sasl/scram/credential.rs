//! [`ScramCredential`]: what is kept of a password, from which nobody can log in.

use crate::is_same_secret;
use aws_lc_rs::{
    constant_time, digest, hmac, pbkdf2,
    rand::{SecureRandom, SystemRandom},
};
use std::{fmt, num::NonZeroU32};

/// Fewest iterations that a credential may have.
pub const MIN_ITERATIONS: u32 = 4096;
/// Most iterations: what a client may be made to compute.
pub const MAX_ITERATIONS: u32 = 16384;

/// The hash of a SCRAM mechanism.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ScramHash {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl ScramHash {
    /// Bytes of a hash.
    pub fn length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    pub(super) fn hash(self, bytes: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha512 => &digest::SHA512,
        };
        digest::digest(algorithm, bytes).as_ref().to_vec()
    }

    pub(super) fn sign(self, key: &[u8], bytes: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha512 => hmac::HMAC_SHA512,
        };
        hmac::sign(&hmac::Key::new(algorithm, key), bytes).as_ref().to_vec()
    }
}

/// A password after the salt and the iterations: as good as the password itself.
#[derive(Clone)]
pub struct SaltedPassword {
    hash: ScramHash,
    bytes: Vec<u8>,
}

impl SaltedPassword {
    /// Salts a password: costs a millisecond or more.
    pub fn derive(hash: ScramHash, password: &str, salt: &[u8], iterations: NonZeroU32) -> Self {
        let algorithm = match hash {
            ScramHash::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            ScramHash::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        };
        let mut bytes = vec![0; hash.length()];
        pbkdf2::derive(algorithm, iterations, salt, password.as_bytes(), &mut bytes);
        Self { hash, bytes }
    }

    /// Salts a password with a new salt, which comes with it.
    ///
    /// # Errors
    /// The operating system has no randomness.
    pub fn derive_with_new_salt(
        hash: ScramHash,
        password: &str,
        iterations: NonZeroU32,
    ) -> Result<(Self, Vec<u8>), &'static str> {
        let mut salt = vec![0; 24];
        SystemRandom::new().fill(&mut salt).map_err(|_| "there is no randomness")?;
        Ok((Self::derive(hash, password, &salt, iterations), salt))
    }

    /// One that was derived elsewhere; `None` when it has not the hash's length.
    pub fn from_bytes(hash: ScramHash, bytes: &[u8]) -> Option<Self> {
        (bytes.len() == hash.length()).then(|| Self { hash, bytes: bytes.to_vec() })
    }

    /// As clients send it to have it kept.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn client_key(&self) -> Vec<u8> {
        self.hash.sign(&self.bytes, b"Client Key")
    }

    pub(super) fn server_key(&self) -> Vec<u8> {
        self.hash.sign(&self.bytes, b"Server Key")
    }
}

/// What a broker keeps of a user's password.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramCredential {
    /// The salt.
    pub salt: Vec<u8>,
    /// Hash of the client's key: a proof is checked against it.
    pub stored_key: Vec<u8>,
    /// With it the broker proves itself.
    pub server_key: Vec<u8>,
    /// Iterations of the derivation.
    pub iterations: u32,
}

impl ScramCredential {
    /// Whether it is that of a password: costs a millisecond or more, as much for a wrong one.
    pub fn is_of_password(&self, hash: ScramHash, password: &str) -> bool {
        let iterations = NonZeroU32::new(self.iterations).unwrap_or(NonZeroU32::MIN);
        let salted = SaltedPassword::derive(hash, password, &self.salt, iterations);
        is_same_secret(&hash.hash(&salted.client_key()), &self.stored_key)
    }

    /// What to keep of a salted password.
    pub fn new(salted: &SaltedPassword, salt: Vec<u8>, iterations: u32) -> Self {
        Self {
            salt,
            stored_key: salted.hash.hash(&salted.client_key()),
            server_key: salted.server_key(),
            iterations,
        }
    }

    /// What to keep of a password, under a new salt and the fewest iterations.
    ///
    /// # Errors
    /// The operating system has no randomness.
    pub fn of_password(hash: ScramHash, password: &str) -> Result<Self, &'static str> {
        let iterations = NonZeroU32::new(MIN_ITERATIONS).unwrap_or(NonZeroU32::MIN);
        let (salted, salt) = SaltedPassword::derive_with_new_salt(hash, password, iterations)?;
        Ok(Self::new(&salted, salt, MIN_ITERATIONS))
    }

    /// Whether a proof for `message` was made with the password. Takes as long whichever byte differs.
    pub(super) fn is_proved(&self, hash: ScramHash, message: &[u8], proof: &[u8]) -> bool {
        let signature = hash.sign(&self.stored_key, message);
        if proof.len() != signature.len() {
            return false;
        }
        let client_key: Vec<u8> = proof.iter().zip(&signature).map(|(a, b)| a ^ b).collect();
        let stored_key = hash.hash(&client_key);
        constant_time::verify_slices_are_equal(&stored_key, &self.stored_key).is_ok()
    }
}

impl fmt::Debug for ScramCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScramCredential")
            .field("iterations", &self.iterations)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for SaltedPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaltedPassword").field("hash", &self.hash).finish_non_exhaustive()
    }
}
