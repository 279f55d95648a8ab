//! Fetch: what was produced, whole and unchanged; long polls.

use crate::{
    broker::Served,
    producing::{batch, name, outcome, produce, produce_one},
};
use formats::record_batch::{batches, records};
use kafka_protocol::messages::{
    FetchRequest, FetchResponse,
    fetch_request::{FetchPartition, FetchTopic},
};
use std::time::Duration;

const VERSION: i16 = 12;

pub fn fetch(topic: &str, offset: i64, max_wait_ms: i32) -> FetchRequest {
    let partition = FetchPartition::default()
        .with_partition(0)
        .with_fetch_offset(offset)
        .with_partition_max_bytes(1 << 20);
    FetchRequest::default()
        .with_max_wait_ms(max_wait_ms)
        .with_min_bytes(1)
        .with_max_bytes(1 << 20)
        .with_topics(vec![
            FetchTopic::default().with_topic(name(topic)).with_partitions(vec![partition]),
        ])
}

/// Error code and the values of the only partition.
fn found(response: FetchResponse) -> (i16, Vec<String>) {
    let partition = response.responses.into_iter().next().unwrap().partitions.remove(0);
    let bytes = partition.records.unwrap_or_default();
    let mut values = Vec::new();
    for batch in batches(bytes) {
        let (_, bytes) = batch.unwrap();
        for record in records(&bytes, 1 << 20).unwrap() {
            let value = record.unwrap().value.unwrap();
            values.push(String::from_utf8(value.to_vec()).unwrap());
        }
    }
    (partition.error_code, values)
}

#[tokio::test(start_paused = true)]
async fn a_fetch_inside_a_batch_returns_it_whole() {
    let served = Served::start().await;
    served.create_topic("t", 1).await;
    let mut client = served.connect().await;
    let response = client.call(9, produce("t", -1, batch(&["a", "b", "c"]))).await;
    assert_eq!(outcome(&response), (0, 0));
    produce_one(&mut client, "t", "d").await;
    let response = client.call(VERSION, fetch("t", 1, 0)).await;
    assert_eq!(found(response), (0, ["a", "b", "c", "d"].map(str::to_owned).to_vec()));
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_is_woken_by_a_produce() {
    let served = Served::start().await;
    served.create_topic("t", 1).await;
    let mut consumer = served.connect().await;
    let polled = consumer.send(VERSION, &fetch("t", 0, 3_600_000)).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut producer = served.connect().await;
    produce_one(&mut producer, "t", "a").await;
    let answered = consumer.receive::<FetchRequest>(VERSION, polled);
    let response = tokio::time::timeout(Duration::from_mins(1), answered).await.unwrap();
    assert_eq!(found(response), (0, vec!["a".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_does_not_hold_up_later_requests_work() {
    let served = Served::start().await;
    served.create_topic("t", 1).await;
    let mut client = served.connect().await;
    let polled = client.send(VERSION, &fetch("t", 0, 3_600_000)).await;
    let produced = client.send(9, &produce("t", -1, batch(&["a"]))).await;
    let response = client.receive::<FetchRequest>(VERSION, polled).await;
    assert_eq!(found(response).1, ["a"]);
    let response = client.receive::<kafka_protocol::messages::ProduceRequest>(9, produced).await;
    assert_eq!(outcome(&response), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_of_nothing_ends_in_time() {
    let served = Served::start().await;
    served.create_topic("t", 1).await;
    let mut client = served.connect().await;
    assert_eq!(found(client.call(VERSION, fetch("t", 0, 500)).await), (0, Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn an_offset_past_the_end_is_out_of_range_at_once() {
    let served = Served::start().await;
    served.create_topic("t", 1).await;
    let mut client = served.connect().await;
    assert_eq!(found(client.call(VERSION, fetch("t", 7, 3_600_000)).await).0, 1);
    assert_eq!(found(client.call(VERSION, fetch("missing", 0, 3_600_000)).await).0, 3);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_was_never_given_is_refused() {
    let served = Served::start().await;
    let mut client = served.connect().await;
    let request = fetch("t", 0, 0).with_session_id(5).with_session_epoch(3);
    assert_eq!(client.call(VERSION, request).await.error_code, 70);
}
