//! Bytes that are no request: the connection is closed, and the broker serves on.

use crate::{
    broker::Served,
    fetching::fetch,
    producing::{batch, name, outcome, produce, produce_one},
};
use kafka::ServerOptions;
use kafka_protocol::{
    messages::{
        ApiVersionsResponse, DescribeConfigsRequest, MetadataRequest, ProduceRequest,
        describe_configs_request::DescribeConfigsResource, metadata_request::MetadataRequestTopic,
    },
    protocol::Decodable,
};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn bytes_that_are_no_request_close_the_connection() {
    let served = Served::start().await;
    served.create_topic("t", 1).await;
    let table: [&[u8]; 8] = [
        &[0, 0, 0, 0],                                  // an empty frame
        &[0, 0, 0, 3, 1, 2, 3],                         // shorter than a header
        &[0xff, 0xff, 0xff, 0xff],                      // a negative length
        &[0x7f, 0xff, 0xff, 0xff],                      // larger than socket.request.max.bytes
        b"GET / HTTP/1.1\r\n\r\n",                      // another protocol
        &[0, 0, 0, 8, 0, 99, 0, 0, 0, 0, 0, 1],         // an unknown API
        &[0, 0, 0, 8, 0, 3, 0, 99, 0, 0, 0, 1],         // an unknown version
        &[0, 0, 0, 10, 0, 3, 0, 1, 0, 0, 0, 1, 0, 200], // a client id longer than the frame
    ];
    for bytes in table {
        let mut client = served.connect().await;
        client.send_bytes(bytes).await;
        client.expect_closed().await;
    }
    let mut client = served.connect().await;
    assert_eq!(produce_one(&mut client, "t", "still here").await, 0);
}

