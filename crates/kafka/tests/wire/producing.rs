//! Produce, and what consumers then read.

use crate::{broker::Served, client::Client};
use bytes::Bytes;
use formats::{compression::Codec, record_batch::BatchBuilder};
use kafka_protocol::{
    ResponseError,
    messages::{
        ProduceRequest, ProduceResponse, TopicName,
        produce_request::{PartitionProduceData, TopicProduceData},
    },
    protocol::StrBytes,
};
use model::{PartitionId, PartitionIndex};

const VERSION: i16 = 9;

pub fn batch(values: &[&str]) -> Bytes {
    let mut builder = BatchBuilder::new(Codec::None);
    for value in values {
        builder.push(1_700_000_000_000, None, Some(value.as_bytes()), &[]);
    }
    builder.build()
}

pub fn name(topic: &str) -> TopicName {
    TopicName(StrBytes::from_string(topic.to_owned()))
}

pub fn produce(topic: &str, acks: i16, records: Bytes) -> ProduceRequest {
    let partition = PartitionProduceData::default().with_index(0).with_records(Some(records));
    ProduceRequest::default().with_acks(acks).with_timeout_ms(30_000).with_topic_data(vec![
        TopicProduceData::default().with_name(name(topic)).with_partition_data(vec![partition]),
    ])
}

/// Error code and base offset of the only partition.
pub fn outcome(response: &ProduceResponse) -> (i16, i64) {
    let partition = &response.responses[0].partition_responses[0];
    (partition.error_code, partition.base_offset)
}

pub async fn produce_one(client: &mut Client, topic: &str, value: &str) -> i64 {
    let response = client.call(VERSION, produce(topic, -1, batch(&[value]))).await;
    let (error, offset) = outcome(&response);
    assert_eq!(error, 0);
    offset
}

#[tokio::test(start_paused = true)]
async fn pipelined_produces_are_answered_in_order_with_dense_offsets() {
    let served = Served::start().await;
    served.create_topic("t", 1).await;
    let mut client = served.connect().await;
    let mut sent = Vec::new();
    for _ in 0..20 {
        sent.push(client.send(VERSION, &produce("t", -1, batch(&["a", "b"]))).await);
    }
    for (position, correlation_id) in sent.into_iter().enumerate() {
        let response = client.receive::<ProduceRequest>(VERSION, correlation_id).await;
        assert_eq!(outcome(&response), (0, 2 * position as i64));
    }
}

#[tokio::test(start_paused = true)]
async fn a_produce_without_acks_is_not_answered() {
    let served = Served::start().await;
    served.create_topic("t", 1).await;
    let mut client = served.connect().await;
    client.send(VERSION, &produce("t", 0, batch(&["a"]))).await;
    assert_eq!(produce_one(&mut client, "t", "b").await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_produce_without_acks_closes_the_connection() {
    let served = Served::start().await;
    let mut client = served.connect().await;
    client.send(VERSION, &produce("missing", 0, batch(&["a"]))).await;
    client.expect_closed().await;
}

#[tokio::test(start_paused = true)]
async fn refusals_have_kafkas_codes() {
    let served = Served::start().await;
    served.create_topic("t", 1).await;
    let mut client = served.connect().await;
    let mut damaged = batch(&["a"]).to_vec();
    *damaged.last_mut().unwrap() ^= 1;
    let table = [
        (produce("missing", -1, batch(&["a"])), 3),
        (produce("t", 2, batch(&["a"])), 21),
        (produce("t", -1, damaged.into()), 2),
        (produce("t", -1, Bytes::new()), 87),
    ];
    for (request, code) in table {
        let response = client.call(VERSION, request).await;
        assert_eq!(outcome(&response), (code, -1));
    }
}

#[tokio::test(start_paused = true)]
async fn answers_in_flight_go_out_when_the_server_stops() {
    let served = Served::start().await;
    served.create_topic("t", 1).await;
    let mut client = served.connect().await;
    // The first answer tells that the connection is served.
    produce_one(&mut client, "t", "a").await;
    let sent = client.send(VERSION, &produce("t", -1, batch(&["b"]))).await;
    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    served.server.stop_accepting();
    let response = client.receive::<ProduceRequest>(VERSION, sent).await;
    assert_eq!(outcome(&response), (0, 1));
    client.expect_closed().await;
    served.server.shut_down().await;
}

/// A batch of one record of producer 7 in epoch 0.
fn numbered(sequence: i32) -> Bytes {
    let mut builder = BatchBuilder::new(Codec::None).producer(7, 0, sequence);
    builder.push(1_700_000_000_000, None, Some(b"x"), &[]);
    builder.build()
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_behind_a_refused_batch_leaves_no_gap_when_the_partition_comes_back() {
    let served = Served::start().await;
    let topic = served.create_topic("t", 1).await;
    let partition = [PartitionId { topic, partition: PartitionIndex::from_wire(0).unwrap() }];
    let mut client = served.connect().await;
    let mut write = async |sequence| {
        outcome(&client.call(VERSION, produce("t", -1, numbered(sequence))).await).0
    };
    assert_eq!(write(0).await, 0);
    served.logs.seal(&partition).await.unwrap();
    assert_eq!(write(1).await, ResponseError::NotLeaderOrFollower.code());
    served.logs.unseal(&partition);
    for sequence in [2, 3] {
        assert_eq!(write(sequence).await, ResponseError::NotLeaderOrFollower.code());
    }
    for sequence in [1, 2, 3] {
        assert_eq!(write(sequence).await, 0);
    }
}
