//! Metadata: who leads what.

use crate::{
    requests::{metadata, metadata_topic, missing},
    scenario::{Scenario, alike, deviating},
};
use kafka_protocol::messages::{MetadataRequest, metadata_request::MetadataRequestTopic};
use uuid::Uuid;

fn by_id(id: Uuid) -> MetadataRequestTopic {
    MetadataRequestTopic::default().with_name(None).with_topic_id(id)
}

pub const SCENARIOS: &[Scenario] = &[
    alike("metadata of a topic in every version", |it| {
        let topic = it.topic(3);
        for version in 0..=13 {
            let mut request = metadata(vec![metadata_topic(&topic.name)]);
            request.allow_auto_topic_creation = version < 4;
            it.ask(version, request);
        }
    }),
    alike("metadata of a topic that does not exist", |it| {
        for version in [4, 9, 12, 13] {
            it.ask(version, metadata(vec![metadata_topic("no-such-topic")]));
        }
    }),
    alike("metadata of a name that no topic can have", |it| {
        for name in ["", "a/b", ".", "with space"] {
            it.ask(12, metadata(vec![metadata_topic(name)]));
        }
    }),
    alike("metadata of a name that is too long", |it| {
        it.ask(12, metadata(vec![metadata_topic(&"x".repeat(250))]));
    }),
    alike("metadata by topic id", |it| {
        let topic = it.topic(1);
        it.ask(12, metadata(vec![by_id(topic.id)]));
        it.ask(13, metadata(vec![by_id(topic.id)]));
    }),
    alike("metadata of a topic id that nobody has", |it| {
        it.ask(12, metadata(vec![by_id(missing().id)]));
    }),
    alike("metadata of a topic named twice", |it| {
        let topic = metadata_topic(&it.topic(1).name);
        it.ask(12, metadata(vec![topic.clone(), topic]));
    }),
    alike("metadata of no topic", |it| {
        for version in [1, 4, 12] {
            let request = metadata(Vec::new());
            it.ask(version, request.with_allow_auto_topic_creation(version < 4));
        }
    }),
    alike("metadata of a topic with what may be done to it", |it| {
        let topic = metadata_topic(&it.topic(1).name);
        it.ask(10, metadata(vec![topic]).with_include_topic_authorized_operations(true));
    }),
    alike("metadata of the cluster with what may be done to it", |it| {
        it.ask(10, metadata(Vec::new()).with_include_cluster_authorized_operations(true));
    }),
    alike("metadata makes a topic that is named and missing", |it| {
        let name = it.name.clone();
        let topics = Some(vec![metadata_topic(&name)]);
        let request = MetadataRequest::default().with_topics(topics);
        it.quietly(9, request.with_allow_auto_topic_creation(true));
        it.until_served(&name);
        it.ask(9, metadata(vec![metadata_topic(&name)]));
    }),
    alike("metadata does not make a topic with a name that cannot be", |it| {
        let topics = Some(vec![metadata_topic("not/a/name")]);
        let request = MetadataRequest::default().with_topics(topics);
        it.ask(9, request.with_allow_auto_topic_creation(true));
    }),
    deviating(
        "the first answer about a topic that metadata makes",
        "it is made by the time of the answer; Kafka makes it behind the answer",
        |it| {
            let topics = Some(vec![metadata_topic(&it.name)]);
            let request = MetadataRequest::default().with_topics(topics);
            it.ask(9, request.with_allow_auto_topic_creation(true));
        },
    ),
];
