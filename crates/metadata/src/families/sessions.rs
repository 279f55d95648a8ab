//! `sessions/{broker}`: one life of a broker, bound to its lease; created if absent, written once.

use super::{
    Keys,
    keys::{digits, parse_digits},
    value::{check_id, value},
};
use bytes::Bytes;
use formats::metadata::Session;
use model::BrokerId;

value!(Session, |session| check_id(&session.id, "the session's id is not 16 bytes"));

impl Keys {
    /// The session of `broker`.
    pub fn session(&self, broker: BrokerId) -> Bytes {
        self.at(&format!("sessions/{}", digits(u64::from(broker.get()))))
    }

    /// Every session.
    pub fn sessions(&self) -> Bytes {
        self.at("sessions/")
    }

    /// Whose session a key of [`Keys::sessions`] is.
    pub fn parse_session(&self, key: &[u8]) -> Option<BrokerId> {
        BrokerId::new(parse_digits(self.rest("sessions/", key)?)?)
    }
}
