//! `deleted_topics/{topic id}`: from a topic's deletion until no segment holds its data any more.

use super::{Keys, keys::parse_id, value::value};
use bytes::Bytes;
use formats::metadata::DeletedTopic;
use model::TopicId;

value!(DeletedTopic);

impl Keys {
    /// A deleted topic.
    pub fn deleted_topic(&self, topic: TopicId) -> Bytes {
        self.at(&format!("deleted_topics/{topic}"))
    }

    /// Every deleted topic whose data is not gone yet.
    pub fn deleted_topics(&self) -> Bytes {
        self.at("deleted_topics/")
    }

    /// Which topic a key of [`Keys::deleted_topics`] is about.
    pub fn parse_deleted_topic(&self, key: &[u8]) -> Option<TopicId> {
        parse_id(self.rest("deleted_topics/", key)?)
    }
}
