//! Groups: where one goes on, and its end.

use super::{Write, accepted, text_of};
use crate::{
    Served,
    groups::{self, Place, group_id},
    refused::Refused,
};
use axum::http::StatusCode;
use kafka_protocol::messages::{
    DeleteGroupsRequest, OffsetCommitRequest, TopicName,
    offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic},
};
use serde::Deserialize;
use std::collections::BTreeMap;

const OFFSET_COMMIT_VERSION: i16 = 8;
const DELETE_GROUPS_VERSION: i16 = 1;
/// What somebody who is no member says of generation, epochs and retention.
const NONE: i32 = -1;

/// Has a group go on elsewhere, as the preview ([`crate::seek`]) showed it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResetOffsets {
    group: String,
    offsets: Vec<Step>,
}

/// One partition's.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    topic: String,
    partition: i32,
    /// Where the group was when somebody looked.
    from: Option<String>,
    to: String,
}

impl Step {
    fn place(&self) -> Place {
        (self.topic.clone(), self.partition)
    }
}

impl Write for ResetOffsets {
    const NAME: &'static str = "reset-offsets";

    fn subject(&self) -> String {
        let step = |it: &Step| {
            let from = it.from.as_deref().unwrap_or("nothing");
            format!("{}-{} from {from} to {}", it.topic, it.partition, it.to)
        };
        let mut steps: Vec<String> = self.offsets.iter().take(20).map(step).collect();
        let more = self.offsets.len().saturating_sub(steps.len());
        if more > 0 {
            steps.push(format!("and {more} more"));
        }
        format!("group {}: {}", self.group, steps.join(", "))
    }

    async fn run(self, served: &Served) -> Result<(), Refused> {
        let brokers = &served.brokers;
        let coordinator = groups::idle_coordinator(brokers, &self.group).await?;
        let committed = groups::committed(brokers, coordinator, &self.group).await?;
        let mut topics = BTreeMap::<&str, Vec<OffsetCommitRequestPartition>>::new();
        for step in &self.offsets {
            let now = committed.get(&step.place()).map(ToString::to_string);
            if now != step.from {
                let reason = "the group has committed since you looked: look again";
                return Err(Refused::new(StatusCode::CONFLICT, reason));
            }
            let to = step.to.parse::<i64>().ok().filter(|to| *to >= 0);
            let to = to.ok_or_else(|| Refused::bad_request("an offset is a whole number"))?;
            let one = OffsetCommitRequestPartition::default()
                .with_partition_index(step.partition)
                .with_committed_offset(to)
                .with_committed_leader_epoch(NONE)
                .with_committed_metadata(Some(text_of("")));
            topics.entry(&step.topic).or_default().push(one);
        }
        let topics = topics.into_iter().map(|(name, partitions)| {
            OffsetCommitRequestTopic::default()
                .with_name(TopicName(text_of(name)))
                .with_partitions(partitions)
        });
        let request = OffsetCommitRequest::default()
            .with_group_id(group_id(&self.group))
            .with_generation_id_or_member_epoch(NONE)
            .with_topics(topics.collect());
        let answer = brokers.write(Some(coordinator), &request, OFFSET_COMMIT_VERSION).await?;
        answer.topics.iter().try_for_each(|topic| {
            topic.partitions.iter().try_for_each(|it| {
                let subject = format!("{} {}", topic.name.as_str(), it.partition_index);
                accepted(it.error_code, None, &subject)
            })
        })
    }
}

/// Deletes a group that nobody is in, with its offsets.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeleteGroup {
    group: String,
}

impl Write for DeleteGroup {
    const NAME: &'static str = "delete-group";

    fn subject(&self) -> String {
        self.group.clone()
    }

    async fn run(self, served: &Served) -> Result<(), Refused> {
        let coordinator = groups::coordinator(&served.brokers, &self.group)?;
        let request = DeleteGroupsRequest::default().with_groups_names(vec![group_id(&self.group)]);
        let answer =
            served.brokers.write(Some(coordinator), &request, DELETE_GROUPS_VERSION).await?;
        answer.results.iter().try_for_each(|it| accepted(it.error_code, None, "the group"))
    }
}
