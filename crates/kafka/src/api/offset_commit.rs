//! `OffsetCommit` (API key 8): a group's offsets, answered when they are stored.
//!
//! Sources: KIP-211 (retention), KIP-320 (leader epochs), KIP-345, KIP-848.

use super::{
    Api, Outcome, Versions,
    committed_offsets::{Reading, WireOffset},
    group_text::wire,
};
use crate::{context::Context, error::Refusal};
use cluster::Image;
use coordinator::{
    GroupError, OffsetCommit as Commit, SlotKind,
    group::{Committer, MemberRef},
};
use kafka_protocol::messages::{
    OffsetCommitRequest, OffsetCommitResponse,
    offset_commit_request::OffsetCommitRequestTopic,
    offset_commit_response::{OffsetCommitResponsePartition, OffsetCommitResponseTopic},
};
use security::acl::{Operation, ResourceType};

/// Handles versions 2 to 9.
pub(super) struct OffsetCommit;

impl Api for OffsetCommit {
    type Request = OffsetCommitRequest;
    type Response = OffsetCommitResponse;
    const VERSIONS: Versions = Versions::new(2, 9);

    async fn begin(
        context: Context,
        request: OffsetCommitRequest,
    ) -> Outcome<OffsetCommitResponse> {
        if let Err(refusal) =
            context.authorize(Operation::Read, ResourceType::Group, &request.group_id)
        {
            return Outcome::Ready(refused(&request, refusal.code()));
        }
        let image = context.broker().cluster.image();
        // Only versions 2 to 4 have a retention; −1 leaves it to the broker.
        let reading = Reading::new(&context, request.retention_time_ms);
        let read = request.topics.iter().map(|topic| judge(&reading, &image, topic));
        let (commits, topics): (Vec<_>, Vec<_>) = read.unzip();
        let commits: Vec<Commit> = commits.into_iter().flatten().collect();
        if commits.is_empty() {
            return Outcome::Ready(response(topics, &Ok(())));
        }
        match begin(&context, &request, commits) {
            Ok(stored) => Outcome::later(async move { response(topics, &stored.await) }),
            Err(error) => Outcome::Ready(response(topics, &Err(error))),
        }
    }
}

fn begin(
    context: &Context,
    request: &OffsetCommitRequest,
    commits: Vec<Commit>,
) -> Result<impl Future<Output = Result<(), GroupError>> + Send + use<>, GroupError> {
    let broker = context.broker();
    let slot = broker.slot(SlotKind::Groups, &request.group_id)?;
    let from = MemberRef {
        member: &request.member_id,
        instance: request.group_instance_id.as_deref(),
        generation: request.generation_id_or_member_epoch,
    };
    let by = Committer { from, transactional: false, knows_member_epochs: context.version() >= 9 };
    broker.coordinator.groups().commit(slot, &request.group_id, by, commits)
}

/// A topic's partitions with what each is refused for; 0 is what becomes of the commit.
type Judged = OffsetCommitResponseTopic;

fn judge(
    reading: &Reading,
    image: &Image,
    topic: &OffsetCommitRequestTopic,
) -> (Option<Commit>, Judged) {
    let offsets = topic.partitions.iter().map(|partition| WireOffset {
        partition: partition.partition_index,
        offset: partition.committed_offset,
        leader_epoch: partition.committed_leader_epoch,
        metadata: partition.committed_metadata.as_ref(),
    });
    let (commit, codes) = reading.topic(image, &topic.name, offsets);
    let partitions = codes.into_iter().map(|(partition, code)| {
        OffsetCommitResponsePartition::default()
            .with_partition_index(partition)
            .with_error_code(code)
    });
    let name = wire(&topic.name).into();
    (commit, Judged::default().with_name(name).with_partitions(partitions.collect()))
}

/// The same error for every partition.
fn refused(request: &OffsetCommitRequest, code: i16) -> OffsetCommitResponse {
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            OffsetCommitResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(code)
        });
        let name = wire(&topic.name).into();
        Judged::default().with_name(name).with_partitions(partitions.collect())
    });
    OffsetCommitResponse::default().with_topics(topics.collect())
}

/// Partitions that were not refused share what became of the commit.
fn response(mut topics: Vec<Judged>, stored: &Result<(), GroupError>) -> OffsetCommitResponse {
    if let Err(error) = stored {
        let code = Refusal::from(error.clone()).code();
        for partition in topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
            if partition.error_code == 0 {
                partition.error_code = code;
            }
        }
    }
    topics.retain(|topic| !topic.partitions.is_empty());
    OffsetCommitResponse::default().with_topics(topics)
}
