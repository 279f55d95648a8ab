//! Quotas: set and found over the wire, and how fast clients then go.

use crate::{
    broker::Served,
    client::Client,
    fetching::fetch,
    producing::{batch, outcome, produce},
};
use kafka_protocol::{
    messages::{
        alter_client_quotas_request::{EntityData, EntryData, OpData},
        describe_client_quotas_request::ComponentData,
        *,
    },
    protocol::StrBytes,
};
use std::time::Duration;
use tokio::time::Instant;

const PRODUCER: &str = "producer_byte_rate";
const CONSUMER: &str = "consumer_byte_rate";
const INVALID_REQUEST: i16 = 42;

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// An entity of parts such as `("user", Some("alice"))`; without a name it is the default.
fn entry(parts: &[(&str, Option<&str>)], changes: &[(&str, Option<f64>)]) -> EntryData {
    let parts = parts.iter().map(|(of, name)| {
        EntityData::default().with_entity_type(text(of)).with_entity_name(name.map(text))
    });
    let changes = changes.iter().map(|(key, value)| {
        let change = OpData::default().with_key(text(key)).with_remove(value.is_none());
        change.with_value(value.unwrap_or_default())
    });
    EntryData::default().with_entity(parts.collect()).with_ops(changes.collect())
}

async fn alter(client: &mut Client, entries: Vec<EntryData>) -> Vec<i16> {
    let request = AlterClientQuotasRequest::default().with_entries(entries);
    let answer = client.call(1, request).await;
    answer.entries.iter().map(|entry| entry.error_code).collect()
}

/// Entities and values, as `user=alice,client-id=<default>: key=1`.
async fn described(
    client: &mut Client,
    components: &[(&str, i8, Option<&str>)],
    strict: bool,
) -> Vec<String> {
    let components = components.iter().map(|(of, match_type, name)| {
        let component = ComponentData::default().with_entity_type(text(of));
        component.with_match_type(*match_type).with_match(name.map(text))
    });
    let request = DescribeClientQuotasRequest::default().with_components(components.collect());
    let answer = client.call(1, request.with_strict(strict)).await;
    assert_eq!(answer.error_code, 0);
    let entries = answer.entries.unwrap().into_iter().map(|entry| {
        let parts = entry.entity.iter().map(|part| {
            let name = part.entity_name.as_ref().map_or("<default>", StrBytes::as_str);
            format!("{}={name}", part.entity_type)
        });
        let values = entry.values.iter().map(|it| format!("{}={}", it.key, it.value));
        let (parts, values): (Vec<_>, Vec<_>) = (parts.collect(), values.collect());
        format!("{}: {}", parts.join(","), values.join(","))
    });
    let mut entries: Vec<String> = entries.collect();
    entries.sort();
    entries
}

