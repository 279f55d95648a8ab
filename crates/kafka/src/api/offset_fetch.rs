//! `OffsetFetch` (API key 9): what groups committed; since version 8 of several groups at once.
//!
//! Sources: KIP-88 (all topics), KIP-320, KIP-447 (stable offsets only), KIP-709 (several groups), KIP-848 (who asks).

use super::{Api, Outcome, Versions, group_text::wire};
use crate::{context::Context, error::Refusal};
use cluster::Image;
use coordinator::{FetchedOffset, SlotKind, Wanted};
use futures::future::{BoxFuture, FutureExt, join_all, ready};
use kafka_protocol::{
    ResponseError,
    messages::{
        GroupId, OffsetFetchRequest, OffsetFetchResponse,
        offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics},
        offset_fetch_response::{
            OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
            OffsetFetchResponseTopic, OffsetFetchResponseTopics,
        },
    },
};
use model::{LeaderEpoch, TopicId};
use security::acl::{Operation, ResourceType};
use std::collections::{BTreeMap, HashSet};

/// Handles versions 1 to 9.
pub(super) struct OffsetFetch;

impl Api for OffsetFetch {
    type Request = OffsetFetchRequest;
    type Response = OffsetFetchResponse;
    const VERSIONS: Versions = Versions::new(1, 9);

    async fn begin(context: Context, request: OffsetFetchRequest) -> Outcome<OffsetFetchResponse> {
        let version = context.version();
        let stable = request.require_stable;
        if version < 8 {
            let group = single_group(request);
            let fetched = fetch(&context, group, stable);
            return Outcome::later(async move { single_response(fetched.await) });
        }
        // Each group once: a short request must not ask for a long answer many times over.
        let mut seen = HashSet::new();
        let groups = request.groups.into_iter().filter(|group| seen.insert(group.group_id.clone()));
        let fetched = join_all(groups.map(|group| fetch(&context, group, stable)));
        Outcome::later(async move { OffsetFetchResponse::default().with_groups(fetched.await) })
    }
}

/// The one group of an older version, as a newer one would ask for it.
fn single_group(request: OffsetFetchRequest) -> OffsetFetchRequestGroup {
    let topics = request.topics.map(|topics| {
        let topics = topics.into_iter().map(|topic| {
            OffsetFetchRequestTopics::default()
                .with_name(topic.name)
                .with_partition_indexes(topic.partition_indexes)
        });
        topics.collect()
    });
    OffsetFetchRequestGroup::default().with_group_id(request.group_id).with_topics(topics)
}

fn fetch(
    context: &Context,
    mut group: OffsetFetchRequestGroup,
    require_stable: bool,
) -> BoxFuture<'static, OffsetFetchResponseGroup> {
    let (broker, version) = (context.broker(), context.version());
    let id = GroupId(wire(&group.group_id));
    if let Err(refusal) = context.authorize(Operation::Describe, ResourceType::Group, &id) {
        let topics = group.topics.map(|topics| topics.into_iter().map(own).collect());
        return ready(refused(version, id, topics, refusal.code())).boxed();
    }
    let image = broker.cluster.image();
    let denied = deny_topics(context, &mut group);
    let (seer, is_all) = (context.clone(), group.topics.is_none());
    let topics = group.topics.as_deref().map(|topics| existing(&image, topics));
    let fetched = broker.slot(SlotKind::Groups, &group.group_id).and_then(|slot| {
        let wanted = Wanted {
            topics: topics.as_deref(),
            member: group.member_id.as_deref(),
            member_epoch: group.member_epoch,
            require_stable,
        };
        broker.coordinator.groups().fetch(slot, &group.group_id, wanted)
    });
    let topics = group.topics.map(|topics| topics.into_iter().map(own).collect());
    async move {
        let fetched = match fetched {
            Ok(fetched) => fetched.await,
            Err(error) => Err(error),
        };
        match fetched {
            Ok(fetched) => {
                let mut answer = answer(&image, id, topics, fetched);
                answer.topics.retain(|topic| {
                    let describe = Operation::Describe;
                    !is_all || seer.may_quietly(describe, ResourceType::Topic, &topic.name)
                });
                answer.topics.extend(denied);
                answer
            }
            Err(error) => refused(version, id, topics, Refusal::from(error).code()),
        }
    }
    .boxed()
}

/// Takes the topics out of a request that may not be described; answers what is said of them.
fn deny_topics(
    context: &Context,
    group: &mut OffsetFetchRequestGroup,
) -> Vec<OffsetFetchResponseTopics> {
    let mut denied = Vec::new();
    if let Some(topics) = &mut group.topics {
        topics.retain(|topic| {
            match context.authorize(Operation::Describe, ResourceType::Topic, &topic.name) {
                Ok(()) => true,
                Err(refusal) => {
                    denied.push(refused_topic(own(topic.clone()), refusal.code()));
                    false
                }
            }
        });
    }
    denied
}

/// A topic of a request, copied: a slice would keep the whole request in memory.
fn own(topic: OffsetFetchRequestTopics) -> OffsetFetchRequestTopics {
    let name = wire(topic.name.as_str()).into();
    OffsetFetchRequestTopics::default()
        .with_name(name)
        .with_partition_indexes(topic.partition_indexes)
}

