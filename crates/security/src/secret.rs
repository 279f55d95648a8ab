//! Comparing secrets.

use aws_lc_rs::{constant_time, digest};

/// Whether somebody brought the secret that is expected. It takes as long whatever they brought, but for the time to hash that.
pub fn is_same_secret(brought: &[u8], expected: &[u8]) -> bool {
    let hash = |secret| digest::digest(&digest::SHA256, secret);
    let (brought, expected) = (hash(brought), hash(expected));
    constant_time::verify_slices_are_equal(brought.as_ref(), expected.as_ref()).is_ok()
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
