//! `indexes/{session}/{level}/{from seq}`: an index object that took the place of commits, or of lower indexes.

use super::{
    Keys,
    keys::{digits, parse_digits, parse_id},
    value::value,
};
use bytes::Bytes;
use formats::metadata::Index;
use model::SessionId;

value!(Index, |index| if index.from_seq <= index.through_seq {
    Ok(())
} else {
    Err("from_seq is beyond through_seq")
});

impl Keys {
    /// An index object.
    pub fn index(&self, session: SessionId, level: u32, from_seq: u64) -> Bytes {
        self.at(&format!("indexes/{session}/{}/{}", digits(u64::from(level)), digits(from_seq)))
    }

    /// The indexes of a session, of all levels.
    pub fn indexes(&self, session: SessionId) -> Bytes {
        self.at(&format!("indexes/{session}/"))
    }

    /// The indexes of all sessions.
    pub fn all_indexes(&self) -> Bytes {
        self.at("indexes/")
    }

    /// The session, level and first seq of a key of [`Keys::all_indexes`].
    pub fn parse_index(&self, key: &[u8]) -> Option<(SessionId, u32, u64)> {
        let (session, rest) = self.rest("indexes/", key)?.split_once('/')?;
        let (level, from_seq) = rest.split_once('/')?;
        Some((parse_id(session)?, parse_digits(level)?, parse_digits(from_seq)?))
    }
}
