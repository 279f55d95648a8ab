//! `Metadata` (API key 3): brokers, topics, and who leads what.
//!
//! A partition's replicas are its owner and the readers of other zones; one without a live owner is answered `LEADER_NOT_AVAILABLE`. Topics that a client names and
//! that do not exist are created when both sides allow it. Sources: KIP-4, KIP-392, KIP-516, KIP-700.

use super::{Api, Outcome, Versions, config_view, repetitions::without_repetitions};
use crate::{
    broker::{TopicRef, find_topic},
    context::Context,
    error::Refusal,
    internal_topics::auto_created,
};
use cluster::{BrokerInfo, ClusterError, Image, PartitionInfo, TopicInfo};
use futures::StreamExt;
use kafka_protocol::{
    ResponseError,
    messages::{
        MetadataRequest, MetadataResponse, TopicName,
        metadata_request::MetadataRequestTopic,
        metadata_response::{
            MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
        },
    },
    protocol::StrBytes,
};
use model::{BrokerId, PartitionIndex, TopicId, config};
use security::acl::{Operation, ResourceType};
use std::{collections::BTreeMap, sync::Arc};
use uuid::Uuid;

/// How many topics one request creates side by side.
const CREATED_AT_ONCE: usize = 16;

/// Handles versions 0 to 13.
pub(super) struct Metadata;

impl Api for Metadata {
    type Request = MetadataRequest;
    type Response = MetadataResponse;
    const VERSIONS: Versions = Versions::new(0, 13);

    async fn begin(context: Context, mut request: MetadataRequest) -> Outcome<MetadataResponse> {
        // As in Kafka.
        let topic = |topic: &MetadataRequestTopic| (topic.topic_id, topic.name.clone());
        request.topics = request.topics.map(|topics| without_repetitions(topics, topic));
        if missing_topics(&context, &request).is_empty() {
            return Outcome::Ready(describe(&context, &request, &BTreeMap::new()));
        }
        Outcome::later(async move {
            let failed = create_missing(&context, &request).await;
            describe(&context, &request, &failed)
        })
    }
}

/// Names in the request that should be created first.
fn missing_topics(context: &Context, request: &MetadataRequest) -> Vec<String> {
    let broker = context.broker();
    let image = broker.cluster.image();
    let values = config_view::broker_values(broker, &image);
    let enabled = config::broker::AUTO_CREATE_TOPICS_ENABLE.boolean_in(&values);
    if !request.allow_auto_topic_creation || enabled == Some(false) {
        return Vec::new();
    }
    let named = request.topics.iter().flatten().filter(|topic| topic.topic_id.is_nil());
    named
        .filter_map(|topic| topic.name.as_ref())
        .filter(|name| image.topic(name.as_str()).is_none())
        .filter(|name| context.may_quietly(Operation::Describe, ResourceType::Topic, name))
        .map(|name| name.to_string())
        .collect()
}

/// Creates what is missing; answers why some could not be.
async fn create_missing(context: &Context, request: &MetadataRequest) -> BTreeMap<String, Refusal> {
    let broker = context.broker();
    let patience = broker.options.auto_create_patience;
    let creates_all = context.may_to_cluster_quietly(Operation::Create);
    let create = missing_topics(context, request).into_iter().map(|name| async move {
        let may = || context.authorize(Operation::Create, ResourceType::Topic, &name);
        if let Some(refusal) = (!creates_all).then(may).and_then(Result::err) {
            return Some((name, refusal));
        }
        let topic = auto_created(broker, &name);
        match broker.cluster.create_topic(topic, false, patience).await {
            Ok(_) | Err(ClusterError::TopicExists(_)) => None,
            // It may exist in a moment: the client asks again.
            Err(ClusterError::Unavailable(_)) => {
                Some((name, ResponseError::LeaderNotAvailable.into()))
            }
            Err(error) => Some((name, error.into())),
        }
    });
    let created = futures::stream::iter(create).buffer_unordered(CREATED_AT_ONCE);
    created.filter_map(std::future::ready).collect().await
}

