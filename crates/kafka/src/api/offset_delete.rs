//! `OffsetDelete` (API key 47): a group's offsets of topics that its members do not read.
//!
//! Source: KIP-496.

use super::{Api, Outcome, Versions};
use crate::{
    broker::{TopicRef, find_partition},
    context::Context,
    error::Refusal,
};
use cluster::Image;
use coordinator::{Deleted, GroupError, SlotKind};
use kafka_protocol::messages::{
    OffsetDeleteRequest, OffsetDeleteResponse,
    offset_delete_request::OffsetDeleteRequestTopic,
    offset_delete_response::{OffsetDeleteResponsePartition, OffsetDeleteResponseTopic},
};
use model::TopicId;
use security::acl::{Operation, ResourceType};

/// Handles version 0.
pub(super) struct OffsetDelete;

impl Api for OffsetDelete {
    type Request = OffsetDeleteRequest;
    type Response = OffsetDeleteResponse;
    const VERSIONS: Versions = Versions::new(0, 0);

    async fn begin(
        context: Context,
        request: OffsetDeleteRequest,
    ) -> Outcome<OffsetDeleteResponse> {
        if let Err(refusal) =
            context.authorize(Operation::Delete, ResourceType::Group, &request.group_id)
        {
            let response = OffsetDeleteResponse::default();
            return Outcome::Ready(response.with_error_code(refusal.code()));
        }
        let image = context.broker().cluster.image();
        let named = request.topics.iter().filter(|topic| !topic.partitions.is_empty());
        let topics: Vec<_> = named.map(|topic| judge(&context, &image, topic)).collect();
        match begin(&context, &request, &topics) {
            Ok(deleted) => Outcome::later(async move {
                match deleted.await {
                    Ok(deleted) => response(topics, deleted),
                    Err(error) => refused(error),
                }
            }),
            Err(error) => Outcome::Ready(refused(error)),
        }
    }
}

/// A topic: what exists of it, and the answer so far.
type Judged = (Option<(TopicId, Vec<u32>)>, OffsetDeleteResponseTopic);

fn judge(context: &Context, image: &Image, topic: &OffsetDeleteRequestTopic) -> Judged {
    let name = TopicRef::Name(topic.name.as_str());
    let known = context.find_authorized(Operation::Read, image, name);
    let mut existing = Vec::new();
    let partitions = topic.partitions.iter().map(|partition| {
        let index = partition.partition_index;
        let answer = OffsetDeleteResponsePartition::default().with_partition_index(index);
        match known.clone().and_then(|topic| find_partition(topic, index)) {
            Ok((index, _)) => {
                existing.push(index.get());
                answer
            }
            Err(refusal) => answer.with_error_code(refusal.code()),
        }
    });
    let answer = OffsetDeleteResponseTopic::default()
        .with_partitions(partitions.collect())
        .with_name(topic.name.clone());
    (known.ok().map(|topic| (topic.id, existing)), answer)
}

fn begin(
    context: &Context,
    request: &OffsetDeleteRequest,
    topics: &[Judged],
) -> Result<impl Future<Output = Result<Deleted, GroupError>> + Send + use<>, GroupError> {
    if request.group_id.is_empty() {
        return Err(GroupError::InvalidGroupId);
    }
    let broker = context.broker();
    let slot = broker.slot(SlotKind::Groups, &request.group_id)?;
    let wanted: Vec<_> = topics.iter().filter_map(|(wanted, _)| wanted.clone()).collect();
    broker.coordinator.groups().delete_offsets(slot, &request.group_id, &wanted)
}

fn response(topics: Vec<Judged>, deleted: Deleted) -> OffsetDeleteResponse {
    let mut deleted = deleted.into_iter();
    let topics = topics.into_iter().map(|(wanted, mut answer)| {
        let result = wanted.and_then(|_| deleted.next());
        if let Some(Err(error)) = result {
            let code = Refusal::from(error).code();
            for partition in answer.partitions.iter_mut().filter(|it| it.error_code == 0) {
                partition.error_code = code;
            }
        }
        answer
    });
    OffsetDeleteResponse::default().with_topics(topics.collect())
}

fn refused(error: GroupError) -> OffsetDeleteResponse {
    OffsetDeleteResponse::default().with_error_code(Refusal::from(error).code())
}
