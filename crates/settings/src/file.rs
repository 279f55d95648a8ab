//! A settings file: TOML, or a Kafka `server.properties`.

use crate::provide;
use std::{collections::BTreeMap, fs, path::Path};

/// How a file is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FileFormat {
    /// TOML, with our keys and Kafka's.
    #[default]
    Toml,
    /// Kafka's `server.properties`: keys of Kafka that mean nothing here are told, not refused.
    Properties,
}

impl FileFormat {
    /// By the file's ending.
    fn of(path: &Path) -> Self {
        let is_properties = path.extension().is_some_and(|ending| ending == "properties");
        if is_properties { Self::Properties } else { Self::Toml }
    }
}

/// What a file said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SettingsFile {
    pub(super) values: BTreeMap<String, String>,
    pub(super) format: FileFormat,
}

impl SettingsFile {
    /// Reads a file, in the format that its ending says.
    ///
    /// # Errors
    /// One line that names the file.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let text =
            fs::read_to_string(path).map_err(|error| format!("--config {shown}: {error}"))?;
        Self::parse(&text, FileFormat::of(path))
            .map_err(|problem| format!("--config {shown}{problem}"))
    }

    /// Takes a file's text apart.
    ///
    /// # Errors
    /// What follows the file's name in a message.
    pub(super) fn parse(text: &str, format: FileFormat) -> Result<Self, String> {
        let mut values = match format {
            FileFormat::Toml => toml_values(text)?,
            FileFormat::Properties => parse_properties(text),
        };
        provide(&mut values).map_err(|problem| format!(": {problem}"))?;
        Ok(Self { values, format })
    }
}

fn toml_values(text: &str) -> Result<BTreeMap<String, String>, String> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        format!(" is not TOML: {} (a Kafka file must end in .properties)", error.message())
    })?;
    let mut values = BTreeMap::new();
    flatten("", &table, &mut values).map_err(|problem| format!(": {problem}"))?;
    Ok(values)
}

/// Nested tables become dotted keys, arrays comma-separated lists.
fn flatten(
    prefix: &str,
    table: &toml::Table,
    into: &mut BTreeMap<String, String>,
) -> Result<(), String> {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            toml::Value::Table(inner) => flatten(&key, inner, into)?,
            toml::Value::Array(items) => {
                let items: Result<Vec<_>, _> =
                    items.iter().map(|item| scalar(&key, item)).collect();
                into.insert(key, items?.join(","));
            }
            single => {
                let text = scalar(&key, single)?;
                into.insert(key, text);
            }
        }
    }
    Ok(())
}

fn scalar(key: &str, value: &toml::Value) -> Result<String, String> {
    match value {
        toml::Value::String(text) => Ok(text.clone()),
        toml::Value::Integer(number) => Ok(number.to_string()),
        toml::Value::Float(number) => Ok(number.to_string()),
        toml::Value::Boolean(flag) => Ok(flag.to_string()),
        _ => Err(format!("{key} must be text, a number, true or false, or a list of them")),
    }
}

/// Java's properties format, without the escapes that nobody uses in a Kafka file: `key=value`, `#` and `!` comments, a
/// trailing backslash joins lines.
pub fn parse_properties(text: &str) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    let mut logical = String::new();
    for line in text.lines() {
        let line = line.trim();
        if logical.is_empty() && (line.is_empty() || line.starts_with(['#', '!'])) {
            continue;
        }
        if let Some(part) = line.strip_suffix('\\') {
            logical.push_str(part);
            continue;
        }
        logical.push_str(line);
        let line = std::mem::take(&mut logical);
        let (key, value) = line.split_once(['=', ':']).unwrap_or((&line, ""));
        values.insert(key.trim().to_owned(), value.trim().to_owned());
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_tables_and_dotted_keys_are_the_same() {
        let table: toml::Table = "\"num.partitions\" = 3\nlisteners = [\"A://h:1\", \"B://h:2\"]\n[log]\nretention.ms = 5\n".parse().unwrap();
        let mut values = BTreeMap::new();
        flatten("", &table, &mut values).unwrap();
        let expected =
            [("listeners", "A://h:1,B://h:2"), ("log.retention.ms", "5"), ("num.partitions", "3")];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(values, BTreeMap::from(expected));
    }

    #[test]
    fn properties_join_continued_lines_and_skip_comments() {
        let values =
            parse_properties("# c\n! c\nlisteners=PLAINTEXT://:9092,\\\n  B://:9093\n\nempty=\n");
        assert_eq!(values["listeners"], "PLAINTEXT://:9092,B://:9093");
        assert_eq!(values["empty"], "");
    }
}
