//! Offsets of many partitions, asked of their leaders together.

use crate::{
    brokers::Brokers,
    refused::{Refused, error_of},
};
use futures::future::join_all;
use kafka_client::{LIST_OFFSETS_VERSION, list_offsets, listed_offsets};
use kafka_protocol::messages::ListOffsetsResponse;
use std::collections::{BTreeMap, HashMap};

/// A partition whose offset is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) leader: Option<u32>,
    /// In ms since 1970, or [`EARLIEST`](kafka_client::EARLIEST) or [`LATEST`](kafka_client::LATEST).
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
            let wanted = partitions.iter();
            let request =
                list_offsets(wanted.map(|it| (it.topic.as_str(), it.partition, it.timestamp)));
            (self.call(leader, &request, LIST_OFFSETS_VERSION).await, partitions)
        });
        for (answer, partitions) in join_all(asked).await {
            take_in(&mut found, &answer, &partitions);
        }
        found
    }
}

fn take_in(
    found: &mut Offsets,
    answer: &Result<ListOffsetsResponse, Refused>,
    partitions: &[&Wanted],
) {
    let missing = match answer {
        Ok(_) => "the broker did not answer for it",
        Err(refused) => refused.message.as_str(),
    };
    for wanted in partitions {
        found.insert((wanted.topic.clone(), wanted.partition), Err(missing.to_owned()));
    }
    for (topic, partition, offset) in answer.iter().flat_map(listed_offsets) {
        let offset = offset.map_err(|code| error_of(code).unwrap_or_default());
        found.insert((topic.to_owned(), partition), offset);
    }
}
