//! Where logs begin and end: `ListOffsets` (API key 2), asked of one broker.

use kafka_client::{Connection, ConnectionError};
use kafka_protocol::{
    messages::{
        ListOffsetsRequest, TopicName,
        list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic},
    },
    protocol::StrBytes,
};

/// Every broker of the last years knows it.
const LIST_OFFSETS_VERSION: i16 = 5;

/// The timestamp that names the end of a log.
pub(crate) const END: i64 = -1;
/// … and its beginning.
pub(crate) const BEGINNING: i64 = -2;

/// Partitions by topic.
pub(crate) type AskedPartitions = Vec<(String, Vec<i32>)>;

/// Asks a broker for the offsets that a timestamp names in its partitions. Those of which it does not say so are left out.
pub(crate) async fn ask(
    connection: &mut Connection,
    partitions: &AskedPartitions,
    timestamp: i64,
) -> Result<Vec<(String, i32, i64)>, ConnectionError> {
    let topics = partitions.iter().map(|(topic, partitions)| {
        let partitions = partitions.iter().map(|partition| {
            ListOffsetsPartition::default()
                .with_partition_index(*partition)
                .with_current_leader_epoch(-1)
                .with_timestamp(timestamp)
        });
        ListOffsetsTopic::default().with_name(name(topic)).with_partitions(partitions.collect())
    });
    let topics = topics.collect();
    let request = ListOffsetsRequest::default().with_replica_id((-1).into()).with_topics(topics);
    let answer = connection.call(&request, LIST_OFFSETS_VERSION).await?;
    let mut found = Vec::new();
    for topic in answer.topics {
        let partitions = topic.partitions.iter().filter(|it| it.error_code == 0 && it.offset >= 0);
        found.extend(partitions.map(|it| (topic.name.to_string(), it.partition_index, it.offset)));
    }
    Ok(found)
}

pub(crate) fn name(topic: &str) -> TopicName {
    TopicName(StrBytes::from_string(topic.to_owned()))
}
