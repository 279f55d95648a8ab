//! `alluvium group`: who reads what, how far it has come, and from where it goes on.

use crate::{
    Bootstrap, CliError, Client,
    offsets::{Partition, TimeOrEnd},
    output::Table,
    seek::{Scope, Target, seek},
    text::group_id,
};
use clap::Subcommand;
use kafka_client::assigned;
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, DeleteGroupsRequest, DescribeGroupsRequest, ListGroupsRequest,
    OffsetFetchRequest, describe_groups_response::DescribedGroupMember,
};
use std::{collections::BTreeMap, io::Write};

const LIST_VERSION: i16 = 5;
const DESCRIBE_VERSION: i16 = 5;
const CONSUMER_DESCRIBE_VERSION: i16 = 0;
const OFFSET_FETCH_VERSION: i16 = 7;
const DELETE_VERSION: i16 = 2;
/// The number of `OffsetFetch` for a partition without a committed offset.
const NO_OFFSET: i64 = -1;

/// What to do with consumer groups.
#[derive(Clone, Debug, Subcommand)]
pub enum GroupCommand {
    /// List groups
    List,
    /// Show a group's partitions: where it is, where the log ends, the lag, and who reads it
    Describe {
        /// The group
        group: String,
    },
    /// Show a group's members
    Members {
        /// The group
        group: String,
    },
    /// Sum up lag, by topic
    Lag {
        /// The groups; all when none is given
        groups: Vec<String>,
    },
    /// Let a group that nobody is in go on from elsewhere
    Seek {
        /// The group
        group: String,
        /// A topic, or partitions of it as topic:0,1,2; all that the group has offsets of when none is given
        #[arg(value_parser = Scope::parse)]
        scopes: Vec<Scope>,
        /// start, end, an offset, +N or -N from where it is, a time (2026-11-22T08:00:00Z), or a while ago (ago:2h)
        #[arg(long, value_parser = Target::parse, allow_hyphen_values = true)]
        to: Target,
        /// Only show what would be done
        #[arg(long)]
        dry_run: bool,
    },
    /// Delete groups that nobody is in, with their offsets
    Delete {
        /// The groups
        #[arg(required = true)]
        groups: Vec<String>,
    },
}

impl GroupCommand {
    /// Runs the command, printing to `out`.
    ///
    /// # Errors
    /// As [`CliError`] says.
    pub async fn run(self, bootstrap: &Bootstrap, out: &mut dyn Write) -> Result<(), CliError> {
        let mut client = Client::connect(bootstrap).await?;
        match self {
            Self::List => {
                let mut table = Table::new(["group", "type", "protocol", "state"]);
                for listed in list(&mut client).await? {
                    table.push([
                        listed.id.into(),
                        listed.kind.into(),
                        listed.protocol.into(),
                        listed.state.into(),
                    ]);
                }
                table.print(bootstrap.output, out)?;
            }
            Self::Describe { group } => describe(&mut client, &group, bootstrap, out).await?,
            Self::Members { group } => {
                let found = find(&mut client, &group).await?;
                let mut table = Table::new(["member", "client", "host", "instance", "partitions"]);
                for member in found.members {
                    let partitions = member.assigned.iter().map(ToString::to_string);
                    table.push([
                        member.id.into(),
                        member.client.into(),
                        member.host.into(),
                        member.instance.into(),
                        partitions.collect::<Vec<_>>().join(",").into(),
                    ]);
                }
                table.print(bootstrap.output, out)?;
            }
            Self::Lag { groups } => lag(&mut client, groups, bootstrap, out).await?,
            Self::Seek { group, scopes, to, dry_run } => {
                seek(&mut client, &group, &scopes, to, dry_run, bootstrap.output, out).await?;
            }
            Self::Delete { groups } => {
                for group in groups {
                    delete(&mut client, &group).await?;
                    writeln!(out, "deleted group {}", crate::output::printable(&group))?;
                }
            }
        }
        Ok(())
    }
}

