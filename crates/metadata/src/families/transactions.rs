//! `transactions/{slot}/{transactional id}`: where a transactional id stands. Ids are written as those of groups are.

use super::{
    Keys,
    keys::{digits, escaped, unescaped},
    value::{check_id, value},
};
use bytes::Bytes;
use formats::metadata::TransactionalProducer;

value!(TransactionalProducer, |producer| {
    let topics = &producer.topics;
    topics.iter().try_for_each(|topic| check_id(&topic.topic, "a topic's id is not 16 bytes"))
});

impl Keys {
    /// A transactional id.
    pub fn transaction(&self, slot: u32, id: &str) -> Bytes {
        self.at(&format!("transactions/{}/{}", digits(u64::from(slot)), escaped(id)))
    }

    /// The transactional ids of a slot.
    pub fn transactions_of(&self, slot: u32) -> Bytes {
        self.at(&format!("transactions/{}/", digits(u64::from(slot))))
    }

    /// The transactional ids of all slots.
    pub fn transactions(&self) -> Bytes {
        self.at("transactions/")
    }

    /// Which id a key of [`Keys::transactions_of`] is.
    pub fn parse_transaction(&self, key: &[u8]) -> Option<String> {
        unescaped(self.rest("transactions/", key)?.split_once('/')?.1)
    }
}
