//! `journal_heads/{broker}`: the last journal transaction of a broker's coordinators, which the next one compares.

use super::{
    Keys,
    keys::digits,
    value::{check_id, value},
};
use bytes::Bytes;
use formats::metadata::JournalHead;
use model::BrokerId;

value!(JournalHead, |head| check_id(&head.session, "the session is not 16 bytes"));

impl Keys {
    /// The journal head of `broker`.
    pub fn journal_head(&self, broker: BrokerId) -> Bytes {
        self.at(&format!("journal_heads/{}", digits(u64::from(broker.get()))))
    }
}
