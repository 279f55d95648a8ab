//! Topics: made, grown and deleted by one conditional transaction each. The controller gives the partitions their owners.

use crate::{
    ClusterError, Image, NewTopic, PartitionInfo, TopicInfo, cluster::Shared,
    config_changes::check_durability, moves, stored::Stored,
};
use formats::metadata::{self as records, Configs, DeletedTopic, Topic};
use metadata::{
    Compare, Entry, MetadataError, Operation, RangeQuery, Reply, Transaction,
    families::{ConfigResource, encode},
};
use model::{
    BrokerId, LeaderEpoch, PartitionId, PartitionIndex, TopicId, TopicName,
    config::validate_topic_configs,
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Partitions a topic can have.
const MOST_PARTITIONS: u32 = 100_000;
/// Attempts to settle an unknown outcome or a conflict before the caller is told.
const ATTEMPTS: usize = 5;

/// Creates a topic.
pub(crate) async fn create(
    shared: &Shared,
    mut new: NewTopic,
    validate_only: bool,
    patience: Duration,
) -> Result<Arc<TopicInfo>, ClusterError> {
    let leaders = std::mem::take(&mut new.leaders);
    let planned = plan(shared, new)?;
    if validate_only {
        return Ok(Arc::new(planned));
    }
    write(shared, &planned, &leaders).await?;
    wait_until_open(shared, planned.id, planned.partitions.len(), patience).await;
    let shown = shared.image.borrow().topic_by_id(planned.id).cloned();
    Ok(shown.unwrap_or_else(|| Arc::new(planned)))
}

/// Checks a request and fills in what it leaves to the broker.
fn plan(shared: &Shared, new: NewTopic) -> Result<TopicInfo, ClusterError> {
    let image = shared.image.borrow().clone();
    let name = TopicName::new(&new.name)
        .map_err(|error| ClusterError::InvalidTopicName(error.to_string()))?;
    check_collision(&image, &name)?;
    let partitions = new.partitions.unwrap_or(shared.options.default_partitions);
    if !(1..=MOST_PARTITIONS).contains(&partitions) {
        return Err(ClusterError::InvalidPartitions(format!(
            "a topic has 1 to {MOST_PARTITIONS} partitions, not {partitions}"
        )));
    }
    let replication_factor =
        new.replication_factor.unwrap_or(shared.options.default_replication_factor);
    if replication_factor == 0 {
        return Err(ClusterError::InvalidReplicationFactor(
            "the replication factor must be at least 1".to_owned(),
        ));
    }
    validate_topic_configs(&new.configs)?;
    check_durability(shared, &new.configs)?;
    let settings = shared.settings(&new.configs);
    Ok(TopicInfo {
        id: TopicId::from_random_bytes(shared.parts.randomness.bytes16()),
        name,
        replication_factor,
        internal: new.internal,
        partitions: vec![UNASSIGNED; partitions as usize],
        configs: Arc::new(new.configs),
        settings: Arc::new(settings),
    })
}

const UNASSIGNED: PartitionInfo = PartitionInfo {
    leader: None,
    owner: None,
    leader_epoch: LeaderEpoch::ZERO,
    mode: None,
    moving_to: None,
    offline: false,
};

/// Names that differ in `.` and `_` only can't be told apart in metric names, as in Kafka.
fn check_collision(image: &Image, name: &TopicName) -> Result<(), ClusterError> {
    if image.topics.contains_key(name) {
        return Err(ClusterError::TopicExists(name.to_string()));
    }
    if !name.as_str().contains(['.', '_']) {
        return Ok(());
    }
    let key = name.collision_key();
    match image.topics.keys().find(|other| other.collision_key() == key) {
        Some(other) => Err(ClusterError::InvalidTopicName(format!(
            "topic {name} collides with {other}: '.' and '_' count as the same in metric names"
        ))),
        None => Ok(()),
    }
}

/// Writes topic, name, configs and wanted leaders at once; the name key makes names unique, and settles an unknown outcome.
async fn write(
    shared: &Shared,
    topic: &TopicInfo,
    leaders: &[BrokerId],
) -> Result<(), ClusterError> {
    let keys = &shared.parts.keys;
    let name_key = keys.topic_name(&topic.name);
    let id = bytes::Bytes::copy_from_slice(topic.id.as_bytes());
    let record = Topic {
        format: 1,
        id: id.clone(),
        name: topic.name.to_string(),
        partitions: topic.partitions.len() as u32,
        replication_factor: u32::from(topic.replication_factor),
        internal: topic.internal,
        created_unix_ms: shared.parts.clock.unix_ms(),
    };
    let mut creation = Transaction {
        compares: vec![Compare::Absent(name_key.clone())],
        then: vec![
            Operation::put(keys.topic(topic.id), encode(record)),
            Operation::put(
                name_key.clone(),
                encode(records::TopicName { format: 1, id: id.clone() }),
            ),
        ],
        otherwise: vec![Operation::Read(RangeQuery::key(name_key))],
    };
    if !topic.configs.is_empty() {
        let values = topic.configs.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        let key = keys.configs(ConfigResource::Topic(topic.id));
        creation.then.push(Operation::put(key, encode(Configs { format: 1, values })));
    }
    let wanted: Vec<_> = placed(topic.id, 0, leaders).collect();
    let (at_once, later) = wanted.split_at(wanted.len().min(moves::BATCH));
    creation.then.extend(at_once.iter().map(|it| moves::wanted(shared, *it)));
    let mut last = None;
    for _ in 0..ATTEMPTS {
        match shared.parts.metadata.transact(creation.clone()).await {
            Ok(outcome) if outcome.succeeded => return moves::want(shared, later).await,
            Ok(outcome) => {
                let there = first_read(&outcome.replies);
                let there = there.map(Stored::<records::TopicName>::from_entry).transpose()?;
                return match there {
                    Some(stored) if stored.value.id == id => moves::want(shared, later).await,
                    _ => Err(ClusterError::TopicExists(topic.name.to_string())),
                };
            }
            Err(error) if error.retryable() => last = Some(error),
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(last.map_or_else(never_tried, ClusterError::from))
}

/// Partitions from `first` on, each with its leader.
fn placed(
    topic: TopicId,
    first: u32,
    leaders: &[BrokerId],
) -> impl Iterator<Item = (PartitionId, BrokerId)> {
    (first..).zip(leaders).filter_map(move |(index, leader)| {
        Some((PartitionId { topic, partition: PartitionIndex::new(index)? }, *leader))
    })
}

/// Deletes a topic. Its owner records and manifests follow; its data goes when no segment holds it any more.
pub(crate) async fn delete(shared: &Shared, topic: TopicId) -> Result<(), ClusterError> {
    let keys = &shared.parts.keys;
    let mut last = None;
    for _ in 0..ATTEMPTS {
        let stored =
            Stored::<Topic>::read(shared.parts.metadata.as_ref(), keys.topic(topic)).await?;
        let Some(stored) = stored else {
            return match last {
                // The deletion whose outcome was unknown happened.
                Some(_) => Ok(()),
                None => Err(ClusterError::UnknownTopic(topic.to_string())),
            };
        };
        let name = TopicName::new(&stored.value.name)
            .map_err(|error| ClusterError::InvalidTopicName(error.to_string()))?;
        let deleted = DeletedTopic {
            format: 1,
            name: stored.value.name,
            partitions: stored.value.partitions,
            deleted_unix_ms: shared.parts.clock.unix_ms(),
        };
        let deletion = Transaction {
            compares: vec![Compare::ModRevision(keys.topic(topic), stored.modified)],
            then: vec![
                Operation::Delete(keys.topic(topic)),
                Operation::Delete(keys.topic_name(&name)),
                Operation::Delete(keys.configs(ConfigResource::Topic(topic))),
                Operation::put(keys.deleted_topic(topic), encode(deleted)),
            ],
            otherwise: Vec::new(),
        };
        match shared.parts.metadata.transact(deletion).await {
            Ok(outcome) if outcome.succeeded => {
                wait(shared, Duration::from_secs(5), |image| image.topic_by_id(topic).is_none())
                    .await;
                return Ok(());
            }
            Ok(_) => {}
            Err(error @ MetadataError::OutcomeUnknown(_)) => last = Some(error),
            Err(error) => return Err(error.into()),
        }
    }
    Err(last.map_or_else(never_tried, ClusterError::from))
}

/// More partitions for a topic.
pub(crate) struct Growth<'a> {
    pub topic: &'a str,
    /// So many then.
    pub total: u32,
    /// Who is to lead the new ones, in their order.
    pub leaders: &'a [BrokerId],
}

/// Raises the number of partitions.
pub(crate) async fn grow(
    shared: &Shared,
    growth: Growth<'_>,
    validate_only: bool,
    patience: Duration,
) -> Result<(), ClusterError> {
    let Growth { topic: name, total, leaders } = growth;
    let known = shared.image.borrow().topic(name).map(|topic| topic.id);
    let id = known.ok_or_else(|| ClusterError::UnknownTopic(name.to_owned()))?;
    let key = shared.parts.keys.topic(id);
    let mut unsettled = false;
    let mut later = Vec::new();
    for _ in 0..ATTEMPTS {
        let stored = Stored::<Topic>::read(shared.parts.metadata.as_ref(), key.clone()).await?;
        let stored = stored.ok_or_else(|| ClusterError::UnknownTopic(name.to_owned()))?;
        if unsettled && stored.value.partitions == total {
            break;
        }
        check_growth(name, stored.value.partitions, total)?;
        if validate_only {
            return Ok(());
        }
        let mut wanted: Vec<_> = placed(id, stored.value.partitions, leaders).collect();
        later = wanted.split_off(wanted.len().min(moves::BATCH));
        let record = Topic { partitions: total, ..stored.value };
        let mut growth = Transaction {
            compares: vec![Compare::ModRevision(key.clone(), stored.modified)],
            then: vec![Operation::put(key.clone(), encode(record))],
            otherwise: Vec::new(),
        };
        growth.then.extend(wanted.into_iter().map(|it| moves::wanted(shared, it)));
        match shared.parts.metadata.transact(growth).await {
            Ok(outcome) if outcome.succeeded => break,
            Ok(_) => {}
            Err(MetadataError::OutcomeUnknown(_)) => unsettled = true,
            Err(error) => return Err(error.into()),
        }
    }
    moves::want(shared, &later).await?;
    wait_until_open(shared, id, total as usize, patience).await;
    Ok(())
}

fn check_growth(name: &str, partitions: u32, total: u32) -> Result<(), ClusterError> {
    let refused = match total {
        _ if total == partitions => format!("topic {name} already has {total} partitions"),
        _ if total < partitions => {
            format!("topic {name} has {partitions} partitions; their number can't be lowered")
        }
        _ if total > MOST_PARTITIONS => format!("a topic has at most {MOST_PARTITIONS} partitions"),
        _ => return Ok(()),
    };
    Err(ClusterError::InvalidPartitions(refused))
}

/// Waits until every partition has a live owner and those of this broker are open.
async fn wait_until_open(shared: &Shared, topic: TopicId, count: usize, patience: Duration) {
    let deadline = tokio::time::Instant::now() + patience;
    let owned = |image: &Image| {
        image.topic_by_id(topic).is_some_and(|info| {
            info.partitions.len() >= count && info.partitions.iter().all(|it| it.leader.is_some())
        })
    };
    wait(shared, patience, owned).await;
    let image = shared.image.borrow().clone();
    let Some(info) = image.topic_by_id(topic) else { return };
    let own: Vec<PartitionId> = (0_u32..)
        .zip(&info.partitions)
        .filter(|(_, partition)| partition.leader == Some(shared.identity.broker))
        .filter_map(|(index, _)| {
            Some(PartitionId { topic, partition: PartitionIndex::new(index)? })
        })
        .collect();
    let mut opened = shared.opened.subscribe();
    let all =
        |open: &BTreeMap<PartitionId, LeaderEpoch>| own.iter().all(|it| open.contains_key(it));
    // Not open in time is no error: the topic exists, and clients try again.
    let _opened = tokio::time::timeout_at(deadline, opened.wait_for(all)).await;
}

async fn wait(shared: &Shared, patience: Duration, ready: impl Fn(&Image) -> bool) {
    let mut images = shared.image.subscribe();
    let _seen = tokio::time::timeout(patience, images.wait_for(|image| ready(image))).await;
}

fn first_read(replies: &[Reply]) -> Option<&Entry> {
    match replies.first() {
        Some(Reply::Read(entries)) => entries.first(),
        _ => None,
    }
}

fn never_tried() -> ClusterError {
    ClusterError::Unavailable("too many changes of this topic at once".to_owned())
}
