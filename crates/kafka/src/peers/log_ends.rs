//! [`LogEndQuestion`]: where the log of a partition ends, as a `ListOffsets` request to its owner.

use super::line::Letter;
use kafka_client::{LATEST, LIST_OFFSETS_VERSION, list_offsets, listed_offsets};
use kafka_protocol::messages::{ListOffsetsRequest, ListOffsetsResponse};
use model::{PartitionIndex, TopicName};
use std::collections::BTreeMap;

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
    const VERSION: i16 = LIST_OFFSETS_VERSION;

    fn request(letters: &[&Self]) -> ListOffsetsRequest {
        list_offsets(letters.iter().map(|it| (it.topic.as_str(), it.partition.to_wire(), LATEST)))
    }

    fn answers(letters: &[&Self], response: &ListOffsetsResponse) -> Vec<Self::Answer> {
        let listed = listed_offsets(response);
        let ends: BTreeMap<(&str, i32), Result<i64, i16>> =
            listed.map(|(topic, partition, offset)| ((topic, partition), offset)).collect();
        let answer = |question: &&Self| {
            let place = (question.topic.as_str(), question.partition.to_wire());
            match ends.get(&place) {
                Some(Ok(offset)) => {
                    u64::try_from(*offset).map_err(|_| format!("the answer is {offset}"))
                }
                Some(Err(code)) => Err(format!("the answer is error {code}")),
                None => Err("the answer leaves it out".to_owned()),
            }
        };
        letters.iter().map(answer).collect()
    }

    fn unanswered(reason: String) -> Self::Answer {
        Err(reason)
    }
}
