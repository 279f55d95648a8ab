//! `DescribeLogDirs` (API key 35): how large this broker's partitions are.
//!
//! There is one "directory", the object store, and a partition's size is what it holds there between log start and log end. Sources:
//! KIP-113, KIP-827.

use super::{Api, Outcome, Versions};
use crate::context::Context;
use cluster::{Image, TopicInfo};
use kafka_protocol::{
    messages::{
        DescribeLogDirsRequest, DescribeLogDirsResponse, TopicName,
        describe_log_dirs_request::DescribableLogDirTopic,
        describe_log_dirs_response::{
            DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic,
        },
    },
    protocol::StrBytes,
};
use model::{PartitionId, PartitionIndex};
use security::acl::Operation;
use std::sync::Arc;

/// Handles versions 1 to 4.
pub(super) struct DescribeLogDirs;

impl Api for DescribeLogDirs {
    type Request = DescribeLogDirsRequest;
    type Response = DescribeLogDirsResponse;
    const VERSIONS: Versions = Versions::new(1, 4);

    async fn begin(
        context: Context,
        request: DescribeLogDirsRequest,
    ) -> Outcome<DescribeLogDirsResponse> {
        if let Err(refusal) = context.authorize_cluster(Operation::Describe) {
            let response = DescribeLogDirsResponse::default();
            // Older versions have no place for the error.
            let code = if context.version() >= 3 { refusal.code() } else { 0 };
            return Outcome::Ready(response.with_error_code(code));
        }
        let broker = context.broker();
        let image = broker.cluster.image();
        let topics = match &request.topics {
            None => all(&context, &image),
            Some(topics) => {
                topics.iter().filter_map(|topic| some(&context, &image, topic)).collect()
            }
        };
        let directory = DescribeLogDirsResult::default()
            .with_log_dir(StrBytes::from_string(broker.options.log_dir.clone()))
            .with_topics(topics);
        Outcome::Ready(DescribeLogDirsResponse::default().with_results(vec![directory]))
    }
}

fn all(context: &Context, image: &Image) -> Vec<DescribeLogDirsTopic> {
    let topics = image.topics.values();
    topics.filter_map(|topic| sizes(context, topic, 0..topic.partitions.len() as i32)).collect()
}

fn some(
    context: &Context,
    image: &Image,
    wanted: &DescribableLogDirTopic,
) -> Option<DescribeLogDirsTopic> {
    sizes(context, image.topic(wanted.topic.as_str())?, wanted.partitions.iter().copied())
}

/// The topic's partitions that this broker has open; `None` when it has none.
fn sizes(
    context: &Context,
    topic: &Arc<TopicInfo>,
    partitions: impl Iterator<Item = i32>,
) -> Option<DescribeLogDirsTopic> {
    let size = |index| {
        let partition = PartitionIndex::from_wire(index)?;
        let log = context.broker().logs.get(PartitionId { topic: topic.id, partition })?;
        let size = i64::try_from(log.size_bytes()).unwrap_or(i64::MAX);
        let described = DescribeLogDirsPartition::default().with_partition_index(index);
        Some(described.with_partition_size(size))
    };
    let partitions: Vec<_> = partitions.filter_map(size).collect();
    let name = TopicName(StrBytes::from_string(topic.name.to_string()));
    (!partitions.is_empty())
        .then(|| DescribeLogDirsTopic::default().with_name(name).with_partitions(partitions))
}
