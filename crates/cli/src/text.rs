//! Text as the protocol crate's types.

use kafka_protocol::{
    messages::{GroupId, TopicName},
    protocol::StrBytes,
};

pub(crate) fn text_of(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

pub(crate) fn topic_name(name: &str) -> TopicName {
    TopicName(text_of(name))
}

pub(crate) fn group_id(name: &str) -> GroupId {
    GroupId(text_of(name))
}
