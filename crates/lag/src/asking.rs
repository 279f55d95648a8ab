//! Where logs begin and end: `ListOffsets` (API key 2), asked of one broker.

use kafka_client::{
    Connection, ConnectionError, LIST_OFFSETS_VERSION, list_offsets, listed_offsets,
};
use kafka_protocol::{messages::TopicName, protocol::StrBytes};

/// Partitions by topic.
pub(crate) type AskedPartitions = Vec<(String, Vec<i32>)>;

/// Asks a broker for the offsets that a timestamp names in its partitions. Those of which it does not say so are left out.
pub(crate) async fn ask(
    connection: &mut Connection,
    partitions: &AskedPartitions,
    timestamp: i64,
) -> Result<Vec<(String, i32, i64)>, ConnectionError> {
    let wanted = partitions.iter().flat_map(|(topic, partitions)| {
        partitions.iter().map(|&partition| (topic.as_str(), partition, timestamp))
    });
    let answer = connection.call(&list_offsets(wanted), LIST_OFFSETS_VERSION).await?;
    let found = listed_offsets(&answer).filter_map(|(topic, partition, offset)| {
        let offset = offset.ok().filter(|&offset| offset >= 0)?;
        Some((topic.to_owned(), partition, offset))
    });
    Ok(found.collect())
}

pub(crate) fn name(topic: &str) -> TopicName {
    TopicName(StrBytes::from_string(topic.to_owned()))
}
