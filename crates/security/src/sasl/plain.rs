//! PLAIN (RFC 4616): `authorization NUL user NUL password`.

use aws_lc_rs::{constant_time, hmac};
use std::{collections::BTreeMap, fmt};

/// The users of a listener, by a keyed hash of their passwords: comparing takes as long whoever asks.
pub(super) struct PlainUsers {
    key: hmac::Key,
    users: BTreeMap<String, hmac::Tag>,
    nobody: hmac::Tag,
}

impl PlainUsers {
    pub(super) fn new(secret: &[u8], users: &BTreeMap<String, String>) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let tag = |password: &String| hmac::sign(&key, password.as_bytes());
        let users = users.iter().map(|(user, password)| (user.clone(), tag(password))).collect();
        // No password has this hash but by breaking it.
        let nobody = hmac::sign(&key, secret);
        Self { key, users, nobody }
    }

    /// The user that a message proves to be.
    ///
    /// # Errors
    /// Why not, for the broker's log alone: a client is not told which it was.
    pub(super) fn authenticate(&self, message: &[u8]) -> Result<String, &'static str> {
        let text = std::str::from_utf8(message).map_err(|_| "a PLAIN message that is no text")?;
        let parts: Vec<&str> = text.split('\0').collect();
        let [authorization, user, password] = parts[..] else {
            return Err("a PLAIN message of other than three parts");
        };
        if user.is_empty() || password.is_empty() {
            return Err("a PLAIN message without user or password");
        }
        if !authorization.is_empty() && authorization != user {
            return Err("an authorization id that is not the user");
        }
        let expected = self.users.get(user);
        let given = hmac::sign(&self.key, password.as_bytes());
        let compared = expected.unwrap_or(&self.nobody);
        let same = constant_time::verify_slices_are_equal(compared.as_ref(), given.as_ref());
        if expected.is_some() && same.is_ok() {
            Ok(user.to_owned())
        } else {
            Err("unknown user or wrong password")
        }
    }
}

impl fmt::Debug for PlainUsers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.users.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users() -> PlainUsers {
        let users = [("alice", "wonder"), ("bob", "builder")];
        let users = users.map(|(user, password)| (user.to_owned(), password.to_owned()));
        PlainUsers::new(b"0123456789abcdef", &BTreeMap::from(users))
    }

    #[test]
    fn a_user_is_known_by_the_password() {
        assert_eq!(users().authenticate(b"\0alice\0wonder").unwrap(), "alice");
        assert_eq!(users().authenticate(b"bob\0bob\0builder").unwrap(), "bob");
    }

    #[test]
    fn nobody_acts_for_another_and_nothing_empty_passes() {
        for message in [
            &b"alice\0bob\0builder"[..],
            b"\0alice\0builder",
            b"\0mallory\0wonder",
            b"\0alice\0",
            b"\0\0wonder",
            b"alice\0wonder",
            b"\0alice\0wonder\0",
            b"\xff\0a\0b",
            b"",
        ] {
            assert!(users().authenticate(message).is_err(), "{message:?}");
        }
    }
}
