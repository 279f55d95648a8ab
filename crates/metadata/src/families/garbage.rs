//! `garbage/{uuid}`: objects that are deleted once their grace has passed.

use super::{Keys, keys::parse_id, value::value};
use bytes::Bytes;
use formats::metadata::Garbage;
use uuid::Uuid;

value!(Garbage);

impl Keys {
    /// A list of objects to delete.
    pub fn garbage(&self, id: Uuid) -> Bytes {
        self.at(&format!("garbage/{}", id.simple()))
    }

    /// Everything that waits to be deleted.
    pub fn all_garbage(&self) -> Bytes {
        self.at("garbage/")
    }

    /// The id in a key of [`Keys::all_garbage`].
    pub fn parse_garbage(&self, key: &[u8]) -> Option<Uuid> {
        parse_id(self.rest("garbage/", key)?)
    }
}
