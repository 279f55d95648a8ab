//! What the trace of a produce request says of it: where its records go and how many bytes they are, nothing of what is in them.

use super::records_bytes;
use crate::context::Context;
use kafka_protocol::messages::ProduceRequest;
use model::TopicId;
use runtime::traces;

/// What is told of a name that may be anything: spans wait in memory.
const NAME_BYTES: usize = 256;

/// Adds it to the trace, if the request is traced.
pub(super) fn describe(context: &Context, request: &ProduceRequest) {
    let Some(span) = traces::current() else { return };
    if let Some(client_id) = &context.client_id {
        span.record("client_id", shortened(client_id));
    }
    if let Some(topic) = request.topic_data.first() {
        match topic.name.is_empty() {
            true => span.record("topic", tracing::field::display(TopicId::from(topic.topic_id))),
            false => span.record("topic", shortened(&topic.name)),
        };
    }
    let partitions = request.topic_data.iter().map(|topic| topic.partition_data.len());
    span.record("partitions", partitions.sum::<usize>());
    span.record("bytes", records_bytes(request));
    span.record("acks", request.acks);
}

fn shortened(name: &str) -> &str {
    name.get(..name.floor_char_boundary(NAME_BYTES)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!(shortened("short"), "short");
        assert_eq!(shortened(&"é".repeat(10_000)).len(), NAME_BYTES);
        assert_eq!(shortened(&format!("a{}", "é".repeat(10_000))).len(), NAME_BYTES - 1);
    }
}
