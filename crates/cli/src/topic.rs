//! `alluvium topic`: create, list, describe, delete.

use crate::{
    Bootstrap, CliError, Client,
    config::{self, Kind},
    offsets::TimeOrEnd,
    text::{text_of, topic_name},
};
use clap::Subcommand;
use kafka_protocol::messages::{
    CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest,
    create_partitions_request::CreatePartitionsTopic,
    create_topics_request::{CreatableTopic, CreatableTopicConfig},
};
use std::io::Write;

const CREATE_TOPICS_VERSION: i16 = 5;
const DELETE_TOPICS_VERSION: i16 = 5;
const CREATE_PARTITIONS_VERSION: i16 = 2;
const TIMEOUT_MS: i32 = 30_000;
/// DescribeConfigs' number for a value set on the topic itself.
const TOPIC_SOURCE: i8 = 1;

/// What to do with topics.
#[derive(Clone, Debug, Subcommand)]
pub enum TopicCommand {
    /// Create a topic
    Create {
        /// Its name
        name: String,
        /// Number of partitions (the broker's num.partitions when not given)
        #[arg(short, long, default_value_t = -1)]
        partitions: i32,
        /// Replication factor (the broker's default when not given); stored and shown
        #[arg(short, long, default_value_t = -1)]
        replication_factor: i16,
        /// A config as key=value; may be given several times
        #[arg(short, long = "config")]
        configs: Vec<String>,
        /// Leave a topic that exists as it is, and succeed
        #[arg(long)]
        if_not_exists: bool,
    },
    /// List topics, one name a line
    List,
    /// Show a topic's partitions, offsets and configs
    Describe {
        /// Its name
        name: String,
    },
    /// Give a topic more partitions; records that are there stay where they are
    Grow {
        /// Its name
        name: String,
        /// How many it is to have
        #[arg(short, long)]
        partitions: i32,
    },
    /// Delete a topic and its records
    Delete {
        /// Its name
        name: String,
    },
}

impl TopicCommand {
    /// Runs the command, printing to `out`.
    ///
    /// # Errors
    /// As [`CliError`] says.
    pub async fn run(self, bootstrap: &Bootstrap, out: &mut dyn Write) -> Result<(), CliError> {
        let mut client = Client::connect(bootstrap).await?;
        match self {
            Self::Create { name, partitions, replication_factor, configs, if_not_exists } => {
                let topic = CreatableTopic::default()
                    .with_name(topic_name(&name))
                    .with_num_partitions(partitions)
                    .with_replication_factor(replication_factor)
                    .with_configs(
                        configs.iter().map(|text| config(text)).collect::<Result<_, _>>()?,
                    );
                match create(&mut client, topic).await {
                    Err(error) if if_not_exists && error.is_about_an_existing_topic() => {
                        writeln!(out, "topic {name} exists already")?;
                    }
                    created => {
                        created?;
                        writeln!(out, "created topic {name}")?;
                    }
                }
            }
            Self::List => {
                for topic in client.metadata(None, false).await?.topics {
                    writeln!(out, "{}", topic.name.unwrap_or_default().as_str())?;
                }
            }
            Self::Describe { name } => describe(&mut client, &name, out).await?,
            Self::Grow { name, partitions } => {
                grow(&mut client, &name, partitions).await?;
                writeln!(out, "topic {name} has {partitions} partitions")?;
            }
            Self::Delete { name } => {
                delete(&mut client, &name).await?;
                writeln!(out, "deleted topic {name}")?;
            }
        }
        Ok(())
    }
}

fn config(text: &str) -> Result<CreatableTopicConfig, CliError> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| CliError::Usage(format!("--config {text:?} must be key=value")))?;
    Ok(CreatableTopicConfig::default().with_name(text_of(key)).with_value(Some(text_of(value))))
}

async fn create(client: &mut Client, topic: CreatableTopic) -> Result<(), CliError> {
    let request =
        CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(TIMEOUT_MS);
    let answer = client.call_controller(&request, CREATE_TOPICS_VERSION).await?;
    for topic in answer.topics {
        let message = topic.error_message.map(|text| text.to_string());
        CliError::check(topic.error_code, format!("topic {}", topic.name.as_str()), message)?;
    }
    Ok(())
}

async fn delete(client: &mut Client, name: &str) -> Result<(), CliError> {
    let request = DeleteTopicsRequest::default()
        .with_topic_names(vec![topic_name(name)])
        .with_timeout_ms(TIMEOUT_MS);
    for topic in client.call_controller(&request, DELETE_TOPICS_VERSION).await?.responses {
        let message = topic.error_message.map(|text| text.to_string());
        CliError::check(topic.error_code, format!("topic {name}"), message)?;
    }
    Ok(())
}

async fn describe(client: &mut Client, name: &str, out: &mut dyn Write) -> Result<(), CliError> {
    let leaders = client.leaders(name, false).await?;
    writeln!(out, "topic {name}: {} partitions", leaders.len())?;
    writeln!(out, "{:>9} {:>8} {:>14} {:>14}", "partition", "leader", "start", "end")?;
    let starts = client.offsets_of(name, leaders.keys().copied(), TimeOrEnd::Start).await?;
    let ends = client.offsets_of(name, leaders.keys().copied(), TimeOrEnd::End).await?;
    let ranges = starts.into_values().zip(ends.into_values());
    for ((partition, leader), (start, end)) in leaders.into_iter().zip(ranges) {
        writeln!(out, "{partition:>9} {leader:>8} {start:>14} {end:>14}")?;
    }
    for (key, value) in overrides(client, name).await? {
        writeln!(out, "config {key}={value}")?;
    }
    Ok(())
}

async fn overrides(client: &mut Client, name: &str) -> Result<Vec<(String, String)>, CliError> {
    let configs = config::describe(client, Kind::Topic, name, &[]).await?;
    let own = configs.into_iter().filter(|config| config.config_source == TOPIC_SOURCE);
    Ok(own.map(|it| (it.name.to_string(), it.value.unwrap_or_default().to_string())).collect())
}

async fn grow(client: &mut Client, name: &str, partitions: i32) -> Result<(), CliError> {
    let topic = CreatePartitionsTopic::default()
        .with_name(topic_name(name))
        .with_count(partitions)
        .with_assignments(None);
    let request =
        CreatePartitionsRequest::default().with_topics(vec![topic]).with_timeout_ms(TIMEOUT_MS);
    for topic in client.call_controller(&request, CREATE_PARTITIONS_VERSION).await?.results {
        let message = topic.error_message.map(|text| text.to_string());
        CliError::check(topic.error_code, format!("topic {name}"), message)?;
    }
    Ok(())
}
