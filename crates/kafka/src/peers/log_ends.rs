//! [`LogEndQuestion`]: where the log of a partition ends, as a `ListOffsets` request to its owner.

use super::line::Letter;
use kafka_protocol::{
    messages::{
        BrokerId as WireBrokerId, ListOffsetsRequest, ListOffsetsResponse,
        TopicName as WireTopicName,
        list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic},
    },
    protocol::StrBytes,
};
use model::{PartitionIndex, TopicName};
use std::collections::{BTreeMap, BTreeSet};

/// The timestamp that names the end of a log.
const LATEST: i64 = -1;

/// Where does the log of this partition end?
#[derive(Clone, Debug)]
pub struct LogEndQuestion {
    /// The topic.
    pub topic: TopicName,
    /// The partition.
    pub partition: PartitionIndex,
}

impl Letter for LogEndQuestion {
    type Answer = Result<u64, String>;
    type Request = ListOffsetsRequest;
    /// The last one whose answer needs no tags.
    const VERSION: i16 = 5;

    fn request(letters: &[&Self]) -> ListOffsetsRequest {
        let mut topics = BTreeMap::<&str, BTreeSet<i32>>::new();
        for it in letters {
            topics.entry(it.topic.as_str()).or_default().insert(it.partition.to_wire());
        }
        let topics = topics.into_iter().map(|(topic, partitions)| {
            let partitions = partitions.into_iter().map(|partition| {
                ListOffsetsPartition::default()
                    .with_partition_index(partition)
                    .with_current_leader_epoch(-1)
                    .with_timestamp(LATEST)
            });
            ListOffsetsTopic::default()
                .with_name(WireTopicName(StrBytes::from_string(topic.to_owned())))
                .with_partitions(partitions.collect())
        });
        ListOffsetsRequest::default()
            .with_replica_id(WireBrokerId(-1))
            .with_topics(topics.collect())
    }

    fn answers(letters: &[&Self], response: &ListOffsetsResponse) -> Vec<Self::Answer> {
        let mut ends = BTreeMap::new();
        for topic in &response.topics {
            for it in &topic.partitions {
                ends.insert((topic.name.as_str(), it.partition_index), (it.error_code, it.offset));
            }
        }
        let answer = |question: &&Self| {
            let place = (question.topic.as_str(), question.partition.to_wire());
            match ends.get(&place) {
                Some((0, offset)) => {
                    u64::try_from(*offset).map_err(|_| format!("the answer is {offset}"))
                }
                Some((code, _)) => Err(format!("the answer is error {code}")),
                None => Err("the answer leaves it out".to_owned()),
            }
        };
        letters.iter().map(answer).collect()
    }

    fn unanswered(reason: String) -> Self::Answer {
        Err(reason)
    }
}
