//! `DescribeTopicPartitions` (API key 75): topics page by page, so that an answer stays small in a large cluster.
//!
//! Topics come in the order of their names; a cursor says where the next page begins. Source: KIP-966.

use super::{
    Api, Outcome, Versions,
    metadata::{Placement, placement},
};
use crate::context::Context;
use cluster::{Image, PartitionInfo, TopicInfo};
use kafka_protocol::{
    ResponseError,
    messages::{
        DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, TopicName,
        describe_topic_partitions_response::{
            Cursor, DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
        },
    },
    protocol::StrBytes,
};
use security::acl::{Operation, ResourceType};
use std::collections::BTreeSet;

/// Most partitions in one answer (`max.request.partition.size.limit`).
const PAGE_PARTITIONS: usize = 2000;

/// Handles version 0.
pub(super) struct DescribeTopicPartitions;

impl Api for DescribeTopicPartitions {
    type Request = DescribeTopicPartitionsRequest;
    type Response = DescribeTopicPartitionsResponse;
    const VERSIONS: Versions = Versions::new(0, 0);

    async fn begin(
        context: Context,
        request: DescribeTopicPartitionsRequest,
    ) -> Outcome<DescribeTopicPartitionsResponse> {
        if request.cursor.as_ref().is_some_and(|cursor| cursor.partition_index < 0) {
            return Outcome::Ready(refused(request, ResponseError::InvalidRequest));
        }
        let image = context.broker().cluster.image();
        let (names, denied) = wanted_names(&context, &image, &request);
        let limit = usize::try_from(request.response_partition_limit).unwrap_or(0);
        let mut page = Page {
            context: &context,
            image: &image,
            listener: &context.connection.listener,
            room: limit.clamp(1, PAGE_PARTITIONS),
            topics: Vec::new(),
        };
        let next = page.fill(&names, &request);
        page.topics.extend(denied);
        Outcome::Ready(
            DescribeTopicPartitionsResponse::default()
                .with_topics(page.topics)
                .with_next_cursor(next),
        )
    }
}

/// The same error for every topic.
fn refused(
    request: DescribeTopicPartitionsRequest,
    error: ResponseError,
) -> DescribeTopicPartitionsResponse {
    let topics = request.topics.into_iter().map(|topic| {
        DescribeTopicPartitionsResponseTopic::default()
            .with_name(Some(topic.name))
            .with_error_code(error.code())
    });
    DescribeTopicPartitionsResponse::default().with_topics(topics.collect())
}

/// Names to describe, from the cursor on: those asked for, or all; and what is said of those that may not be described.
fn wanted_names(
    context: &Context,
    image: &Image,
    request: &DescribeTopicPartitionsRequest,
) -> (BTreeSet<String>, Vec<DescribeTopicPartitionsResponseTopic>) {
    let from = request.cursor.as_ref().map_or("", |cursor| cursor.topic_name.as_str());
    let asked = request.topics.iter().map(|topic| topic.name.to_string());
    let mut names: BTreeSet<String> = asked.collect();
    let mut denied = Vec::new();
    if names.is_empty() {
        let may = |name: &str| context.may_quietly(Operation::Describe, ResourceType::Topic, name);
        names = image.topics.keys().map(ToString::to_string).filter(|name| may(name)).collect();
    } else {
        names.retain(|name| {
            match context.authorize(Operation::Describe, ResourceType::Topic, name) {
                Ok(()) => true,
                Err(refusal) => {
                    denied.push(refused_topic(name, refusal.error));
                    false
                }
            }
        });
    }
    names.retain(|name| name.as_str() >= from);
    (names, denied)
}

fn refused_topic(name: &str, error: ResponseError) -> DescribeTopicPartitionsResponseTopic {
    DescribeTopicPartitionsResponseTopic::default()
        .with_name(Some(TopicName(StrBytes::from_string(name.to_owned()))))
        .with_error_code(error.code())
}

struct Page<'a> {
    context: &'a Context,
    image: &'a Image,
    listener: &'a str,
    room: usize,
    topics: Vec<DescribeTopicPartitionsResponseTopic>,
}

impl Page<'_> {
    /// Adds topics while there is room; answers where the next page begins.
    fn fill(
        &mut self,
        names: &BTreeSet<String>,
        request: &DescribeTopicPartitionsRequest,
    ) -> Option<Cursor> {
        for name in names {
            let first = request
                .cursor
                .as_ref()
                .filter(|cursor| cursor.topic_name.as_str() == name)
                .map_or(0, |cursor| usize::try_from(cursor.partition_index).unwrap_or(0));
            if self.room == 0 {
                return Some(cursor(name, first));
            }
            let Some(topic) = self.image.topic(name) else {
                self.topics.push(self.missing(name));
                continue;
            };
            let taken = topic.partitions.len().saturating_sub(first).min(self.room);
            self.topics.push(self.describe(topic, first, taken));
            self.room -= taken;
            if first + taken < topic.partitions.len() {
                return Some(cursor(name, first + taken));
            }
        }
        None
    }

    fn missing(&self, name: &str) -> DescribeTopicPartitionsResponseTopic {
        let error = match model::TopicName::new(name) {
            Ok(_) => ResponseError::UnknownTopicOrPartition,
            Err(_) => ResponseError::InvalidTopicException,
        };
        refused_topic(name, error).with_topic_authorized_operations(self.operations(name))
    }

    fn operations(&self, name: &str) -> i32 {
        self.context.authorized_operations(ResourceType::Topic, name)
    }

    fn describe(
        &self,
        topic: &TopicInfo,
        first: usize,
        count: usize,
    ) -> DescribeTopicPartitionsResponseTopic {
        let partitions = (0_i32..).zip(&topic.partitions).skip(first).take(count);
        DescribeTopicPartitionsResponseTopic::default()
            .with_name(Some(TopicName(StrBytes::from_string(topic.name.to_string()))))
            .with_topic_id(topic.id.as_uuid())
            .with_is_internal(topic.internal)
            .with_topic_authorized_operations(self.operations(topic.name.as_str()))
            .with_partitions(
                partitions.map(|(index, info)| self.partition(topic, index, info)).collect(),
            )
    }

    fn partition(
        &self,
        topic: &TopicInfo,
        index: i32,
        info: &PartitionInfo,
    ) -> DescribeTopicPartitionsResponsePartition {
        let Placement { leader, replicas, in_sync, offline } =
            placement(self.image, self.listener, topic, index, info);
        let wire = |ids: Vec<i32>| ids.into_iter().map(Into::into).collect();
        let error = leader.map_or(ResponseError::LeaderNotAvailable.code(), |_| 0);
        DescribeTopicPartitionsResponsePartition::default()
            .with_error_code(error)
            .with_partition_index(index)
            .with_leader_id(leader.unwrap_or(-1).into())
            .with_leader_epoch(info.leader_epoch.to_wire())
            .with_replica_nodes(wire(replicas))
            .with_isr_nodes(wire(in_sync))
            .with_offline_replicas(wire(offline))
            // KIP-966: there are no replicas that could be eligible; the admin client takes null for a bug.
            .with_eligible_leader_replicas(Some(Vec::new()))
            .with_last_known_elr(Some(Vec::new()))
    }
}

fn cursor(topic: &str, partition: usize) -> Cursor {
    Cursor::default()
        .with_topic_name(TopicName(StrBytes::from_string(topic.to_owned())))
        .with_partition_index(i32::try_from(partition).unwrap_or(i32::MAX))
}