#[tokio::test(start_paused = true)]
async fn quotas_are_set_found_and_removed() {
    let served = Served::start().await;
    let mut client = served.connect().await;
    let alice = ("user", Some("alice"));
    let set = vec![
        entry(&[alice], &[(PRODUCER, Some(1.0)), (CONSUMER, Some(2.0))]),
        entry(&[alice, ("client-id", None)], &[(PRODUCER, Some(3.0))]),
        entry(&[("user", None)], &[(CONSUMER, Some(4.0))]),
        entry(&[("client-id", Some("app"))], &[(CONSUMER, Some(5.0))]),
    ];
    assert_eq!(alter(&mut client, set).await, [0; 4]);
    let of_alice = "user=alice: consumer_byte_rate=2,producer_byte_rate=1";
    let of_pair = "user=alice,client-id=<default>: producer_byte_rate=3";
    let of_default = "user=<default>: consumer_byte_rate=4";
    assert_eq!(described(&mut client, &[], false).await.len(), 4);
    let exact = [("user", 0, Some("alice"))];
    assert_eq!(described(&mut client, &exact, false).await, [of_pair, of_alice]);
    assert_eq!(described(&mut client, &exact, true).await, [of_alice]);
    assert_eq!(described(&mut client, &[("user", 1, None)], true).await, [of_default]);
    assert_eq!(described(&mut client, &[("user", 2, None)], true).await, [of_default, of_alice]);
    assert!(described(&mut client, &[("ip", 2, None)], false).await.is_empty());

    let removed = entry(&[alice], &[(PRODUCER, None)]);
    assert_eq!(alter(&mut client, vec![removed]).await, [0]);
    let left = described(&mut client, &exact, true).await;
    assert_eq!(left, ["user=alice: consumer_byte_rate=2"]);
    let wrong = vec![
        entry(&[], &[(PRODUCER, Some(1.0))]),
        entry(&[("ip", None)], &[("connection_creation_rate", Some(1.0))]),
        entry(&[alice], &[("request_percentage", Some(1.0))]),
        entry(&[("user", Some("b"))], &[(PRODUCER, Some(0.5))]),
        entry(&[("user", Some("c"))], &[(PRODUCER, Some(f64::NAN))]),
        entry(&[("user", Some("d"))], &[(PRODUCER, Some(1.0)), (PRODUCER, Some(2.0))]),
        entry(&[alice, alice], &[]),
    ];
    let refused = alter(&mut client, wrong).await;
    assert_eq!(refused, [INVALID_REQUEST; 7]);
    let validated = AlterClientQuotasRequest::default()
        .with_entries(vec![entry(&[("user", Some("e"))], &[(PRODUCER, Some(1.0))])])
        .with_validate_only(true);
    assert_eq!(client.call(1, validated).await.entries[0].error_code, 0);
    assert!(described(&mut client, &[("user", 0, Some("e"))], true).await.is_empty());
}

async fn limited(key: &str, rate: f64) -> (Served, Client) {
    let served = Served::start().await;
    served.create_topic("t", 1).await;
    let mut client = served.connect().await;
    let set = entry(&[("user", Some("ANONYMOUS"))], &[(key, Some(rate))]);
    assert_eq!(alter(&mut client, vec![set]).await, [0]);
    (served, client)
}

#[tokio::test(start_paused = true)]
async fn a_producer_that_does_not_wait_is_made_to() {
    let (served, mut client) = limited(PRODUCER, 100_000.0).await;
    let records = batch(&["x".repeat(10_000).as_str()]);
    let bytes = records.len() as f64;
    let started = Instant::now();
    let mut told = 0;
    for _ in 0..200 {
        let answer = client.call(9, produce("t", -1, records.clone())).await;
        assert_eq!(outcome(&answer).0, 0);
        told += i32::from(answer.throttle_time_ms > 0);
    }
    let rate = 200.0 * bytes / started.elapsed().as_secs_f64();
    assert!((90_000.0..110_000.0).contains(&rate), "{rate}");
    assert!(told > 100, "{told}");
    // Answered at once, another connection's requests as well; what waits is the next request.
    let mut other = served.connect().await;
    let started = Instant::now();
    other.call(12, MetadataRequest::default()).await;
    assert!(started.elapsed() < Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn a_consumer_gets_no_more_than_its_quota() {
    let (_served, mut client) = limited(CONSUMER, 100_000.0).await;
    let records = batch(&["x".repeat(10_000).as_str()]);
    let size = records.len() as f64;
    for _ in 0..200 {
        client.call(9, produce("t", -1, records.clone())).await;
    }
    let started = Instant::now();
    let (mut offset, mut told) = (0, 0);
    while offset < 200 {
        let answer = client.call(12, fetch("t", offset, 0)).await;
        told += i32::from(answer.throttle_time_ms > 0);
        let partitions = answer.responses.iter().flat_map(|topic| &topic.partitions);
        let bytes: usize = partitions.filter_map(|it| Some(it.records.as_ref()?.len())).sum();
        offset += (bytes as f64 / size) as i64;
    }
    let rate = 200.0 * size / started.elapsed().as_secs_f64();
    assert!((90_000.0..112_000.0).contains(&rate), "{rate}");
    assert!(told > 10, "{told}");
}
