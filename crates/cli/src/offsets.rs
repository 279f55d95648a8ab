//! Offsets of many partitions, asked of their leaders together.

use crate::{CliError, Client, client::ATTEMPTS, client::pause};
use kafka_client::{EARLIEST, LATEST, LIST_OFFSETS_VERSION, list_offsets, listed_offsets};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

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
            Self::Start => EARLIEST,
            Self::End => LATEST,
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

    /// The offsets of a topic's partitions, in their order.
    ///
    /// # Errors
    /// When one of them has no answer.
    pub(crate) async fn offsets_of(
        &mut self,
        topic: &str,
        partitions: impl Iterator<Item = i32>,
        what: TimeOrEnd,
    ) -> Result<BTreeMap<i32, i64>, CliError> {
        let wanted: BTreeMap<_, _> =
            partitions.map(|index| (Partition::new(topic, index), what)).collect();
        let mut found = self.offsets(wanted.clone()).await?;
        let offset = |partition: Partition| {
            let unanswered = || Err(CliError::Usage(format!("{partition} was not answered")));
            Ok((partition.index, found.remove(&partition).unwrap_or_else(unanswered)?))
        };
        wanted.into_keys().map(offset).collect()
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
            let wanted = partitions.into_iter();
            let request = list_offsets(wanted.map(|(partition, what)| {
                (partition.topic.as_str(), partition.index, what.as_timestamp())
            }));
            let Ok(answer) = self.call(leader, &request, LIST_OFFSETS_VERSION).await else {
                continue;
            };
            for (topic, index, offset) in listed_offsets(&answer) {
                let partition = Partition::new(topic, index);
                let offset = offset.or_else(|code| refusal(&partition, code));
                found.insert(partition, offset);
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
