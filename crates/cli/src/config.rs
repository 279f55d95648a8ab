//! `alluvium config`: the configs of topics, brokers and groups.

use crate::{
    Bootstrap, CliError, Client,
    output::{Cell, Table},
    text::text_of,
};
use clap::{Subcommand, ValueEnum};
use kafka_protocol::messages::{
    DescribeConfigsRequest, IncrementalAlterConfigsRequest,
    describe_configs_request::DescribeConfigsResource,
    describe_configs_response::DescribeConfigsResourceResult,
    incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig},
};
use std::io::Write;

const DESCRIBE_VERSION: i16 = 4;
const ALTER_VERSION: i16 = 1;
/// The operations of `IncrementalAlterConfigs`.
const SET: i8 = 0;
const UNSET: i8 = 1;
/// The numbers of `DescribeConfigs` for where a value comes from.
const SOURCES: [(i8, &str); 8] = [
    (1, "topic"),
    (2, "broker"),
    (3, "cluster"),
    (4, "file"),
    (5, "default"),
    (6, "logger"),
    (7, "client metrics"),
    (8, "group"),
];
const DEFAULT_SOURCE: i8 = 5;
const FILE_SOURCE: i8 = 4;

/// What has configs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Kind {
    /// A topic, by name
    Topic,
    /// A broker, by id; an empty name is the default of all
    Broker,
    /// A consumer group, by id
    Group,
}

impl Kind {
    /// Kafka's number of the resource type.
    pub(crate) fn number(self) -> i8 {
        match self {
            Self::Topic => 2,
            Self::Broker => 4,
            Self::Group => 32,
        }
    }
}

/// What to do with configs.
#[derive(Clone, Debug, Subcommand)]
pub enum ConfigCommand {
    /// Show the configs that were set; with --all those in force by default, too
    Get {
        /// What has them
        kind: Kind,
        /// Its name
        name: String,
        /// These keys only
        keys: Vec<String>,
        /// Those that nobody set, too
        #[arg(long)]
        all: bool,
    },
    /// Set configs; they are in force at once
    Set {
        /// What has them
        kind: Kind,
        /// Its name
        name: String,
        /// Each as key=value
        #[arg(required = true)]
        configs: Vec<String>,
        /// Only check whether it could be done
        #[arg(long)]
        dry_run: bool,
    },
    /// Take what was set back, so that the default is in force again
    Unset {
        /// What has them
        kind: Kind,
        /// Its name
        name: String,
        /// The keys
        #[arg(required = true)]
        keys: Vec<String>,
        /// Only check whether it could be done
        #[arg(long)]
        dry_run: bool,
    },
}

impl ConfigCommand {
    /// Runs the command, printing to `out`.
    ///
    /// # Errors
    /// As [`CliError`] says.
    pub async fn run(self, bootstrap: &Bootstrap, out: &mut dyn Write) -> Result<(), CliError> {
        let mut client = Client::connect(bootstrap).await?;
        match self {
            Self::Get { kind, name, keys, all } => {
                let mut table = Table::new(["key", "value", "source"]);
                let all = all || !keys.is_empty();
                for config in describe(&mut client, kind, &name, &keys).await? {
                    if all || ![DEFAULT_SOURCE, FILE_SOURCE].contains(&config.config_source) {
                        table.push(line(&config));
                    }
                }
                table.print(bootstrap.output, out)?;
            }
            Self::Set { kind, name, configs, dry_run } => {
                let set = |text: &String| match text.split_once('=') {
                    Some((key, value)) => Ok(change(key, SET, Some(value))),
                    None => Err(CliError::Usage(format!("{text:?} must be key=value"))),
                };
                let changes = configs.iter().map(set).collect::<Result<_, _>>()?;
                alter(&mut client, kind, &name, changes, dry_run).await?;
                tell(out, &name, dry_run)?;
            }
            Self::Unset { kind, name, keys, dry_run } => {
                let changes = keys.iter().map(|key| change(key, UNSET, None)).collect();
                alter(&mut client, kind, &name, changes, dry_run).await?;
                tell(out, &name, dry_run)?;
            }
        }
        Ok(())
    }
}

fn tell(out: &mut dyn Write, name: &str, dry_run: bool) -> Result<(), CliError> {
    let done = if dry_run { "could change" } else { "changed" };
    Ok(writeln!(out, "{done} the configs of {name}")?)
}

fn line(config: &DescribeConfigsResourceResult) -> [Cell; 3] {
    let source = SOURCES.iter().find(|(number, _)| *number == config.config_source);
    let value = if config.is_sensitive {
        Some("(hidden)".to_owned())
    } else {
        config.value.as_ref().map(ToString::to_string)
    };
    [config.name.to_string().into(), value.into(), source.map(|(_, name)| *name).into()]
}

/// The configs of something, by name.
pub(crate) async fn describe(
    client: &mut Client,
    kind: Kind,
    name: &str,
    keys: &[String],
) -> Result<Vec<DescribeConfigsResourceResult>, CliError> {
    let keys = (!keys.is_empty()).then(|| keys.iter().map(|key| text_of(key)).collect());
    let resource = DescribeConfigsResource::default()
        .with_resource_type(kind.number())
        .with_resource_name(text_of(name))
        .with_configuration_keys(keys);
    let request = DescribeConfigsRequest::default().with_resources(vec![resource]);
    let answer = match broker_of(kind, name)? {
        Some(broker) => client.call_broker(broker, &request, DESCRIBE_VERSION).await?,
        None => client.call_controller(&request, DESCRIBE_VERSION).await?,
    };
    let mut found = Vec::new();
    for result in answer.results {
        let message = result.error_message.map(|text| text.to_string());
        CliError::check(result.error_code, subject(kind, name), message)?;
        found.extend(result.configs);
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

async fn alter(
    client: &mut Client,
    kind: Kind,
    name: &str,
    configs: Vec<AlterableConfig>,
    dry_run: bool,
) -> Result<(), CliError> {
    let resource = AlterConfigsResource::default()
        .with_resource_type(kind.number())
        .with_resource_name(text_of(name))
        .with_configs(configs);
    let request = IncrementalAlterConfigsRequest::default()
        .with_resources(vec![resource])
        .with_validate_only(dry_run);
    let answer = match broker_of(kind, name)? {
        Some(broker) => client.call_broker(broker, &request, ALTER_VERSION).await?,
        None => client.call_controller(&request, ALTER_VERSION).await?,
    };
    for result in answer.responses {
        let message = result.error_message.map(|text| text.to_string());
        CliError::check(result.error_code, subject(kind, name), message)?;
    }
    Ok(())
}

/// Only a broker itself knows its own configs.
fn broker_of(kind: Kind, name: &str) -> Result<Option<i32>, CliError> {
    if kind != Kind::Broker || name.is_empty() {
        return Ok(None);
    }
    let id = name.parse();
    id.map(Some).map_err(|_| CliError::Usage(format!("a broker's name is its id, not {name:?}")))
}

fn subject(kind: Kind, name: &str) -> String {
    let kind = match kind {
        Kind::Topic => "topic",
        Kind::Broker => "broker",
        Kind::Group => "group",
    };
    format!("{kind} {name}")
}

fn change(key: &str, operation: i8, value: Option<&str>) -> AlterableConfig {
    AlterableConfig::default()
        .with_name(text_of(key))
        .with_config_operation(operation)
        .with_value(value.map(text_of))
}