fn describe(
    context: &Context,
    request: &MetadataRequest,
    failed: &BTreeMap<String, Refusal>,
) -> MetadataResponse {
    let version = context.version();
    let broker = context.broker();
    let image = broker.cluster.image();
    let listener = &*context.connection.listener;
    let describing = Describing {
        context,
        image: &image,
        listener,
        version,
        with_operations: request.include_topic_authorized_operations,
    };
    let response = MetadataResponse::default()
        .with_brokers(brokers(broker.cluster.listed_brokers(&image), listener))
        .with_cluster_id(Some(StrBytes::from_string(image.cluster_id.to_string())))
        .with_controller_id(broker.controller_id(&image).into())
        .with_topics(describing.topics(request, failed));
    let with_operations = request.include_cluster_authorized_operations;
    if with_operations && (8..=10).contains(&version) {
        let allowed = context.authorized_cluster_operations();
        return response.with_cluster_authorized_operations(allowed);
    }
    response
}

fn brokers<'a>(
    listed: impl Iterator<Item = &'a BrokerInfo>,
    listener: &str,
) -> Vec<MetadataResponseBroker> {
    let reachable = |broker: &BrokerInfo| {
        let endpoint = broker.endpoint(listener)?;
        Some(
            MetadataResponseBroker::default()
                .with_node_id(broker.id.to_wire().into())
                .with_host(StrBytes::from_string(endpoint.host.clone()))
                .with_port(i32::from(endpoint.port))
                .with_rack(broker.rack.clone().map(StrBytes::from_string)),
        )
    };
    listed.filter_map(reachable).collect()
}

/// What a description depends on.
struct Describing<'a> {
    context: &'a Context,
    image: &'a Image,
    listener: &'a str,
    version: i16,
    with_operations: bool,
}

