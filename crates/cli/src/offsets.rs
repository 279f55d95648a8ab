//! Offsets of many partitions, asked of their leaders together.

use crate::{CliError, Client, client::ATTEMPTS, client::pause, text::topic_name};
use kafka_protocol::messages::{
    BrokerId, ListOffsetsRequest,
    list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

const LIST_OFFSETS_VERSION: i16 = 5;

/// A partition by the name of its topic.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Partition {
    pub(crate) topic: String,
    pub(crate) index: i32,
}

impl Partition {
    pub(crate) fn new(topic: &str, index: i32) -> Self {
        Self { topic: topic.to_owned(), index }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.index)
    }
}

/// Which offset is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TimeOrEnd {
    /// Of the first record there is.
    Start,
    /// After the last record.
    End,
    /// Of the first record at or after this time, in ms since 1970; the end when there is none.
    Time(i64),
}

impl TimeOrEnd {
    fn as_timestamp(self) -> i64 {
        match self {
            Self::Start => -2,
            Self::End => -1,
            Self::Time(time) => time,
        }
    }
}

/// What was found, for each partition that was asked for.
pub(crate) type Offsets = BTreeMap<Partition, Result<i64, CliError>>;

impl Client {
    /// Asks for the offsets of many partitions. What stays without an answer has the reason in its place.
    ///
    /// # Errors
    /// When the brokers can't be asked for leaders.
    pub(crate) async fn offsets(
        &mut self,
        wanted: BTreeMap<Partition, TimeOrEnd>,
    ) -> Result<Offsets, CliError> {
        let mut found = self.ask_until_answered(&wanted).await?;
        // A time behind the last record has no record, and means the end.
        let beyond = |(partition, offset): (&Partition, &Result<i64, CliError>)| {
            matches!(offset, Ok(-1)).then(|| (partition.clone(), TimeOrEnd::End))
        };
        let beyond: BTreeMap<_, _> = found.iter().filter_map(beyond).collect();
        if !beyond.is_empty() {
            found.extend(self.ask_until_answered(&beyond).await?);
        }
        Ok(found)
    }

    async fn ask_until_answered(
        &mut self,
        wanted: &BTreeMap<Partition, TimeOrEnd>,
    ) -> Result<Offsets, CliError> {
        let mut found = Offsets::new();
        let mut missing = wanted.clone();
        for _ in 0..ATTEMPTS {
            found.extend(self.ask_leaders(&missing).await?);
            let again = |error: &CliError| error.retryable();
            missing.retain(|partition, _| {
                found.get(partition).is_none_or(|it| it.as_ref().is_err_and(again))
            });
            if missing.is_empty() {
                break;
            }
            pause().await;
        }
        Ok(found)
    }

    async fn ask_leaders(
        &mut self,
        wanted: &BTreeMap<Partition, TimeOrEnd>,
    ) -> Result<Offsets, CliError> {
        let topics: BTreeSet<&str> = wanted.keys().map(|it| it.topic.as_str()).collect();
        let topics: Vec<&str> = topics.into_iter().collect();
        let (mut found, mut by_leader) = (Offsets::new(), BTreeMap::<i32, Vec<_>>::new());
        let leaders = self.leaders_of(&topics).await?;
        for (partition, &what) in wanted {
            match leaders.get(partition) {
                Some(Ok(leader)) => by_leader.entry(*leader).or_default().push((partition, what)),
                Some(Err(code)) => drop(found.insert(partition.clone(), refusal(partition, *code))),
                None => drop(found.insert(partition.clone(), refusal(partition, UNKNOWN))),
            }
        }
        for (leader, partitions) in by_leader {
            let mut topics: BTreeMap<&str, Vec<_>> = BTreeMap::new();
            for (partition, what) in &partitions {
                let one = ListOffsetsPartition::default()
                    .with_partition_index(partition.index)
                    .with_timestamp(what.as_timestamp());
                topics.entry(&partition.topic).or_default().push(one);
            }
            let topic = |(name, partitions)| {
                ListOffsetsTopic::default().with_name(topic_name(name)).with_partitions(partitions)
            };
            let topics = topics.into_iter().map(topic).collect();
            let request =
                ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(topics);
            let Ok(answer) = self.call(leader, &request, LIST_OFFSETS_VERSION).await else {
                continue;
            };
            for topic in answer.topics {
                for it in topic.partitions {
                    let partition = Partition::new(topic.name.as_str(), it.partition_index);
                    let offset = CliError::check(it.error_code, partition.to_string(), None)
                        .map(|()| it.offset);
                    found.insert(partition, offset);
                }
            }
        }
        Ok(found)
    }

    /// The leader of each partition of these topics, or the error that it has instead.
    async fn leaders_of(
        &mut self,
        topics: &[&str],
    ) -> Result<BTreeMap<Partition, Result<i32, i16>>, CliError> {
        let mut leaders = BTreeMap::new();
        if topics.is_empty() {
            return Ok(leaders);
        }
        for topic in self.metadata(Some(topics), false).await?.topics {
            let name = topic.name.unwrap_or_default();
            for it in topic.partitions {
                let leader =
                    if it.error_code == 0 { Ok(it.leader_id.0) } else { Err(it.error_code) };
                leaders.insert(Partition::new(name.as_str(), it.partition_index), leader);
            }
        }
        Ok(leaders)
    }

    /// The partitions of a topic.
    ///
    /// # Errors
    /// When there is no such topic.
    pub(crate) async fn partitions(&mut self, topic: &str) -> Result<Vec<Partition>, CliError> {
        let leaders = self.leaders(topic, false).await?;
        Ok(leaders.keys().map(|&index| Partition::new(topic, index)).collect())
    }
}

/// The code of a partition that there is not.
const UNKNOWN: i16 = 3;

fn refusal(partition: &Partition, code: i16) -> Result<i64, CliError> {
    CliError::check(code, partition.to_string(), None).map(|()| -1)
}
