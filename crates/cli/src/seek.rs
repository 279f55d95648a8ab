//! `alluvium group seek`: where a group goes on.

use crate::{
    CliError, Client, OutputFormat,
    group::{committed, find},
    offsets::{Partition, TimeOrEnd},
    output::{Table, printable},
    text::{group_id, text_of, topic_name},
};
use kafka_protocol::messages::{
    OffsetCommitRequest,
    offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

const OFFSET_COMMIT_VERSION: i16 = 8;
/// What somebody who is no member says of generation, epochs and retention.
const NONE: i32 = -1;

/// A topic, or some of its partitions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scope {
    topic: String,
    partitions: Option<Vec<i32>>,
}

impl Scope {
    /// Reads `topic` or `topic:0,1,2`.
    ///
    /// # Errors
    /// A sentence for whoever typed it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let Some((topic, partitions)) = text.split_once(':') else {
            return Ok(Self { topic: text.to_owned(), partitions: None });
        };
        let index = |text: &str| text.trim().parse().ok().filter(|index| *index >= 0);
        let partitions: Option<Vec<i32>> = partitions.split(',').map(index).collect();
        match partitions {
            Some(partitions) => Ok(Self { topic: topic.to_owned(), partitions: Some(partitions) }),
            None => Err("must be a topic, or partitions of it as topic:0,1,2".to_owned()),
        }
    }
}

/// Where to go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// At the first record there is.
    Start,
    /// After the last one.
    End,
    /// At this offset, or the nearest one that the log has.
    Offset(i64),
    /// So many records from where the group is.
    By(i64),
    /// At the first record at or after this time, ms since 1970.
    Time(i64),
    /// At the first record of so long ago.
    Ago(Duration),
}

impl Target {
    /// Reads what follows `--to`.
    ///
    /// # Errors
    /// A sentence for whoever typed it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse::<i64>().ok();
        let ms = |time: SystemTime| {
            let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        };
        match text {
            "start" => return Ok(Self::Start),
            "end" => return Ok(Self::End),
            _ => {}
        }
        if let Some(ago) = text.strip_prefix("ago:") {
            return humantime::parse_duration(ago)
                .map(Self::Ago)
                .map_err(|error| error.to_string());
        }
        if text.starts_with(['+', '-'])
            && let Some(by) = number(text)
        {
            return Ok(Self::By(by));
        }
        if let Some(offset) = number(text) {
            return Ok(Self::Offset(offset));
        }
        humantime::parse_rfc3339_weak(text).map(|time| Self::Time(ms(time))).map_err(|_| {
            "must be start, end, an offset, +N or -N, a time as 2026-11-22T08:00:00Z, or ago:2h"
                .to_owned()
        })
    }

    /// What to ask the leader for; `None` when an offset is asked for by itself.
    fn to_ask(self, now_ms: i64) -> Option<TimeOrEnd> {
        match self {
            Self::Start => Some(TimeOrEnd::Start),
            Self::End => Some(TimeOrEnd::End),
            Self::Time(time) => Some(TimeOrEnd::Time(time)),
            Self::Ago(ago) => {
                let ago = i64::try_from(ago.as_millis()).unwrap_or(i64::MAX);
                Some(TimeOrEnd::Time(now_ms.saturating_sub(ago).max(0)))
            }
            Self::Offset(_) | Self::By(_) => None,
        }
    }
}

/// Carries the command out.
pub(crate) async fn seek(
    client: &mut Client,
    group: &str,
    scopes: &[Scope],
    to: Target,
    dry_run: bool,
    format: OutputFormat,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let state = find(client, group).await?.state;
    if !["Empty", "Dead"].contains(&state.as_str()) {
        return Err(CliError::Usage(format!(
            "group {} is {state}: its members would not notice, and commit over it; stop them first",
            printable(group)
        )));
    }
    let before = committed(client, group).await?;
    let partitions = chosen(client, scopes, &before).await?;
    if partitions.is_empty() {
        return Err(CliError::Usage(format!(
            "group {} has no offsets: name the topics",
            printable(group)
        )));
    }
    let after = targets(client, &partitions, to, &before).await?;
    if !dry_run {
        commit(client, group, &after).await?;
    }
    let mut table = Table::new(["topic", "partition", "before", "after"]);
    for (partition, offset) in after {
        let at = before.get(&partition).copied();
        table.push([partition.topic.into(), partition.index.into(), at.into(), offset.into()]);
    }
    Ok(table.print(format, out)?)
}

