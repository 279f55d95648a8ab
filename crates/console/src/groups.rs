//! Groups: the list from every broker, and one group with its members, offsets and lag from its coordinator.

use crate::{
    Cluster,
    brokers::Brokers,
    offsets::Wanted,
    refused::{Refused, check, error_of},
};
use axum::http::StatusCode;
use futures::future::join_all;
use kafka_client::{LATEST, assigned};
use kafka_protocol::{
    messages::{
        ConsumerGroupDescribeRequest, DescribeGroupsRequest, GroupId, ListGroupsRequest,
        OffsetFetchRequest, consumer_group_describe_response,
        describe_groups_response::DescribedGroupMember,
    },
    protocol::StrBytes,
};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

const LIST_VERSION: i16 = 5;
const DESCRIBE_VERSION: i16 = 5;
const CONSUMER_DESCRIBE_VERSION: i16 = 0;
const OFFSET_FETCH_VERSION: i16 = 7;
/// Groups, and partitions of one group, in one answer.
pub(crate) const LISTED: usize = 10_000;

/// A topic and a partition of it.
pub(crate) type Place = (String, i32);

/// All groups.
#[derive(Debug, Serialize)]
pub(crate) struct GroupsPage {
    groups: Vec<GroupLine>,
    left_out: usize,
    /// Brokers that did not tell theirs, and why.
    problems: Vec<String>,
}

/// A group in the list.
#[derive(Debug, Serialize)]
struct GroupLine {
    id: String,
    kind: String,
    protocol: String,
    state: String,
    coordinator: u32,
}

/// Every broker knows the groups that it coordinates.
pub(crate) async fn list(brokers: &Brokers) -> GroupsPage {
    let picture = brokers.cluster.picture();
    let living = picture.brokers.iter().filter(|broker| !broker.fenced).map(|broker| broker.id);
    let asked = living.map(|broker| async move {
        let answer = brokers.call(broker, &ListGroupsRequest::default(), LIST_VERSION).await;
        let checked = answer
            .and_then(|answer| check(answer.error_code, None::<&str>, "groups").map(|()| answer));
        (broker, checked)
    });
    let (mut groups, mut problems) = (Vec::new(), Vec::new());
    for (coordinator, answer) in join_all(asked).await {
        match answer {
            Ok(answer) => groups.extend(answer.groups.into_iter().map(|group| GroupLine {
                id: group.group_id.to_string(),
                kind: group.group_type.to_string(),
                protocol: group.protocol_type.to_string(),
                state: group.group_state.to_string(),
                coordinator,
            })),
            Err(refused) => problems.push(format!("broker {coordinator}: {}", refused.message)),
        }
    }
    groups.sort_by(|one, other| one.id.cmp(&other.id));
    // One that moved between two questions was told twice.
    groups.dedup_by(|one, other| one.id == other.id);
    let left_out = groups.len().saturating_sub(LISTED);
    groups.truncate(LISTED);
    GroupsPage { groups, left_out, problems }
}

/// One group.
#[derive(Debug, Serialize)]
pub(crate) struct GroupPage {
    id: String,
    kind: &'static str,
    state: String,
    assignor: String,
    coordinator: u32,
    members: Vec<Member>,
    partitions: Vec<ReadPartition>,
    partitions_left_out: usize,
    /// The sum of the lags that are known.
    lag: String,
}

#[derive(Debug, Serialize)]
struct Member {
    id: String,
    client: String,
    host: String,
    instance: Option<String>,
    partitions: Vec<Place>,
}

/// A partition that the group reads, or has read.
#[derive(Debug, Serialize)]
struct ReadPartition {
    topic: String,
    partition: i32,
    committed: Option<String>,
    end: Option<String>,
    lag: Option<String>,
    /// The client that has it now.
    reader: Option<String>,
    problem: Option<String>,
}

/// A group, whichever protocol its members speak.
struct Described {
    kind: &'static str,
    state: String,
    assignor: String,
    members: Vec<Member>,
}