/// The partitions that exist.
fn existing(image: &Image, topics: &[OffsetFetchRequestTopics]) -> Vec<(TopicId, Vec<u32>)> {
    let known = topics.iter().filter_map(|topic| {
        let id = image.topic(topic.name.as_str())?.id;
        let indexes = topic.partition_indexes.iter();
        Some((id, indexes.filter_map(|index| u32::try_from(*index).ok()).collect()))
    });
    known.collect()
}

fn answer(
    image: &Image,
    id: GroupId,
    topics: Option<Vec<OffsetFetchRequestTopics>>,
    fetched: coordinator::Fetched,
) -> OffsetFetchResponseGroup {
    // A topic may have been asked for more than once.
    let mut known: BTreeMap<TopicId, BTreeMap<u32, FetchedOffset>> = BTreeMap::new();
    for (topic, offsets) in fetched {
        known.entry(topic).or_default().extend(offsets);
    }
    let topics = match topics {
        Some(topics) => topics.into_iter().map(|topic| asked_topic(image, topic, &known)).collect(),
        None => {
            known.into_iter().filter_map(|(id, offsets)| known_topic(image, id, &offsets)).collect()
        }
    };
    OffsetFetchResponseGroup::default().with_group_id(id).with_topics(topics)
}

/// A group that is refused has an error of its own and no topics; version 1 has no other place for it than the partitions.
fn refused(
    version: i16,
    id: GroupId,
    topics: Option<Vec<OffsetFetchRequestTopics>>,
    code: i16,
) -> OffsetFetchResponseGroup {
    let response = OffsetFetchResponseGroup::default().with_group_id(id).with_error_code(code);
    if version >= 2 {
        return response;
    }
    let topics = topics.unwrap_or_default().into_iter().map(|topic| refused_topic(topic, code));
    response.with_topics(topics.collect())
}

fn refused_topic(topic: OffsetFetchRequestTopics, code: i16) -> OffsetFetchResponseTopics {
    let refused = partition(-1, &FetchedOffset::None).with_error_code(code);
    let indexes = topic.partition_indexes.into_iter();
    let partitions = indexes.map(|index| refused.clone().with_partition_index(index)).collect();
    OffsetFetchResponseTopics::default().with_name(topic.name).with_partitions(partitions)
}

fn asked_topic(
    image: &Image,
    topic: OffsetFetchRequestTopics,
    known: &BTreeMap<TopicId, BTreeMap<u32, FetchedOffset>>,
) -> OffsetFetchResponseTopics {
    let offsets = image.topic(topic.name.as_str()).and_then(|info| known.get(&info.id));
    let partitions = topic.partition_indexes.iter().map(|index| {
        let offset = u32::try_from(*index).ok().and_then(|index| offsets?.get(&index));
        partition(*index, offset.unwrap_or(&FetchedOffset::None))
    });
    OffsetFetchResponseTopics::default().with_name(topic.name).with_partitions(partitions.collect())
}

fn known_topic(
    image: &Image,
    id: TopicId,
    offsets: &BTreeMap<u32, FetchedOffset>,
) -> Option<OffsetFetchResponseTopics> {
    let name = wire(image.topic_by_id(id)?.name.as_str());
    let partitions = offsets.iter().map(|(index, offset)| partition(*index as i32, offset));
    let topic = OffsetFetchResponseTopics::default().with_name(name.into());
    Some(topic.with_partitions(partitions.collect()))
}

fn partition(index: i32, fetched: &FetchedOffset) -> OffsetFetchResponsePartitions {
    let answer = OffsetFetchResponsePartitions::default()
        .with_partition_index(index)
        .with_committed_leader_epoch(-1)
        .with_metadata(Some(wire("")));
    match fetched {
        FetchedOffset::None => answer.with_committed_offset(-1),
        FetchedOffset::Unstable => answer
            .with_committed_offset(-1)
            .with_error_code(ResponseError::UnstableOffsetCommit.code()),
        FetchedOffset::Committed(offset) => answer
            .with_committed_offset(offset.offset.to_wire())
            .with_committed_leader_epoch(offset.leader_epoch.map_or(-1, LeaderEpoch::to_wire))
            .with_metadata(Some(wire(&offset.metadata))),
    }
}

/// The answer of an older version, from that of a newer one; version 1 leaves the group's error out.
fn single_response(group: OffsetFetchResponseGroup) -> OffsetFetchResponse {
    let topics = group.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.into_iter().map(|it| {
            OffsetFetchResponsePartition::default()
                .with_partition_index(it.partition_index)
                .with_committed_offset(it.committed_offset)
                .with_committed_leader_epoch(it.committed_leader_epoch)
                .with_metadata(it.metadata)
                .with_error_code(it.error_code)
        });
        OffsetFetchResponseTopic::default()
            .with_name(topic.name)
            .with_partitions(partitions.collect())
    });
    let topics = topics.collect();
    OffsetFetchResponse::default().with_error_code(group.error_code).with_topics(topics)
}
