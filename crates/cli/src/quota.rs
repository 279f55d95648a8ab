//! `alluvium quota`: how fast users, client ids, or both may go. Source: KIP-546.

use crate::{
    Bootstrap, CliError, Client,
    output::{Cell, Table},
    text::text_of,
};
use clap::Subcommand;
use kafka_protocol::messages::{
    AlterClientQuotasRequest, DescribeClientQuotasRequest,
    alter_client_quotas_request::{EntityData, EntryData, OpData},
    describe_client_quotas_request::ComponentData,
};
use security::quota::Which;
use std::io::Write;

const VERSION: i16 = 1;
/// What a filter wants of a part of an entity: this name, or the default of all.
const EXACT: i8 = 0;
const DEFAULT: i8 = 1;
/// How the default of all is told, as kafka-configs does.
const SHOWN_DEFAULT: &str = "<default>";

/// Types of an entity's parts.
const TYPES: [&str; 3] = ["user", "client-id", "ip"];

/// Whose quota it is: a user's, a client id's, or that of one together with the other.
#[derive(Clone, Debug, clap::Args)]
#[group(multiple = true)]
pub struct Whose {
    /// Of this user
    #[arg(long)]
    user: Option<String>,
    /// Of each user without a quota of their own
    #[arg(long, conflicts_with = "user")]
    default_user: bool,
    /// Of this client id
    #[arg(long)]
    client_id: Option<String>,
    /// Of each client id without a quota of its own
    #[arg(long, conflicts_with = "client_id")]
    default_client_id: bool,
    /// Of this address; Alluvium has no such quotas, Apache Kafka does
    #[arg(long)]
    ip: Option<String>,
    /// Of each address without a quota of its own
    #[arg(long, conflicts_with = "ip")]
    default_ip: bool,
}

