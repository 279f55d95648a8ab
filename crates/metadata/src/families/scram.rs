//! `scram/{mechanism}/{user}`: what is kept of users' passwords.

use super::{
    Keys,
    keys::{escaped, unescaped},
    value::value,
};
use bytes::Bytes;
use formats::metadata::ScramCredential;

value!(ScramCredential);

impl Keys {
    /// A user's credential for a mechanism, such as `SCRAM-SHA-256`.
    pub fn scram(&self, mechanism: &str, user: &str) -> Bytes {
        self.at(&format!("scram/{}/{}", escaped(mechanism), escaped(user)))
    }

    /// Every credential.
    pub fn all_scram(&self) -> Bytes {
        self.at("scram/")
    }

    /// Mechanism and user of a key of [`Keys::all_scram`].
    pub fn parse_scram(&self, key: &[u8]) -> Option<(String, String)> {
        let (mechanism, user) = self.rest("scram/", key)?.split_once('/')?;
        Some((unescaped(mechanism)?, unescaped(user)?))
    }
}