/// A group as a list has it.
struct Listed {
    id: String,
    kind: String,
    protocol: String,
    state: String,
}

/// Every broker knows the groups that it coordinates.
async fn list(client: &mut Client) -> Result<Vec<Listed>, CliError> {
    let mut groups = Vec::new();
    for broker in client.brokers().await? {
        let request = ListGroupsRequest::default();
        let answer = client.call(broker, &request, LIST_VERSION).await?;
        CliError::check(answer.error_code, format!("the groups of broker {broker}"), None)?;
        groups.extend(answer.groups.into_iter().map(|group| Listed {
            id: group.group_id.to_string(),
            kind: group.group_type.to_string(),
            protocol: group.protocol_type.to_string(),
            state: group.group_state.to_string(),
        }));
    }
    groups.sort_by(|one, other| one.id.cmp(&other.id));
    // One that moved between two questions was told twice.
    groups.dedup_by(|one, other| one.id == other.id);
    Ok(groups)
}

/// A group, whichever protocol its members speak.
pub(crate) struct Group {
    pub(crate) state: String,
    members: Vec<Member>,
}

struct Member {
    id: String,
    client: String,
    host: String,
    instance: Option<String>,
    assigned: Vec<Partition>,
}

/// Describes a group; one that there is not is dead.
pub(crate) async fn find(client: &mut Client, group: &str) -> Result<Group, CliError> {
    if let Some(found) = find_consumer(client, group).await? {
        return Ok(found);
    }
    let request = DescribeGroupsRequest::default().with_groups(vec![group_id(group)]);
    let code = |group: Option<i16>| group.unwrap_or_default();
    let answer = client
        .call_coordinator(group, &request, DESCRIBE_VERSION, |answer| {
            code(answer.groups.first().map(|group| group.error_code))
        })
        .await?;
    let described = answer.groups.into_iter().next().unwrap_or_default();
    let members = described.members.into_iter().map(classic_member);
    Ok(Group { state: described.group_state.to_string(), members: members.collect() })
}

/// A group whose members speak KIP-848; `None` when it is not one.
async fn find_consumer(client: &mut Client, group: &str) -> Result<Option<Group>, CliError> {
    let request = ConsumerGroupDescribeRequest::default().with_group_ids(vec![group_id(group)]);
    let code = |group: Option<i16>| group.unwrap_or_default();
    let asked = client
        .call_coordinator(group, &request, CONSUMER_DESCRIBE_VERSION, |answer| {
            code(answer.groups.first().map(|group| group.error_code))
        })
        .await;
    let answer = match asked {
        Err(CliError::Broker { .. }) => return Ok(None),
        asked => asked?,
    };
    let Some(described) = answer.groups.into_iter().next() else { return Ok(None) };
    let member = |member: kafka_protocol::messages::consumer_group_describe_response::Member| {
        let topics = member.assignment.topic_partitions.iter();
        let assigned = topics.flat_map(|topic| {
            topic.partitions.iter().map(|&index| Partition::new(topic.topic_name.as_str(), index))
        });
        Member {
            assigned: assigned.collect(),
            id: member.member_id.to_string(),
            client: member.client_id.to_string(),
            host: member.client_host.to_string(),
            instance: member.instance_id.map(|id| id.to_string()),
        }
    };
    let members = described.members.into_iter().map(member).collect();
    Ok(Some(Group { state: described.group_state.to_string(), members }))
}

fn classic_member(member: DescribedGroupMember) -> Member {
    // Only consumers' assignments name partitions; those of other applications are their own.
    let topics = assigned(&member.member_assignment);
    let assigned = topics.iter().flat_map(|(topic, partitions)| {
        partitions.iter().map(|&index| Partition::new(topic, index))
    });
    Member {
        assigned: assigned.collect(),
        id: member.member_id.to_string(),
        client: member.client_id.to_string(),
        host: member.client_host.to_string(),
        instance: member.group_instance_id.map(|id| id.to_string()),
    }
}