/// # Errors
/// Nobody coordinates it, or the coordinator's reason.
pub(crate) async fn describe(brokers: &Brokers, id: &str) -> Result<GroupPage, Refused> {
    let coordinator = coordinator(brokers, id)?;
    let described = described(brokers, coordinator, id).await?;
    let committed = committed(brokers, coordinator, id).await?;
    if described.state == "Dead" && committed.is_empty() {
        return Err(Refused::not_found("there is no such group"));
    }
    let mut readers = BTreeMap::<Place, String>::new();
    for member in &described.members {
        let reader = if member.client.is_empty() { &member.id } else { &member.client };
        readers.extend(member.partitions.iter().map(|place| (place.clone(), reader.clone())));
    }
    let mut places: Vec<Place> = committed.keys().chain(readers.keys()).cloned().collect();
    places.sort_unstable();
    places.dedup();
    let partitions_left_out = places.len().saturating_sub(LISTED);
    places.truncate(LISTED);
    let ends = brokers.offsets(&wanted(brokers.cluster.as_ref(), &places, LATEST)).await;
    let mut total = 0_i64;
    let partitions = places.into_iter().map(|place| {
        let end = ends.get(&place);
        let at = committed.get(&place).copied();
        let known_end = end.and_then(|end| end.as_ref().ok().copied());
        let lag = at.zip(known_end).map(|(at, end)| lag_of(at, end));
        total = total.saturating_add(lag.unwrap_or_default());
        ReadPartition {
            committed: at.map(|it| it.to_string()),
            end: known_end.map(|it| it.to_string()),
            lag: lag.map(|it| it.to_string()),
            reader: readers.get(&place).cloned(),
            problem: end.and_then(|end| end.as_ref().err().cloned()),
            topic: place.0,
            partition: place.1,
        }
    });
    let partitions = partitions.collect();
    let Described { kind, state, assignor, members } = described;
    let lag = total.to_string();
    let id = id.to_owned();
    Ok(GroupPage {
        id,
        kind,
        state,
        assignor,
        coordinator,
        members,
        partitions,
        partitions_left_out,
        lag,
    })
}

/// # Errors
/// Nobody coordinates it.
pub(crate) fn coordinator(brokers: &Brokers, id: &str) -> Result<u32, Refused> {
    let coordinator = brokers.cluster.coordinator(id);
    coordinator
        .ok_or_else(|| Refused::unavailable("no broker coordinates this group at the moment"))
}

/// The coordinator of a group that nobody is in.
///
/// # Errors
/// Nobody coordinates it, or somebody is in it.
pub(crate) async fn idle_coordinator(brokers: &Brokers, id: &str) -> Result<u32, Refused> {
    let coordinator = coordinator(brokers, id)?;
    let state = described(brokers, coordinator, id).await?.state;
    if !["Empty", "Dead"].contains(&state.as_str()) {
        let reason = format!(
            "the group is {state}: its members would not notice, and commit over it; stop them first"
        );
        return Err(Refused::new(StatusCode::CONFLICT, reason));
    }
    Ok(coordinator)
}

async fn described(brokers: &Brokers, coordinator: u32, id: &str) -> Result<Described, Refused> {
    match consumer(brokers, coordinator, id).await? {
        Some(described) => Ok(described),
        None => classic(brokers, coordinator, id).await,
    }
}

/// Partitions to ask about, of topics that there still are.
pub(crate) fn wanted(cluster: &dyn Cluster, places: &[Place], timestamp: i64) -> Vec<Wanted> {
    let mut topics = HashMap::new();
    let place = |(topic, partition): &Place| {
        let known = topics.entry(topic.clone()).or_insert_with(|| cluster.topic(topic));
        let index = usize::try_from(*partition).ok()?;
        let line = known.as_ref()?.partitions.get(index)?;
        let (topic, partition) = (topic.clone(), *partition);
        Some(Wanted { topic, partition, leader: line.leader, timestamp })
    };
    places.iter().filter_map(place).collect()
}