impl Describing<'_> {
    fn topics(
        &self,
        request: &MetadataRequest,
        failed: &BTreeMap<String, Refusal>,
    ) -> Vec<MetadataResponseTopic> {
        match &request.topics {
            // Version 0 can't say "none": an empty list is all.
            Some(topics) if !topics.is_empty() || self.version >= 1 => {
                topics.iter().map(|topic| self.wanted(topic, failed)).collect()
            }
            _ => {
                let topics = self.image.topics.values();
                topics.filter(|topic| self.is_seen(topic)).map(|topic| self.found(topic)).collect()
            }
        }
    }

    fn is_seen(&self, topic: &TopicInfo) -> bool {
        self.context.may_quietly(Operation::Describe, ResourceType::Topic, topic.name.as_str())
    }

    fn wanted(
        &self,
        wanted: &MetadataRequestTopic,
        failed: &BTreeMap<String, Refusal>,
    ) -> MetadataResponseTopic {
        let by_name = wanted.name.as_ref().filter(|_| wanted.topic_id.is_nil());
        let topic = match by_name {
            Some(name) => TopicRef::Name(name.as_str()),
            None => TopicRef::Id(TopicId::from(wanted.topic_id)),
        };
        // Nobody learns from the answer whether there is a topic that they may not see.
        if let Err(refusal) = self.context.authorize_topic(Operation::Describe, self.image, topic) {
            return self.missing(by_name, wanted.topic_id, &refusal);
        }
        match find_topic(self.image, topic) {
            Ok(topic) => self.found(topic),
            Err(refusal) => {
                let refusal =
                    by_name.map_or(&refusal, |name| failed.get(name.as_str()).unwrap_or(&refusal));
                self.missing(by_name, wanted.topic_id, refusal)
            }
        }
    }

    fn missing(
        &self,
        name: Option<&TopicName>,
        id: Uuid,
        refusal: &Refusal,
    ) -> MetadataResponseTopic {
        let invalid = refusal.error != ResponseError::TopicAuthorizationFailed
            && name.is_some_and(|name| model::TopicName::new(name.as_str()).is_err());
        let code =
            if invalid { ResponseError::InvalidTopicException.code() } else { refusal.code() };
        let name = match name {
            None if self.version < 12 => Some(TopicName::default()),
            name => name.cloned(),
        };
        let missing = MetadataResponseTopic::default().with_name(name).with_error_code(code);
        if self.version >= 10 { missing.with_topic_id(id) } else { missing }
    }

    fn found(&self, topic: &Arc<TopicInfo>) -> MetadataResponseTopic {
        let partitions = (0_i32..).zip(&topic.partitions);
        let found = MetadataResponseTopic::default()
            .with_name(Some(TopicName(StrBytes::from_string(topic.name.to_string()))))
            .with_is_internal(topic.internal)
            .with_partitions(
                partitions.map(|(index, info)| self.partition(topic, index, info)).collect(),
            );
        let found =
            if self.version >= 10 { found.with_topic_id(topic.id.as_uuid()) } else { found };
        if self.with_operations && self.version >= 8 {
            let name = topic.name.as_str();
            let allowed = self.context.authorized_operations(ResourceType::Topic, name);
            return found.with_topic_authorized_operations(allowed);
        }
        found
    }

    fn partition(
        &self,
        topic: &TopicInfo,
        index: i32,
        info: &PartitionInfo,
    ) -> MetadataResponsePartition {
        let Placement { leader, replicas, in_sync, offline } =
            placement(self.image, self.listener, topic, index, info);
        let none = |partition: MetadataResponsePartition| {
            partition
                .with_error_code(ResponseError::LeaderNotAvailable.code())
                .with_leader_id((-1).into())
        };
        let wire = |ids: Vec<i32>| ids.into_iter().map(Into::into).collect();
        let partition = MetadataResponsePartition::default()
            .with_partition_index(index)
            .with_replica_nodes(wire(replicas))
            .with_isr_nodes(wire(in_sync));
        let partition = match leader {
            Some(leader) => partition.with_leader_id(leader.into()),
            None => none(partition),
        };
        let partition = if self.version >= 5 {
            partition.with_offline_replicas(wire(offline))
        } else {
            partition
        };
        if self.version >= 7 {
            return partition.with_leader_epoch(info.leader_epoch.to_wire());
        }
        partition
    }
}

/// A partition's replicas in Kafka's terms.
pub(super) struct Placement {
    /// The live leader that this listener's clients can reach.
    pub(super) leader: Option<i32>,
    /// The owner, alive or not; behind it, the readers of other zones.
    pub(super) replicas: Vec<i32>,
    /// The same, when the owner is alive.
    pub(super) in_sync: Vec<i32>,
    /// The owner, when not.
    pub(super) offline: Vec<i32>,
}

/// Where a partition is, for clients of that listener.
pub(super) fn placement(
    image: &Image,
    listener: &str,
    topic: &TopicInfo,
    index: i32,
    info: &PartitionInfo,
) -> Placement {
    let reachable = |leader: &BrokerId| {
        image.brokers.get(leader).is_some_and(|broker| broker.endpoint(listener).is_some())
    };
    let readers = PartitionIndex::from_wire(index).map(|index| image.readers(topic, index));
    let readers: Vec<_> = readers.into_iter().flatten().filter(reachable).collect();
    let wire = |id: Option<BrokerId>| id.map(BrokerId::to_wire);
    let with_readers = |first: Option<BrokerId>| {
        first
            .iter()
            .flat_map(|first| [first].into_iter().chain(&readers))
            .map(|id| id.to_wire())
            .collect()
    };
    Placement {
        leader: wire(info.leader.filter(reachable)),
        replicas: with_readers(info.owner),
        in_sync: with_readers(info.leader),
        offline: wire(info.owner.filter(|_| info.leader.is_none())).into_iter().collect(),
    }
}
