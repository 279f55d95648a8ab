//! `snapshot`: the newest snapshot of metadata in the bucket; `recovery`: that this store is being filled from one; and which keys
//! snapshots have.

use super::{Keys, value::value};
use bytes::Bytes;
use formats::metadata::{LastSnapshot, Recovery};

value!(LastSnapshot);
value!(Recovery);

/// Families that mean nothing once the store is lost: leases are gone with it, moves are asked for again.
const OF_THE_MOMENT: [&str; 6] =
    ["sessions/", "loads/", "controller", "moves/", "snapshot", "recovery"];

impl Keys {
    /// The newest snapshot.
    pub fn last_snapshot(&self) -> Bytes {
        self.at("snapshot")
    }

    /// Says that the store is being filled.
    pub fn recovery(&self) -> Bytes {
        self.at("recovery")
    }

    /// What a snapshot calls the key: what follows the prefix. `None` for a key that none has.
    pub fn snapshot_name<'a>(&self, key: &'a [u8]) -> Option<&'a [u8]> {
        let name = key.strip_prefix(self.prefix().as_bytes())?;
        let is_of_the_moment = OF_THE_MOMENT.iter().any(|family| match family.ends_with('/') {
            true => name.starts_with(family.as_bytes()),
            false => name == family.as_bytes(),
        });
        (!is_of_the_moment).then_some(name)
    }

    /// The key that a snapshot calls `name`.
    pub fn of_snapshot(&self, name: &[u8]) -> Bytes {
        [self.prefix().as_bytes(), name].concat().into()
    }
}
