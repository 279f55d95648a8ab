//! Topics and configs changed over the wire, and what that does to the log.

use crate::{
    broker::Served,
    client::Client,
    producing::{batch, name, outcome, produce, produce_one},
};
use kafka::ServerOptions;
use kafka_protocol::{
    ResponseError,
    messages::{
        DeleteRecordsRequest, DeleteTopicsRequest, IncrementalAlterConfigsRequest, ProduceRequest,
        delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic},
        incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig},
    },
};
use metadata::RangeQuery;
use std::time::Duration;
use storage::{Fault, Operation};

const PRODUCE_VERSION: i16 = 9;
const TOPIC: i8 = 2;
const BROKER: i8 = 4;

async fn set_mode(client: &mut Client, kind: i8, resource: &str, mode: &'static str) {
    let config = AlterableConfig::default()
        .with_name("durability.mode".into())
        .with_value(Some(mode.into()));
    let resource = AlterConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(resource.to_owned().into())
        .with_configs(vec![config]);
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
    assert_eq!(client.call(1, request).await.responses[0].error_code, 0);
}

/// The code of a produce with acks=all while nothing reaches object storage.
async fn outcome_without_store(served: &Served, client: &mut Client, topic: &str) -> i16 {
    served.object_faults.fail_always(Operation::Put, Fault::Unavailable);
    let request = produce(topic, -1, batch(&["a"])).with_timeout_ms(5_000);
    let response = client.call(PRODUCE_VERSION, request).await;
    served.object_faults.heal();
    // What waits is stored and committed before the next step.
    tokio::time::sleep(Duration::from_secs(10)).await;
    outcome(&response).0
}

#[tokio::test(start_paused = true)]
async fn a_changed_mode_acts_on_a_topic_that_is_written_to() {
    let served = Served::start().await;
    served.create_topic("t", 1).await;
    let mut client = served.connect().await;
    let timed_out = ResponseError::RequestTimedOut.code();
    assert_eq!(outcome_without_store(&served, &mut client, "t").await, timed_out);
    for (mode, expected) in [("wal", 0), ("object", timed_out), ("wal", 0)] {
        set_mode(&mut client, TOPIC, "t", mode).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(outcome_without_store(&served, &mut client, "t").await, expected, "{mode}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_default_mode_acts_on_topics_that_do_not_say_otherwise() {
    let served = Served::start().await;
    served.create_topic("follows", 1).await;
    served.create_topic("says", 1).await;
    let mut client = served.connect().await;
    set_mode(&mut client, TOPIC, "says", "object").await;
    set_mode(&mut client, BROKER, "", "wal").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(outcome_without_store(&served, &mut client, "follows").await, 0);
    let timed_out = ResponseError::RequestTimedOut.code();
    assert_eq!(outcome_without_store(&served, &mut client, "says").await, timed_out);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_mode_keeps_what_is_on_its_way() {
    let served = Served::start().await;
    served.create_topic("t", 1).await;
    let mut client = served.connect().await;
    let mut other = served.connect().await;
    let mut sent = Vec::new();
    for round in 0..40 {
        let request = produce("t", -1, batch(&["a"]));
        sent.push(client.send(PRODUCE_VERSION, &request).await);
        if round % 10 == 5 {
            let mode = if round % 20 == 5 { "wal" } else { "object" };
            set_mode(&mut other, TOPIC, "t", mode).await;
        }
    }
    for (offset, correlation_id) in sent.into_iter().enumerate() {
        let response = client.receive::<ProduceRequest>(PRODUCE_VERSION, correlation_id).await;
        assert_eq!(outcome(&response), (0, offset as i64));
    }
}

fn deletion(topic: &str) -> DeleteTopicsRequest {
    DeleteTopicsRequest::default().with_timeout_ms(60_000).with_topic_names(vec![name(topic)])
}

#[tokio::test(start_paused = true)]
async fn topics_are_not_deleted_while_that_is_disabled() {
    let settings = [("delete.topic.enable", "false")];
    let served = Served::start_configured(ServerOptions::default(), &settings).await;
    served.create_topic("t", 1).await;
    let mut client = served.connect().await;
    for (version, expected) in
        [(2, ResponseError::InvalidRequest), (5, ResponseError::TopicDeletionDisabled)]
    {
        let response = client.call(version, deletion("t")).await;
        assert_eq!(response.responses[0].error_code, expected.code());
    }
    assert_eq!(produce_one(&mut client, "t", "a").await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_topic_leaves_no_key_and_no_object_behind() {
    let served = Served::start().await;
    let id = served.create_topic("t", 3).await;
    let mut client = served.connect().await;
    set_mode(&mut client, TOPIC, "t", "wal").await;
    for value in ["a", "b", "c"] {
        produce_one(&mut client, "t", value).await;
    }
    let partition = DeleteRecordsPartition::default().with_offset(1);
    let topic = DeleteRecordsTopic::default().with_name(name("t")).with_partitions(vec![partition]);
    let request = DeleteRecordsRequest::default().with_timeout_ms(60_000).with_topics(vec![topic]);
    client.call(2, request).await;
    let manifests = || async { keys(&served, "manifests/").await };
    assert!(!manifests().await.is_empty() && !keys(&served, &id.to_string()).await.is_empty());

    assert_eq!(client.call(5, deletion("t")).await.responses[0].error_code, 0);
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert_eq!(keys(&served, &id.to_string()).await, [""; 0]);
    for family in ["topic_names/", "manifests/", "commits/", "indexes/", "garbage/"] {
        assert_eq!(keys(&served, family).await, [""; 0], "{family}");
    }
    let objects = served.objects.list("").await.unwrap();
    assert!(objects.iter().all(|it| it.name.as_str().starts_with("marker/")), "{objects:?}");
}

/// Every key of metadata that contains `part`.
async fn keys(served: &Served, part: &str) -> Vec<String> {
    let range = served.metadata.range(RangeQuery::prefix("")).await.unwrap();
    let keys = range.entries.iter().map(|it| String::from_utf8_lossy(&it.key).into_owned());
    keys.filter(|key| key.contains(part)).collect()
}
