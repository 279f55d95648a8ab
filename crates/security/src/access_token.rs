//! [`AccessToken`]: what callers of an HTTP port bring, and who needs none.

use crate::is_same_secret;
use std::{fmt, net::IpAddr, sync::Arc};

/// A shorter token could be guessed by somebody with time.
const TOKEN_CHARACTERS: usize = 16;

/// A secret that callers must bring as `Authorization: Bearer …` (RFC 6750).
#[derive(Clone)]
pub struct AccessToken(Arc<str>);

/// A token that is no protection, or that no header can carry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WeakToken;

impl AccessToken {
    /// Takes 16 characters of ASCII or more, without spaces.
    ///
    /// # Errors
    /// [`WeakToken`].
    pub fn new(text: &str) -> Result<Self, WeakToken> {
        let carried = text.bytes().all(|byte| byte.is_ascii_graphic());
        if carried && text.len() >= TOKEN_CHARACTERS {
            Ok(Self(text.into()))
        } else {
            Err(WeakToken)
        }
    }

    /// Whether it is what that `Authorization` header brings.
    pub fn is_brought(&self, authorization: Option<&[u8]>) -> bool {
        let token = authorization.and_then(|value| value.split_at_checked(7));
        token.is_some_and(|(scheme, token)| {
            scheme.eq_ignore_ascii_case(b"bearer ") && is_same_secret(token, self.0.as_bytes())
        })
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken")
    }
}

impl fmt::Display for WeakToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "must have {TOKEN_CHARACTERS} characters of ASCII or more, and no spaces")
    }
}

/// Whether a `Host` header is this machine's loopback, whatever the port: a tunnel may have another one. A page of another site, whose
/// name was made to lead here (DNS rebinding), has its own name there.
pub fn names_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_this_machine() {
        for host in
            ["localhost", "LOCALHOST:9640", "127.0.0.1:9640", "127.9.9.9", "[::1]:80", "[::1]"]
        {
            assert!(names_loopback(host), "{host}");
        }
        for host in [
            "example.com",
            "localhost.example.com",
            "127.0.0.1.example.com:80",
            "10.0.0.1",
            "0.0.0.0",
            "[::2]",
            "",
            "::1",
        ] {
            assert!(!names_loopback(host), "{host}");
        }
    }

    #[test]
    fn a_token_is_brought_whole() {
        let token = AccessToken::new("0123456789abcdef").unwrap();
        let brought = |value: &str| token.is_brought(Some(value.as_bytes()));
        assert!(brought("Bearer 0123456789abcdef"));
        assert!(brought("bearer 0123456789abcdef"));
        for wrong in [
            "Bearer 0123456789abcde",
            "Bearer 0123456789abcdeff",
            "Bearer 0123456789ABCDEF",
            "Bearer ",
            "Basic 0123456789abcdef",
            "0123456789abcdef",
            "",
        ] {
            assert!(!brought(wrong), "{wrong}");
        }
        assert!(!token.is_brought(None));
        assert_eq!(format!("{token:?}"), "AccessToken");
    }

    #[test]
    fn a_token_that_can_be_guessed_is_none() {
        for weak in ["", "secret", "0123456789abcde", "0123456789 abcdef", "ein Schlüssel mit ü"]
        {
            assert_eq!(AccessToken::new(weak).err(), Some(WeakToken), "{weak}");
        }
    }
}
