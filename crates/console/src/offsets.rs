//! Offsets of many partitions, asked of their leaders together.

use crate::{
    brokers::Brokers,
    refused::{Refused, error_of},
};
use futures::future::join_all;
use kafka_protocol::{
    messages::{
        BrokerId, ListOffsetsRequest, ListOffsetsResponse, TopicName,
        list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic},
    },
    protocol::StrBytes,
};
use std::collections::{BTreeMap, HashMap};

const LIST_OFFSETS_VERSION: i16 = 5;
/// Instead of a time: the first offset that there is.
pub(crate) const EARLIEST: i64 = -2;
/// Instead of a time: after the last record that consumers see.
pub(crate) const LATEST: i64 = -1;

/// A partition whose offset is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) leader: Option<u32>,
    /// In ms since 1970, or [`EARLIEST`] or [`LATEST`].
    pub(crate) timestamp: i64,
}

/// By topic and partition; −1 where no record is so late.
pub(crate) type Offsets = HashMap<(String, i32), Result<i64, String>>;

impl Brokers {
    /// Asks every leader for its partitions' offsets. A partition may be asked for once only.
    pub(crate) async fn offsets(&self, wanted: &[Wanted]) -> Offsets {
        let mut found = Offsets::new();
        let mut by_leader = BTreeMap::<u32, Vec<&Wanted>>::new();
        for one in wanted {
            if let Some(leader) = one.leader {
                by_leader.entry(leader).or_default().push(one);
            } else {
                let place = (one.topic.clone(), one.partition);
                found.insert(place, Err("no broker leads it".to_owned()));
            }
        }
        let asked = by_leader.into_iter().map(|(leader, partitions)| async move {
            (self.call(leader, &request(&partitions), LIST_OFFSETS_VERSION).await, partitions)
        });
        for (answer, partitions) in join_all(asked).await {
            take_in(&mut found, answer, &partitions);
        }
        found
    }
}

fn request(partitions: &[&Wanted]) -> ListOffsetsRequest {
    let mut topics = BTreeMap::<&str, Vec<ListOffsetsPartition>>::new();
    for wanted in partitions {
        let partition = ListOffsetsPartition::default()
            .with_partition_index(wanted.partition)
            .with_timestamp(wanted.timestamp);
        topics.entry(&wanted.topic).or_default().push(partition);
    }
    let topic = |(name, partitions): (&str, _)| {
        let name = TopicName(StrBytes::from_string(name.to_owned()));
        ListOffsetsTopic::default().with_name(name).with_partitions(partitions)
    };
    ListOffsetsRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_topics(topics.into_iter().map(topic).collect())
}

fn take_in(
    found: &mut Offsets,
    answer: Result<ListOffsetsResponse, Refused>,
    partitions: &[&Wanted],
) {
    let missing = match &answer {
        Ok(_) => "the broker did not answer for it",
        Err(refused) => refused.message.as_str(),
    };
    for wanted in partitions {
        found.insert((wanted.topic.clone(), wanted.partition), Err(missing.to_owned()));
    }
    for topic in answer.into_iter().flat_map(|answer| answer.topics) {
        for partition in topic.partitions {
            let offset = match error_of(partition.error_code) {
                None => Ok(partition.offset),
                Some(error) => Err(error),
            };
            found.insert((topic.name.to_string(), partition.partition_index), offset);
        }
    }
}