/// The type of a part, and which of them.
type Part = (&'static str, Which);

impl Whose {
    fn parts(self) -> Vec<Part> {
        let given = [
            (self.user, self.default_user),
            (self.client_id, self.default_client_id),
            (self.ip, self.default_ip),
        ];
        let named = TYPES.into_iter().zip(given);
        named
            .filter_map(|(of, (name, is_default))| {
                let which = name.map(Which::Named).or(is_default.then_some(Which::Default))?;
                Some((of, which))
            })
            .collect()
    }

    /// The same, which must name somebody.
    fn somebody(self) -> Result<Vec<Part>, CliError> {
        let parts = self.parts();
        if parts.is_empty() {
            return Err(CliError::Usage(
                "whose quota? --user or --default-user, --client-id or --default-client-id, or one of both"
                    .to_owned(),
            ));
        }
        Ok(parts)
    }
}

/// What to do with quotas.
#[derive(Clone, Debug, Subcommand)]
pub enum QuotaCommand {
    /// List quotas: all, or those in which somebody has a part
    List {
        /// Who
        #[command(flatten)]
        whose: Whose,
    },
    /// Set quotas; they are in force at once
    Set {
        #[expect(clippy::doc_markdown, reason = "help texts are read in a terminal")]
        /// Each as key=value: producer_byte_rate or consumer_byte_rate, in bytes a second
        #[arg(required = true)]
        quotas: Vec<String>,
        /// Who
        #[command(flatten)]
        whose: Whose,
        /// Only check whether it could be done
        #[arg(long)]
        dry_run: bool,
    },
    /// Remove quotas, so that those of the default are in force, if any
    Remove {
        /// These keys only
        keys: Vec<String>,
        /// Who
        #[command(flatten)]
        whose: Whose,
    },
}

impl QuotaCommand {
    /// Runs the command, printing to `out`.
    ///
    /// # Errors
    /// As [`CliError`] says.
    pub async fn run(self, bootstrap: &Bootstrap, out: &mut dyn Write) -> Result<(), CliError> {
        match self {
            Self::List { whose } => {
                let mut client = Client::connect(bootstrap).await?;
                let quotas = find(&mut client, &whose.parts(), false).await?;
                print(quotas, bootstrap, out)?;
            }
            Self::Set { quotas, whose, dry_run } => {
                let whose = whose.somebody()?;
                let changes = quotas.iter().map(|text| set(text)).collect::<Result<_, _>>()?;
                let mut client = Client::connect(bootstrap).await?;
                alter(&mut client, &whose, changes, dry_run).await?;
                let done = if dry_run { "could change" } else { "changed" };
                writeln!(out, "{done} the quotas of {}", told(&whose))?;
            }
            Self::Remove { keys, whose } => {
                let whose = whose.somebody()?;
                let mut client = Client::connect(bootstrap).await?;
                let keys = match keys.is_empty() {
                    true => keys_of(&mut client, &whose).await?,
                    false => keys,
                };
                if keys.is_empty() {
                    return Err(CliError::Usage(format!("{} has no quotas", told(&whose))));
                }
                let gone =
                    |key: &String| OpData::default().with_key(text_of(key)).with_remove(true);
                alter(&mut client, &whose, keys.iter().map(gone).collect(), false).await?;
                writeln!(
                    out,
                    "removed {} of {}",
                    crate::printable(&keys.join(", ")),
                    told(&whose)
                )?;
            }
        }
        Ok(())
    }
}

fn set(text: &str) -> Result<OpData, CliError> {
    let parsed = text.split_once('=').and_then(|(key, value)| {
        let value = value.trim().parse::<f64>().ok().filter(|value| value.is_finite())?;
        Some(OpData::default().with_key(text_of(key.trim())).with_value(value).with_remove(false))
    });
    parsed.ok_or_else(|| CliError::Usage(format!("{text:?} must be key=number")))
}

fn name(which: &Which) -> Option<&str> {
    match which {
        Which::Named(name) => Some(name),
        Which::Default => None,
    }
}

/// An entity in words.
fn told(whose: &[Part]) -> String {
    let part = |(of, which): &Part| format!("{of} {}", name(which).unwrap_or(SHOWN_DEFAULT));
    crate::printable(&whose.iter().map(part).collect::<Vec<_>>().join(" with "))
}

/// Quotas of an entity, whose parts have the order of [`TYPES`].
#[derive(Clone, PartialEq, Debug)]
struct Quotas {
    parts: [Option<Which>; 3],
    values: Vec<(String, f64)>,
}

async fn find(client: &mut Client, whose: &[Part], alone: bool) -> Result<Vec<Quotas>, CliError> {
    let component = |(of, which): &Part| {
        ComponentData::default()
            .with_entity_type(text_of(of))
            .with_match_type(if *which == Which::Default { DEFAULT } else { EXACT })
            .with_match(name(which).map(text_of))
    };
    let request = DescribeClientQuotasRequest::default()
        .with_components(whose.iter().map(component).collect())
        .with_strict(alone);
    let answer = client.call_controller(&request, VERSION).await?;
    let message = answer.error_message.map(|it| it.to_string());
    CliError::check(answer.error_code, "the quotas", message)?;
    let entries = answer.entries.unwrap_or_default().into_iter();
    let quotas = entries.map(|entry| {
        let part = |of: &str| {
            let found = entry.entity.iter().find(|it| it.entity_type.as_str() == of);
            let name = found?.entity_name.as_ref().map(ToString::to_string);
            Some(name.map_or(Which::Default, Which::Named))
        };
        let values = entry.values.iter().map(|it| (it.key.to_string(), it.value));
        Quotas { parts: TYPES.map(part), values: values.collect() }
    });
    let mut quotas: Vec<Quotas> = quotas.collect();
    quotas.sort_by(|one, other| one.parts.cmp(&other.parts));
    for it in &mut quotas {
        it.values.sort_by(|one, other| one.0.cmp(&other.0));
    }
    Ok(quotas)
}

async fn keys_of(client: &mut Client, whose: &[Part]) -> Result<Vec<String>, CliError> {
    let found = find(client, whose, true).await?;
    Ok(found.into_iter().flat_map(|it| it.values).map(|(key, _)| key).collect())
}

async fn alter(
    client: &mut Client,
    whose: &[Part],
    changes: Vec<OpData>,
    dry_run: bool,
) -> Result<(), CliError> {
    let part = |(of, which): &Part| {
        EntityData::default()
            .with_entity_type(text_of(of))
            .with_entity_name(name(which).map(text_of))
    };
    let entry =
        EntryData::default().with_entity(whose.iter().map(part).collect()).with_ops(changes);
    let request =
        AlterClientQuotasRequest::default().with_entries(vec![entry]).with_validate_only(dry_run);
    let answer = client.call_controller(&request, VERSION).await?;
    for entry in answer.entries {
        let message = entry.error_message.map(|it| it.to_string());
        CliError::check(entry.error_code, told(whose), message)?;
    }
    Ok(())
}

fn print(quotas: Vec<Quotas>, bootstrap: &Bootstrap, out: &mut dyn Write) -> Result<(), CliError> {
    let mut table = Table::new(["user", "client id", "ip", "key", "value"]);
    for Quotas { parts, values } in quotas {
        let part = |part: Option<Which>| -> Cell {
            part.map(|which| name(&which).unwrap_or(SHOWN_DEFAULT).to_owned()).into()
        };
        let [user, client_id, ip] = parts.map(part);
        for (key, value) in values {
            let (user, client_id, ip) = (user.clone(), client_id.clone(), ip.clone());
            table.push([user, client_id, ip, key.into(), number(value)]);
        }
    }
    Ok(table.print(bootstrap.output, out)?)
}

/// Rates of bytes are whole; percentages need not be.
fn number(value: f64) -> Cell {
    if value.fract() == 0.0 && value.abs() < 9e15 {
        (value as i64).into()
    } else {
        value.to_string().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OutputFormat;

    fn named(name: &str) -> Which {
        Which::Named(name.to_owned())
    }

    #[test]
    fn a_default_is_told_apart_from_a_name_and_from_nothing() {
        let quotas = vec![
            Quotas {
                parts: [Some(named("ann")), Some(Which::Default), None],
                values: vec![("consumer_byte_rate".to_owned(), 5e5)],
            },
            Quotas {
                parts: [None, None, Some(named("10.0.0.1"))],
                values: vec![("connection_creation_rate".to_owned(), 2.5)],
            },
        ];
        let bootstrap = Bootstrap {
            bootstrap_server: String::new(),
            command_config: None,
            output: OutputFormat::Table,
        };
        let mut out = Vec::new();
        print(quotas, &bootstrap, &mut out).unwrap();
        let expected = "\
user  client id  ip        key                       value
ann   <default>  -         consumer_byte_rate        500000
-     -          10.0.0.1  connection_creation_rate  2.5
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn quotas_are_keys_with_numbers() {
        let read = set(" producer_byte_rate = 1000 ").unwrap();
        assert_eq!(
            (read.key.as_str(), read.value, read.remove),
            ("producer_byte_rate", 1000.0, false)
        );
        for wrong in ["producer_byte_rate", "a=b", "a=", "a=NaN", "a=inf"] {
            assert!(set(wrong).is_err(), "{wrong}");
        }
    }
}
