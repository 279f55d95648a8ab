//! One round of fetches: whoever leads partitions that are to be read on is asked once for all of them.

use super::{
    budget::Budget,
    scan::{Scanned, Wanted, scan},
};
use crate::{
    brokers::Brokers,
    refused::{Refused, error_of},
};
use kafka_protocol::{
    messages::{
        FetchRequest, TopicName,
        fetch_request::{FetchPartition, FetchTopic},
    },
    protocol::StrBytes,
};
use std::collections::BTreeMap;

const FETCH_VERSION: i16 = 11;
const PARTITION_BYTES: i32 = 1 << 20;
const ANSWER_BYTES: i32 = 8 << 20;

/// A partition to read, and who leads it.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) leader: u32,
    pub(super) wanted: Wanted,
}

/// What each partition came to that its leader answered for; or why not.
pub(super) type Round = BTreeMap<i32, Result<Scanned, String>>;

impl Brokers {
    /// Reads on in every partition that is asked for, as far as one answer of its leader goes.
    pub(super) async fn fetch(&self, topic: &str, asks: Vec<Ask>, budget: &mut Budget) -> Round {
        let mut by_leader = BTreeMap::<u32, Vec<Wanted>>::new();
        for ask in asks {
            by_leader.entry(ask.leader).or_default().push(ask.wanted);
        }
        let mut round = Round::new();
        // One leader after the other: their answers are large.
        for (leader, wanted) in by_leader {
            if budget.is_spent().is_some() {
                break;
            }
            if let Err(refused) = self.fetch_from(leader, topic, &wanted, budget, &mut round).await
            {
                let why = wanted.iter().map(|it| (it.partition, Err(refused.message.clone())));
                round.extend(why);
            }
        }
        round
    }

    async fn fetch_from(
        &self,
        leader: u32,
        topic: &str,
        wanted: &[Wanted],
        budget: &mut Budget,
        round: &mut Round,
    ) -> Result<(), Refused> {
        let answer = self.call(leader, &request(topic, wanted), FETCH_VERSION).await?;
        if let Some(error) = error_of(answer.error_code) {
            return Err(Refused::unavailable(error));
        }
        for data in answer.responses.into_iter().flat_map(|topic| topic.partitions) {
            let Some(wanted) = wanted.iter().find(|it| it.partition == data.partition_index) else {
                continue;
            };
            if let Some(error) = error_of(data.error_code) {
                round.insert(wanted.partition, Err(error));
                continue;
            }
            let (batches, looked_for) = (data.records.unwrap_or_default(), wanted.clone());
            budget.spend(batches.len());
            let scanned = runtime::beside(move || scan(batches, &looked_for)).await;
            let scanned =
                scanned.map_err(|_| Refused::unavailable("the records could not be read"))?;
            round.insert(wanted.partition, Ok(scanned));
        }
        Ok(())
    }
}

fn request(topic: &str, wanted: &[Wanted]) -> FetchRequest {
    let partitions = wanted.iter().map(|wanted| {
        FetchPartition::default()
            .with_partition(wanted.partition)
            .with_current_leader_epoch(-1)
            .with_fetch_offset(wanted.from)
            .with_log_start_offset(-1)
            .with_partition_max_bytes(PARTITION_BYTES)
    });
    let topic = FetchTopic::default()
        .with_topic(TopicName(StrBytes::from_string(topic.to_owned())))
        .with_partitions(partitions.collect());
    FetchRequest::default()
        .with_replica_id(kafka_protocol::messages::BrokerId(-1))
        .with_max_wait_ms(0)
        .with_min_bytes(0)
        .with_max_bytes(ANSWER_BYTES)
        .with_session_epoch(-1)
        .with_topics(vec![topic])
}
