//! What topics take in object storage, as the brokers that lead their partitions have it in memory.

use crate::{Topic, brokers::Brokers, groups::Place, refused::Refused};
use futures::future::join_all;
use kafka_protocol::{
    messages::{
        DescribeLogDirsRequest, DescribeLogDirsResponse, TopicName,
        describe_log_dirs_request::DescribableLogDirTopic,
    },
    protocol::StrBytes,
};
use std::collections::{BTreeMap, HashMap};

const DESCRIBE_LOG_DIRS_VERSION: i16 = 3;

/// Bytes by topic and partition; what no broker told is not in it.
pub(crate) type Sizes = HashMap<Place, i64>;

impl Brokers {
    /// Asks every leader for its partitions of these topics.
    pub(crate) async fn sizes(&self, topics: &[Topic]) -> Sizes {
        let mut by_leader = BTreeMap::<u32, BTreeMap<&str, Vec<i32>>>::new();
        for topic in topics {
            for (index, partition) in (0..).zip(&topic.partitions) {
                if let Some(leader) = partition.leader {
                    let asked = by_leader.entry(leader).or_default();
                    asked.entry(&topic.name).or_default().push(index);
                }
            }
        }
        let asked = by_leader.into_iter().map(|(leader, topics)| async move {
            let topic = |(name, partitions): (&str, Vec<i32>)| {
                DescribableLogDirTopic::default()
                    .with_topic(TopicName(StrBytes::from_string(name.to_owned())))
                    .with_partitions(partitions)
            };
            let topics = topics.into_iter().map(topic).collect();
            let request = DescribeLogDirsRequest::default().with_topics(Some(topics));
            self.call(leader, &request, DESCRIBE_LOG_DIRS_VERSION).await
        });
        let mut sizes = Sizes::new();
        for answer in join_all(asked).await {
            take_in(&mut sizes, &answer);
        }
        sizes
    }
}

fn take_in(sizes: &mut Sizes, answer: &Result<DescribeLogDirsResponse, Refused>) {
    let directories = answer.iter().flat_map(|answer| &answer.results);
    for topic in directories.flat_map(|directory| &directory.topics) {
        for it in &topic.partitions {
            sizes.insert((topic.name.to_string(), it.partition_index), it.partition_size);
        }
    }
}

/// What a topic takes; `None` unless all of its partitions are known.
pub(crate) fn total(topic: &Topic, sizes: &Sizes) -> Option<i64> {
    let size = |(index, _)| sizes.get(&(topic.name.clone(), index)).copied();
    (0..).zip(&topic.partitions).map(size).sum()
}
