//! Asking where logs begin and end, and which record was the first at a time: `ListOffsets` (API key 2).

use kafka_protocol::{
    messages::{
        BrokerId, ListOffsetsRequest, ListOffsetsResponse, TopicName,
        list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic},
    },
    protocol::StrBytes,
};
use std::collections::BTreeMap;

/// The version that is spoken: the last one without tagged fields. Every broker of the last years knows it.
pub const LIST_OFFSETS_VERSION: i16 = 5;
/// Instead of a time: the first offset that there is.
pub const EARLIEST: i64 = -2;
/// Instead of a time: after the last record that consumers see.
pub const LATEST: i64 = -1;

/// A client's question to one broker, for topics, partitions and times (ms since 1970, or [`EARLIEST`] or [`LATEST`]). A partition can be
/// asked for once only: the last time counts.
pub fn list_offsets<'a>(
    wanted: impl IntoIterator<Item = (&'a str, i32, i64)>,
) -> ListOffsetsRequest {
    let mut topics = BTreeMap::<&str, BTreeMap<i32, i64>>::new();
    for (topic, partition, timestamp) in wanted {
        topics.entry(topic).or_default().insert(partition, timestamp);
    }
    let topics = topics.into_iter().map(|(topic, partitions)| {
        let partitions = partitions.into_iter().map(|(partition, timestamp)| {
            ListOffsetsPartition::default()
                .with_partition_index(partition)
                .with_current_leader_epoch(-1)
                .with_timestamp(timestamp)
        });
        ListOffsetsTopic::default()
            .with_name(TopicName(StrBytes::from_string(topic.to_owned())))
            .with_partitions(partitions.collect())
    });
    ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(topics.collect())
}

/// Topic, partition, and the offset (−1 where no record is so late) or Kafka's error code, of everything that was answered.
pub fn listed_offsets(
    answer: &ListOffsetsResponse,
) -> impl Iterator<Item = (&str, i32, Result<i64, i16>)> {
    answer.topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|it| {
            let offset = if it.error_code == 0 { Ok(it.offset) } else { Err(it.error_code) };
            (topic.name.as_str(), it.partition_index, offset)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka_protocol::messages::list_offsets_response::{
        ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
    };

    #[test]
    fn partitions_are_asked_for_by_topic_and_once() {
        let request =
            list_offsets([("b", 1, LATEST), ("a", 0, 7), ("b", 0, LATEST), ("b", 1, EARLIEST)]);
        assert_eq!(request.replica_id, BrokerId(-1));
        let mut asked = Vec::new();
        for topic in &request.topics {
            for it in &topic.partitions {
                assert_eq!(it.current_leader_epoch, -1);
                asked.push((topic.name.as_str(), it.partition_index, it.timestamp));
            }
        }
        assert_eq!(request.topics.len(), 2);
        assert_eq!(asked, [("a", 0, 7), ("b", 0, LATEST), ("b", 1, EARLIEST)]);
    }

    #[test]
    fn an_answer_is_an_offset_or_an_error() {
        let partition = |index, code, offset| {
            ListOffsetsPartitionResponse::default()
                .with_partition_index(index)
                .with_error_code(code)
                .with_offset(offset)
        };
        let topic = ListOffsetsTopicResponse::default()
            .with_name(TopicName(StrBytes::from_static_str("t")))
            .with_partitions(vec![partition(0, 0, 5), partition(1, 6, -1)]);
        let answer = ListOffsetsResponse::default().with_topics(vec![topic]);
        let listed: Vec<_> = listed_offsets(&answer).collect();
        assert_eq!(listed, [("t", 0, Ok(5)), ("t", 1, Err(6))]);
    }
}
