//! Bytes that are no request: the connection is closed, and the broker serves on.

use crate::{broker::Served, producing::produce_one};
use kafka::ServerOptions;
use kafka_protocol::{messages::ApiVersionsResponse, protocol::Decodable};
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
async fn connections_beyond_the_limit_are_closed() {
    let options = ServerOptions { max_connections: 1, ..ServerOptions::default() };
    let served = Served::start_with(options).await;
    served.create_topic("t", 1).await;
    let mut first = served.connect().await;
    produce_one(&mut first, "t", "a").await;
    served.connect().await.expect_closed().await;
}
