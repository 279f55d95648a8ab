//! `OffsetCommit` (API key 8): a group's offsets, answered when they are stored.
//!
//! Sources: KIP-211 (retention), KIP-320 (leader epochs), KIP-345, KIP-848.

use super::{Api, Outcome, Versions, group_text::wire};
use crate::{
    broker::{TopicRef, find_partition, find_topic},
    context::Context,
    error::Refusal,
};
use cluster::Image;
use coordinator::{
    GroupError, OffsetCommit as Commit, SlotKind,
    group::{CommittedOffset, Committer, MemberRef},
};
use kafka_protocol::{
    ResponseError,
    messages::{
        OffsetCommitRequest, OffsetCommitResponse,
        offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic},
        offset_commit_response::{OffsetCommitResponsePartition, OffsetCommitResponseTopic},
    },
};
use model::{LeaderEpoch, Offset, config::broker as keys};

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
        let image = context.broker().cluster.image();
        let reading = Reading::new(&context, &request);
        let read = request.topics.iter().map(|topic| reading.topic(&image, topic));
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
    let by = Committer { from, transactional: false };
    broker.coordinator.groups().commit(slot, &request.group_id, by, commits)
}

/// A topic's partitions with what each is refused for; 0 is what becomes of the commit.
type Judged = OffsetCommitResponseTopic;

/// Reads a request's offsets.
struct Reading {
    now_unix_ms: i64,
    expires_unix_ms: Option<i64>,
    metadata_max_bytes: usize,
}

impl Reading {
    fn new(context: &Context, request: &OffsetCommitRequest) -> Self {
        let broker = context.broker();
        let now_unix_ms = broker.coordinator.groups().unix_ms();
        let configs = &broker.options.static_configs;
        let most = keys::OFFSET_METADATA_MAX_BYTES.number_in(configs).unwrap_or(4096);
        Self {
            now_unix_ms,
            // Only versions 2 to 4 have it; −1 leaves it to the broker.
            expires_unix_ms: Some(request.retention_time_ms)
                .filter(|retention| *retention >= 0)
                .map(|retention| now_unix_ms.saturating_add(retention)),
            metadata_max_bytes: usize::try_from(most).unwrap_or(usize::MAX),
        }
    }

    fn topic(&self, image: &Image, topic: &OffsetCommitRequestTopic) -> (Option<Commit>, Judged) {
        let known = find_topic(image, TopicRef::Name(topic.name.as_str()));
        let mut commit =
            known.as_ref().ok().map(|topic| Commit { topic: topic.id, partitions: Vec::new() });
        let mut judged = Vec::with_capacity(topic.partitions.len());
        for partition in &topic.partitions {
            let offset = known
                .clone()
                .and_then(|topic| find_partition(topic, partition.partition_index))
                .and_then(|(index, _)| Ok((index.get(), self.offset(partition)?)));
            let answer = OffsetCommitResponsePartition::default()
                .with_partition_index(partition.partition_index);
            judged.push(match (offset, &mut commit) {
                (Ok(offset), Some(commit)) => {
                    commit.partitions.push(offset);
                    answer
                }
                (Ok(_), None) => answer,
                (Err(refusal), _) => answer.with_error_code(refusal.code()),
            });
        }
        // A copy: a slice would keep the whole request in memory until the answer is out.
        let name = wire(topic.name.as_str()).into();
        let judged = Judged::default().with_name(name).with_partitions(judged);
        (commit.filter(|commit| !commit.partitions.is_empty()), judged)
    }

    fn offset(&self, partition: &OffsetCommitRequestPartition) -> Result<CommittedOffset, Refusal> {
        let metadata = partition.committed_metadata.as_deref().unwrap_or_default();
        if metadata.len() > self.metadata_max_bytes {
            return Err(ResponseError::OffsetMetadataTooLarge.into());
        }
        let offset = Offset::from_wire(partition.committed_offset);
        let offset = offset.ok_or(ResponseError::InvalidCommitOffsetSize)?;
        Ok(CommittedOffset {
            offset,
            leader_epoch: LeaderEpoch::from_wire(partition.committed_leader_epoch),
            metadata: metadata.into(),
            committed_unix_ms: self.now_unix_ms,
            expires_unix_ms: self.expires_unix_ms,
        })
    }
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
    OffsetCommitResponse::default().with_topics(topics)
}