async fn chosen(
    client: &mut Client,
    scopes: &[Scope],
    committed: &BTreeMap<Partition, i64>,
) -> Result<BTreeSet<Partition>, CliError> {
    if scopes.is_empty() {
        return Ok(committed.keys().cloned().collect());
    }
    let mut chosen = BTreeSet::new();
    for Scope { topic, partitions } in scopes {
        let there = client.partitions(topic).await?;
        let Some(wanted) = partitions else {
            chosen.extend(there);
            continue;
        };
        for &index in wanted {
            let partition = Partition::new(topic, index);
            if !there.contains(&partition) {
                return Err(CliError::Usage(format!("{topic} has no partition {index}")));
            }
            chosen.insert(partition);
        }
    }
    Ok(chosen)
}

/// Where each partition goes on: always within its log.
async fn targets(
    client: &mut Client,
    partitions: &BTreeSet<Partition>,
    to: Target,
    committed: &BTreeMap<Partition, i64>,
) -> Result<BTreeMap<Partition, i64>, CliError> {
    let now_ms = runtime::Clock::system().unix_ms();
    let mut ask = async |what: TimeOrEnd| {
        let wanted = partitions.iter().map(|partition| (partition.clone(), what)).collect();
        let found = client.offsets(wanted).await?;
        found
            .into_iter()
            .map(|(it, offset)| Ok((it, offset?)))
            .collect::<Result<BTreeMap<_, _>, CliError>>()
    };
    if let Some(what) = to.to_ask(now_ms) {
        return ask(what).await;
    }
    let (starts, ends) = (ask(TimeOrEnd::Start).await?, ask(TimeOrEnd::End).await?);
    let mut targets = BTreeMap::new();
    for (partition, start) in starts {
        let end = ends.get(&partition).copied().unwrap_or(start);
        let wanted = match (to, committed.get(&partition)) {
            (Target::By(by), Some(at)) => at.saturating_add(by),
            (Target::By(_), None) => {
                return Err(CliError::Usage(format!("{partition} has no offset to go on from")));
            }
            (Target::Offset(offset), _) => offset,
            _ => start,
        };
        targets.insert(partition, wanted.clamp(start, end.max(start)));
    }
    Ok(targets)
}

async fn commit(
    client: &mut Client,
    group: &str,
    offsets: &BTreeMap<Partition, i64>,
) -> Result<(), CliError> {
    let mut topics: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for (partition, offset) in offsets {
        let one = OffsetCommitRequestPartition::default()
            .with_partition_index(partition.index)
            .with_committed_offset(*offset)
            .with_committed_leader_epoch(NONE)
            .with_committed_metadata(Some(text_of("")));
        topics.entry(&partition.topic).or_default().push(one);
    }
    let topic = |(name, partitions)| {
        OffsetCommitRequestTopic::default().with_name(topic_name(name)).with_partitions(partitions)
    };
    let request = OffsetCommitRequest::default()
        .with_group_id(group_id(group))
        .with_generation_id_or_member_epoch(NONE)
        .with_topics(topics.into_iter().map(topic).collect());
    let first_error = |answer: &kafka_protocol::messages::OffsetCommitResponse| {
        let codes = answer.topics.iter().flat_map(|topic| &topic.partitions);
        codes.map(|it| it.error_code).find(|code| *code != 0).unwrap_or_default()
    };
    let done = client.call_coordinator(group, &request, OFFSET_COMMIT_VERSION, first_error);
    done.await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_a_topic_or_some_of_its_partitions() {
        let topic = Scope { topic: "a".to_owned(), partitions: None };
        assert_eq!(Scope::parse("a"), Ok(topic.clone()));
        assert_eq!(Scope::parse("a:0,2"), Ok(Scope { partitions: Some(vec![0, 2]), ..topic }));
        for wrong in ["a:", "a:x", "a:-1", "a:0,,1"] {
            assert!(Scope::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_target_is_a_place_an_offset_or_a_time() {
        let cases = [
            ("start", Target::Start),
            ("end", Target::End),
            ("17", Target::Offset(17)),
            ("+5", Target::By(5)),
            ("-5", Target::By(-5)),
            ("1970-01-01T00:00:01Z", Target::Time(1_000)),
            ("1970-01-01 00:00:02", Target::Time(2_000)),
            ("ago:2h", Target::Ago(Duration::from_secs(7_200))),
        ];
        for (text, target) in cases {
            assert_eq!(Target::parse(text), Ok(target), "{text}");
        }
        for wrong in ["", "middle", "ago:", "ago:x", "1.5"] {
            assert!(Target::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_while_ago_is_never_before_time_began() {
        let day = Target::Ago(Duration::from_secs(86_400));
        assert_eq!(day.to_ask(86_400_500), Some(TimeOrEnd::Time(500)));
        assert_eq!(day.to_ask(5), Some(TimeOrEnd::Time(0)));
    }
}
