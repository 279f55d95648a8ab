//! Topics: a page of the list, and one topic with a page of its partitions.

use crate::{Topic, TopicLine, brokers::Brokers, offsets::Wanted, refused::Refused, sizes};
use futures::join;
use kafka_client::{EARLIEST, LATEST};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Topics, or partitions, in one answer.
const PAGE: usize = 100;

/// Which topics.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct TopicsQuestion {
    /// What their names contain, in any case.
    #[serde(default)]
    contains: String,
    /// Those of the brokers as well.
    #[serde(default)]
    internal: bool,
    /// The page, from 0.
    #[serde(default)]
    page: usize,
}

/// Some topics of many.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct TopicsPage {
    topics: Vec<TopicLine>,
    /// How many there are that were asked for.
    total: usize,
    page: usize,
    pages: usize,
}

/// The page there is, where the one that was asked for is beyond the end.
pub(crate) fn list(all: Vec<TopicLine>, question: &TopicsQuestion) -> TopicsPage {
    let contains = question.contains.to_lowercase();
    let matching = |topic: &TopicLine| {
        (question.internal || !topic.internal) && topic.name.to_lowercase().contains(&contains)
    };
    let matching: Vec<TopicLine> = all.into_iter().filter(matching).collect();
    let total = matching.len();
    let (page, pages) = page_of(question.page, total);
    let topics = matching.into_iter().skip(page * PAGE).take(PAGE).collect();
    TopicsPage { topics, total, page, pages }
}

/// What the topics of a page take in object storage, in bytes, by name; those that are not known are not in it.
pub(crate) async fn sizes(
    brokers: &Brokers,
    question: &TopicsQuestion,
) -> BTreeMap<String, String> {
    let page = list(brokers.cluster.topics(), question);
    let topics = page.topics.iter().filter_map(|line| brokers.cluster.topic(&line.name));
    let topics: Vec<Topic> = topics.collect();
    let sizes = brokers.sizes(&topics).await;
    let total =
        |topic: &Topic| Some((topic.name.clone(), sizes::total(topic, &sizes)?.to_string()));
    topics.iter().filter_map(total).collect()
}

fn page_of(wanted: usize, total: usize) -> (usize, usize) {
    let pages = total.div_ceil(PAGE).max(1);
    (wanted.min(pages - 1), pages)
}

/// Which topic, and which of its partitions.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct TopicQuestion {
    name: String,
    #[serde(default)]
    page: usize,
}

/// One topic.
#[derive(Debug, Serialize)]
pub(crate) struct TopicPage {
    name: String,
    id: String,
    internal: bool,
    replication_factor: u16,
    partition_count: usize,
    /// What it takes in object storage.
    bytes: Option<String>,
    partitions: Vec<Partition>,
    page: usize,
    pages: usize,
}

/// A partition. Offsets are texts: a number of JavaScript is not exact beyond 2⁵³.
#[derive(Debug, Serialize)]
struct Partition {
    index: i32,
    leader: Option<u32>,
    leader_epoch: i32,
    durability: Option<&'static str>,
    offline: bool,
    moving_to: Option<u32>,
    log_start: Option<String>,
    high_watermark: Option<String>,
    /// Between the two: not all need be records.
    offsets: Option<String>,
    /// What it takes in object storage.
    bytes: Option<String>,
    /// Why there are no offsets.
    problem: Option<String>,
}

/// # Errors
/// There is no such topic.
pub(crate) async fn describe(
    brokers: &Brokers,
    question: &TopicQuestion,
) -> Result<TopicPage, Refused> {
    let topic = brokers.cluster.topic(&question.name);
    let topic = topic.ok_or_else(|| Refused::not_found("there is no such topic"))?;
    let (page, pages) = page_of(question.page, topic.partitions.len());
    let lines = (0_i32..).zip(&topic.partitions).skip(page * PAGE).take(PAGE);
    let at = |timestamp| {
        let wanted = lines.clone().map(|(partition, line)| Wanted {
            topic: topic.name.clone(),
            partition,
            leader: line.leader,
            timestamp,
        });
        wanted.collect::<Vec<Wanted>>()
    };
    let (earliest, latest) = (at(EARLIEST), at(LATEST));
    let (starts, ends, sizes) = join!(
        brokers.offsets(&earliest),
        brokers.offsets(&latest),
        brokers.sizes(std::slice::from_ref(&topic))
    );
    let partition = |(index, line): (i32, &crate::PartitionLine)| {
        let place = (topic.name.clone(), index);
        let (start, end) = (starts.get(&place), ends.get(&place));
        let found = |it: Option<&Result<i64, String>>| it.and_then(|it| it.as_ref().ok().copied());
        let problem = [start, end].into_iter().flatten().find_map(|it| it.as_ref().err().cloned());
        let (start, end) = (found(start), found(end));
        Partition {
            index,
            leader: line.leader,
            leader_epoch: line.leader_epoch,
            durability: line.durability,
            offline: line.offline,
            moving_to: line.moving_to,
            log_start: start.map(|it| it.to_string()),
            high_watermark: end.map(|it| it.to_string()),
            bytes: sizes.get(&place).map(ToString::to_string),
            offsets: start.zip(end).map(|(start, end)| end.saturating_sub(start).to_string()),
            problem,
        }
    };
    Ok(TopicPage {
        partitions: lines.clone().map(partition).collect(),
        partition_count: topic.partitions.len(),
        bytes: sizes::total(&topic, &sizes).map(|it| it.to_string()),
        name: topic.name.clone(),
        id: topic.id,
        internal: topic.internal,
        replication_factor: topic.replication_factor,
        page,
        pages,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topics(count: usize) -> Vec<TopicLine> {
        let topic = |number: usize| TopicLine {
            name: format!("Topic-{number:05}"),
            internal: number.is_multiple_of(10),
            partitions: 1,
            leaderless: 0,
        };
        (0..count).map(topic).collect()
    }

    fn ask(count: usize, contains: &str, internal: bool, page: usize) -> TopicsPage {
        list(topics(count), &TopicsQuestion { contains: contains.to_owned(), internal, page })
    }

    #[test]
    fn ten_thousand_topics_come_in_pages() {
        let page = ask(10_000, "", true, 3);
        assert_eq!((page.total, page.page, page.pages, page.topics.len()), (10_000, 3, 100, PAGE));
        assert_eq!(page.topics[0].name, "Topic-00300");
        let last = ask(250, "", true, 7);
        assert_eq!((last.page, last.pages, last.topics.len()), (2, 3, 50));
    }

    #[test]
    fn topics_are_found_by_part_of_their_name() {
        let page = ask(10_000, "IC-0001", true, 0);
        assert_eq!((page.total, page.pages), (10, 1));
        assert_eq!(ask(10_000, "IC-0001", false, 0).total, 9);
        let none = ask(10, "nothing", true, 4);
        assert_eq!((none.total, none.page, none.pages), (0, 0, 1));
    }
}
