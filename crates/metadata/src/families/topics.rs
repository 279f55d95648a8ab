//! `topics/{topic id}`: a topic that exists. With its name, the only truth of it.

use super::{
    Keys,
    keys::parse_id,
    value::{check_id, value},
};
use bytes::Bytes;
use formats::metadata::Topic;
use model::TopicId;

value!(Topic, |topic| check_id(&topic.id, "the topic's id is not 16 bytes"));

impl Keys {
    /// A topic.
    pub fn topic(&self, topic: TopicId) -> Bytes {
        self.at(&format!("topics/{topic}"))
    }

    /// Every topic.
    pub fn topics(&self) -> Bytes {
        self.at("topics/")
    }

    /// Which topic a key of [`Keys::topics`] is.
    pub fn parse_topic(&self, key: &[u8]) -> Option<TopicId> {
        parse_id(self.rest("topics/", key)?)
    }
}