/// A group may have been told of a log that has begun anew since.
fn lag_of(at: i64, end: i64) -> i64 {
    end.saturating_sub(at).max(0)
}

pub(crate) fn group_id(id: &str) -> GroupId {
    GroupId(StrBytes::from_string(id.to_owned()))
}

/// A group whose members speak KIP-848; `None` when it is not one.
async fn consumer(
    brokers: &Brokers,
    coordinator: u32,
    id: &str,
) -> Result<Option<Described>, Refused> {
    let request = ConsumerGroupDescribeRequest::default().with_group_ids(vec![group_id(id)]);
    let answer = brokers.call(coordinator, &request, CONSUMER_DESCRIBE_VERSION).await?;
    let found = answer.groups.into_iter().next();
    let Some(found) = found.filter(|group| error_of(group.error_code).is_none()) else {
        return Ok(None);
    };
    Ok(Some(Described {
        kind: "consumer",
        state: found.group_state.to_string(),
        assignor: found.assignor_name.to_string(),
        members: found.members.into_iter().map(consumer_member).collect(),
    }))
}

fn consumer_member(member: consumer_group_describe_response::Member) -> Member {
    let topics = member.assignment.topic_partitions.iter();
    let partitions = topics.flat_map(|topic| {
        topic.partitions.iter().map(|&partition| (topic.topic_name.to_string(), partition))
    });
    Member {
        partitions: partitions.collect(),
        id: member.member_id.to_string(),
        client: member.client_id.to_string(),
        host: member.client_host.to_string(),
        instance: member.instance_id.map(|id| id.to_string()),
    }
}

async fn classic(brokers: &Brokers, coordinator: u32, id: &str) -> Result<Described, Refused> {
    let request = DescribeGroupsRequest::default().with_groups(vec![group_id(id)]);
    let answer = brokers.call(coordinator, &request, DESCRIBE_VERSION).await?;
    let found = answer.groups.into_iter().next().unwrap_or_default();
    check(found.error_code, None::<&str>, "the group")?;
    Ok(Described {
        kind: "classic",
        state: found.group_state.to_string(),
        assignor: found.protocol_data.to_string(),
        members: found.members.into_iter().map(classic_member).collect(),
    })
}

fn classic_member(member: DescribedGroupMember) -> Member {
    Member {
        partitions: places(&member.member_assignment),
        id: member.member_id.to_string(),
        client: member.client_id.to_string(),
        host: member.client_host.to_string(),
        instance: member.group_instance_id.map(|id| id.to_string()),
    }
}

/// Only consumers' assignments name partitions; those of other applications are their own.
fn places(assignment: &[u8]) -> Vec<Place> {
    let topics = assigned(assignment).into_iter();
    let places = topics.flat_map(|(topic, partitions)| {
        partitions.into_iter().map(move |partition| (topic.clone(), partition))
    });
    places.collect()
}

/// The offsets that a group has committed.
pub(crate) async fn committed(
    brokers: &Brokers,
    coordinator: u32,
    id: &str,
) -> Result<BTreeMap<Place, i64>, Refused> {
    let request = OffsetFetchRequest::default().with_group_id(group_id(id)).with_topics(None);
    let answer = brokers.call(coordinator, &request, OFFSET_FETCH_VERSION).await?;
    check(answer.error_code, None::<&str>, "the group's offsets")?;
    let mut offsets = BTreeMap::new();
    for topic in answer.topics {
        for it in topic.partitions {
            if error_of(it.error_code).is_none() && it.committed_offset >= 0 {
                offsets.insert((topic.name.to_string(), it.partition_index), it.committed_offset);
            }
        }
    }
    Ok(offsets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_never_less_than_nothing_behind() {
        assert_eq!(lag_of(3, 10), 7);
        assert_eq!(lag_of(10, 3), 0);
        assert_eq!(lag_of(i64::MIN, i64::MAX), i64::MAX);
    }
}
