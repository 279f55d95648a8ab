//! Who leads which partition, asked and changed through Kafka's protocol.

use super::{Broker, eventually};
use kafka_client::Connection;
use kafka_protocol::{
    messages::{
        AlterPartitionReassignmentsRequest, MetadataRequest, TopicName,
        alter_partition_reassignments_request::{ReassignablePartition, ReassignableTopic},
        metadata_request::MetadataRequestTopic,
    },
    protocol::{Request, StrBytes},
};
use std::collections::BTreeMap;

/// The leaders of a topic's partitions; one without a leader is left out.
pub fn leaders(address: &str, topic: &str) -> Result<BTreeMap<i32, i32>, String> {
    let wanted = MetadataRequestTopic::default().with_name(Some(name(topic)));
    let request = MetadataRequest::default().with_topics(Some(vec![wanted]));
    let answer = ask(address, &request, 12)?;
    let partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
    let led = partitions.filter(|it| it.leader_id.0 >= 0);
    Ok(led.map(|it| (it.partition_index, it.leader_id.0)).collect())
}

/// The leaders as some broker that lives knows them.
pub fn leaders_by_any(brokers: &[Broker], topic: &str) -> Result<BTreeMap<i32, i32>, String> {
    let known = brokers.iter().map(|broker| leaders(&broker.address(), topic));
    known.reduce(Result::or).unwrap()
}

/// Asks until it is done that every partition of a topic is led by the broker that `wanted` names.
pub fn move_all(brokers: &[Broker], topic: &str, partitions: u32, wanted: impl Fn(i32) -> i32) {
    let wanted: BTreeMap<_, _> = (0..partitions as i32).map(|it| (it, wanted(it))).collect();
    let moves: Vec<_> = wanted.clone().into_iter().collect();
    eventually(|| {
        if leaders_by_any(brokers, topic)? == wanted {
            return Ok(());
        }
        let asked = brokers.iter().map(|broker| reassign(&broker.address(), topic, &moves));
        let codes = asked.reduce(Result::or).unwrap()?;
        let led = leaders_by_any(brokers, topic)?;
        Err(format!("{codes:?}, {topic} is led by {led:?} instead of {wanted:?}"))
    });
}

/// Asks for partitions to be moved; answers the error codes.
pub fn reassign(address: &str, topic: &str, moves: &[(i32, i32)]) -> Result<Vec<i16>, String> {
    let partitions = moves.iter().map(|(partition, broker)| {
        ReassignablePartition::default()
            .with_partition_index(*partition)
            .with_replicas(Some(vec![(*broker).into()]))
    });
    let topic =
        ReassignableTopic::default().with_name(name(topic)).with_partitions(partitions.collect());
    let request = AlterPartitionReassignmentsRequest::default().with_topics(vec![topic]);
    let answer = ask(address, &request, 0)?;
    let partitions = answer.responses.iter().flat_map(|topic| &topic.partitions);
    Ok(partitions.map(|it| it.error_code).collect())
}

fn name(topic: &str) -> TopicName {
    TopicName(StrBytes::from_string(topic.to_owned()))
}

fn ask<R: Request>(address: &str, request: &R, version: i16) -> Result<R::Response, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = Connection::open(address).await.map_err(|error| error.to_string())?;
        connection.call(request, version).await.map_err(|error| error.to_string())
    })
}
