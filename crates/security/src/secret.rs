//! Comparing secrets.

use aws_lc_rs::{constant_time, digest};

/// A secret that is only compared with others: its digest is kept, not itself.
#[derive(Clone)]
pub struct SecretDigest(digest::Digest);

impl SecretDigest {
    /// That of a secret.
    pub fn of(secret: &[u8]) -> Self {
        Self(digest::digest(&digest::SHA256, secret))
    }

    /// Whether it is that of what somebody brought. It takes as long whatever they brought, but for the time to hash that.
    pub fn is_of(&self, brought: &[u8]) -> bool {
        let brought = Self::of(brought);
        constant_time::verify_slices_are_equal(self.0.as_ref(), brought.0.as_ref()).is_ok()
    }
}

/// Whether somebody brought the secret that is expected. It takes as long whatever they brought, but for the time to hash that.
pub fn is_same_secret(brought: &[u8], expected: &[u8]) -> bool {
    SecretDigest::of(expected).is_of(brought)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_secret_is_the_same() {
        assert!(is_same_secret(b"secret", b"secret"));
        assert!(is_same_secret(b"", b""));
        for wrong in [&b"secreu"[..], b"secre", b"secrets", b""] {
            assert!(!is_same_secret(wrong, b"secret"));
        }
    }
}