#[tokio::test(start_paused = true)]
async fn api_versions_of_the_future_is_answered_in_version_0() {
    let served = Served::start().await;
    let mut client = served.connect().await;
    client.send_frame(&[0, 18, 0, 99, 0, 0, 0, 42, 1, 2, 3]).await;
    let mut frame = client.receive_frame().await.unwrap();
    assert_eq!(frame.split_to(4).as_ref(), [0, 0, 0, 42]);
    let response = ApiVersionsResponse::decode(&mut frame, 0).unwrap();
    assert_eq!(response.error_code, 35);
    let keys: Vec<_> = response.api_keys.iter().map(|api| (api.api_key, api.max_version)).collect();
    assert_eq!(keys, [(18, 4)]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_is_closed_after_the_idle_time() {
    let options =
        ServerOptions { connections_max_idle: Duration::from_secs(5), ..ServerOptions::default() };
    let served = Served::start_with(options).await;
    let mut client = served.connect().await;
    client.expect_closed().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_stands_still_half_sent_is_closed() {
    let served = Served::start().await;
    let mut client = served.connect().await;
    client.send_bytes(&[0, 0, 1, 0, 0, 3]).await;
    client.expect_closed().await;
}

#[tokio::test(start_paused = true)]
async fn connections_beyond_the_limit_of_an_address_are_closed() {
    let options = ServerOptions { max_connections_per_ip: 1, ..ServerOptions::default() };
    let served = Served::start_with(options).await;
    served.create_topic("t", 1).await;
    let mut first = served.connect().await;
    produce_one(&mut first, "t", "a").await;
    served.connect().await.expect_closed().await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_beyond_the_limit_waits_until_another_ends() {
    let options = ServerOptions { max_connections: 1, ..ServerOptions::default() };
    let served = Served::start_with(options).await;
    served.create_topic("t", 1).await;
    let mut first = served.connect().await;
    produce_one(&mut first, "t", "a").await;
    let mut second = served.connect().await;
    let sent = second.send(9, &produce("t", -1, batch(&["b"]))).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    drop(first);
    let response = second.receive::<ProduceRequest>(9, sent).await;
    assert_eq!(outcome(&response), (0, 1));
}

/// A frame's length and head (Metadata, version 1, correlation id 1), and as many bytes of the rest as given.
fn began(length: u32, sent: usize) -> Vec<u8> {
    let head = [0, 3, 0, 1, 0, 0, 0, 1];
    [&length.to_be_bytes()[..], &head, &vec![0; sent]].concat()
}

#[tokio::test(start_paused = true)]
async fn a_body_that_trickles_is_closed() {
    let served = Served::start().await;
    let mut client = served.connect().await;
    client.send_bytes(&began(64 << 20, 0)).await;
    let start = tokio::time::Instant::now();
    while client.try_send(&[0]).await && start.elapsed() < Duration::from_mins(10) {
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    assert!(start.elapsed() < Duration::from_mins(1));
}

#[tokio::test(start_paused = true)]
async fn who_announces_much_and_sends_little_keeps_nobody_waiting() {
    let options = ServerOptions {
        queued_request_max_bytes: 16 << 20,
        connections_max_idle: Duration::from_hours(1),
        ..ServerOptions::default()
    };
    let served = Served::start_with(options).await;
    served.create_topic("t", 1).await;
    let mut slow = Vec::new();
    for length in [15 << 20, 1 << 20, 100_000].into_iter().cycle().take(600) {
        let mut client = served.connect().await;
        client.send_bytes(&began(length, 10)).await;
        slow.push(client);
    }
    let mut good = served.connect().await;
    let start = tokio::time::Instant::now();
    let large = batch(&["x".repeat(2 << 20).as_str()]);
    let response = good.call(9, produce("t", -1, large)).await;
    assert_eq!(outcome(&response), (10, -1), "larger than max.message.bytes, and answered");
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert!(slow[0].try_send(&[0]).await, "nobody had to go for it");
}

#[tokio::test(start_paused = true)]
async fn more_than_all_memory_at_once_is_read_one_by_one() {
    let options = ServerOptions { queued_request_max_bytes: 1 << 20, ..ServerOptions::default() };
    let served = Served::start_with(options).await;
    served.create_topic("t", 1).await;
    let large = batch(&["x".repeat(700 << 10).as_str()]);
    let all = (0..20).map(|_| async {
        let mut client = served.connect().await;
        outcome(&client.call(9, produce("t", -1, large.clone())).await).0
    });
    let codes = futures::future::join_all(all).await;
    assert!(codes.iter().all(|code| *code == 0), "{codes:?}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_take_its_answer_is_closed() {
    let options =
        ServerOptions { connections_max_idle: Duration::from_mins(2), ..ServerOptions::default() };
    let served = Served::start_with(options).await;
    served.create_topic("t", 1).await;
    let mut client = served.connect().await;
    produce_one(&mut client, "t", &"x".repeat(600 << 10)).await;
    client.send(12, &fetch("t", 0, 0)).await;
    tokio::time::sleep(Duration::from_mins(5)).await;
    let start = tokio::time::Instant::now();
    assert!(client.receive_frame().await.is_err(), "cut off within the answer");
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_count_that_lies_closes_the_connection() {
    let served = Served::start().await;
    served.create_topic("t", 1).await;
    let bomb =
        [&[0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0, 0x0f, 0x42, 0x40][..], &vec![0; 2_000_000]];
    let table: [&[u8]; 4] = [
        &[0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff], // 2^31 - 1 topics
        &[0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe], // -2 topics
        &[0, 3, 0, 9, 0, 0, 0, 1, 0xff, 0xff, 0, 0xff, 0xff, 0xff, 0xff, 0x0f], // 2^32 - 2 topics
        &bomb.concat(),                                                // a million empty names
    ];
    for bytes in table {
        let mut client = served.connect().await;
        client.send_frame(bytes).await;
        client.expect_closed().await;
    }
    let mut client = served.connect().await;
    assert_eq!(produce_one(&mut client, "t", "still here").await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_topic_or_resource_that_is_asked_for_many_times_is_answered_once() {
    let served = Served::start().await;
    served.create_topic("t", 1).await;
    let mut client = served.connect().await;
    let topic = MetadataRequestTopic::default().with_name(Some(name("t")));
    let request = MetadataRequest::default().with_topics(Some(vec![topic; 1000]));
    assert_eq!(client.call(12, request).await.topics.len(), 1);
    let resource = DescribeConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name("t".into())
        .with_configuration_keys(None);
    let request = DescribeConfigsRequest::default().with_resources(vec![resource; 1000]);
    assert_eq!(client.call(4, request).await.results.len(), 1);
}