/// The offsets that a group has committed.
pub(crate) async fn committed(
    client: &mut Client,
    group: &str,
) -> Result<BTreeMap<Partition, i64>, CliError> {
    let request = OffsetFetchRequest::default().with_group_id(group_id(group)).with_topics(None);
    let answer = client
        .call_coordinator(group, &request, OFFSET_FETCH_VERSION, |answer| answer.error_code)
        .await?;
    let mut offsets = BTreeMap::new();
    for topic in answer.topics {
        for it in topic.partitions {
            let partition = Partition::new(topic.name.as_str(), it.partition_index);
            CliError::check(it.error_code, partition.to_string(), None)?;
            if it.committed_offset != NO_OFFSET {
                offsets.insert(partition, it.committed_offset);
            }
        }
    }
    Ok(offsets)
}

async fn describe(
    client: &mut Client,
    group: &str,
    bootstrap: &Bootstrap,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let found = find(client, group).await?;
    let committed = committed(client, group).await?;
    let mut readers = BTreeMap::new();
    for member in &found.members {
        for partition in &member.assigned {
            readers.insert(partition.clone(), member);
        }
    }
    let partitions = committed.keys().chain(readers.keys()).cloned();
    let ends = client.offsets(partitions.map(|it| (it, TimeOrEnd::End)).collect()).await?;
    let mut table =
        Table::new(["topic", "partition", "offset", "log end", "lag", "client", "host"]);
    for (partition, end) in ends {
        let at = committed.get(&partition).copied();
        let end = end.ok();
        let reader = readers.get(&partition);
        table.push([
            partition.topic.as_str().into(),
            partition.index.into(),
            at.into(),
            end.into(),
            at.zip(end).map(|(at, end)| lag_of(at, end)).into(),
            reader.map(|member| member.client.clone()).into(),
            reader.map(|member| member.host.clone()).into(),
        ]);
    }
    if bootstrap.output == crate::OutputFormat::Table {
        let group = crate::output::printable(group);
        let (state, members) = (&found.state, found.members.len());
        writeln!(out, "group {group}: {state}, {members} members")?;
    }
    Ok(table.print(bootstrap.output, out)?)
}

async fn lag(
    client: &mut Client,
    groups: Vec<String>,
    bootstrap: &Bootstrap,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let groups = match groups.is_empty() {
        true => list(client).await?.into_iter().map(|group| group.id).collect(),
        false => groups,
    };
    let mut table = Table::new(["group", "topic", "partitions", "lag"]);
    for group in groups {
        let committed = committed(client, &group).await?;
        let partitions = committed.keys().cloned().map(|it| (it, TimeOrEnd::End));
        let mut topics: BTreeMap<String, (usize, i64)> = BTreeMap::new();
        for (partition, end) in client.offsets(partitions.collect()).await? {
            let at = committed.get(&partition).copied().unwrap_or_default();
            // A partition that is gone has no end, and nobody waits for it.
            let (partitions, lag) = topics.entry(partition.topic).or_default();
            *partitions += 1;
            *lag += end.map_or(0, |end| lag_of(at, end));
        }
        for (topic, (partitions, lag)) in topics {
            table.push([group.as_str().into(), topic.into(), partitions.into(), lag.into()]);
        }
    }
    Ok(table.print(bootstrap.output, out)?)
}

/// A group may have been told of a log that has begun anew since.
fn lag_of(at: i64, end: i64) -> i64 {
    end.saturating_sub(at).max(0)
}

async fn delete(client: &mut Client, group: &str) -> Result<(), CliError> {
    let request = DeleteGroupsRequest::default().with_groups_names(vec![group_id(group)]);
    let code = |group: Option<i16>| group.unwrap_or_default();
    let deleted = client.call_coordinator(group, &request, DELETE_VERSION, |answer| {
        code(answer.results.first().map(|group| group.error_code))
    });
    deleted.await.map(drop)
}
