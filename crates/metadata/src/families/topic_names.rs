//! `topic_names/{name}`: which topic has the name; what makes names unique.

use super::{
    Keys,
    value::{check_id, value},
};
use bytes::Bytes;
use formats::metadata;
use model::TopicName;

value!(metadata::TopicName, |name| check_id(&name.id, "the topic's id is not 16 bytes"));

impl Keys {
    /// The topic of that name.
    pub fn topic_name(&self, name: &TopicName) -> Bytes {
        self.at(&format!("topic_names/{name}"))
    }

    /// Every name.
    pub fn topic_names(&self) -> Bytes {
        self.at("topic_names/")
    }

    /// The name in a key of [`Keys::topic_names`].
    pub fn parse_topic_name(&self, key: &[u8]) -> Option<TopicName> {
        TopicName::new(self.rest("topic_names/", key)?).ok()
    }
}
