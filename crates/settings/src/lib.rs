//! The settings of `alluvium serve`: flags over environment over file over built-in defaults, all by the same keys.

mod file;
mod kafka_only;
mod providers;
#[cfg(test)]
mod tests;

pub use file::{FileFormat, parse_properties};
pub use providers::provide;

use file::SettingsFile;
use model::config::{ConfigKey, InvalidConfig, deployment, listener_key, process_key};
use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

/// Every problem found, one line each.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{}", .0.join("\n"))]
pub struct SettingsError(pub Vec<String>);

/// Validated settings: only what was set; defaults come from the keys.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Settings {
    values: BTreeMap<String, String>,
    /// Keys of a Kafka `server.properties` that mean nothing here, each with the reason: told at start-up.
    pub not_honoured: Vec<String>,
    /// Access key and secret key of an object store that this process itself started; `None` takes the standard AWS chain.
    pub object_store_credentials: Option<(String, String)>,
}

/// Where settings come from, the strongest last.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// `--config`.
    pub file: Option<PathBuf>,
    /// The process environment.
    pub environment: Vec<(String, String)>,
    /// Flags, as key and value.
    pub flags: Vec<(String, String)>,
}

const ENVIRONMENT_PREFIX: &str = "ALLUVIUM_";
/// The read cache's capacity where objects lie elsewhere and nothing was set.
const CACHE_BYTES: u64 = 1 << 30;
/// Variables with our prefix that are no settings of a broker.
const OTHER_VARIABLES: [&str; 3] = ["TOOLS", "BOOTSTRAP_SERVER", "CONFIG"];

/// Keys alone: values may be secret.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("keys", &self.values.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// Reads, merges and checks all sources.
    ///
    /// # Errors
    /// [`SettingsError`] lists every unknown key and every value that does not fit.
    pub fn resolve(sources: Sources) -> Result<Self, SettingsError> {
        let mut settings = Self::default();
        let mut problems = Vec::new();
        if let Some(path) = &sources.file {
            let file = SettingsFile::read(path).map_err(|problem| SettingsError(vec![problem]))?;
            settings.take(file, &format!("in {}", path.display()), &mut problems);
        }
        for (name, value) in sources.environment {
            if let Some(key) = name.strip_prefix(ENVIRONMENT_PREFIX)
                && !OTHER_VARIABLES.contains(&key)
            {
                let key = key.to_ascii_lowercase().replace('_', ".");
                settings.set(&key, value, &format!("from ${name}"), &mut problems);
            }
        }
        for (key, value) in sources.flags {
            settings.set(&key, value, "on the command line", &mut problems);
        }
        if problems.is_empty() { Ok(settings) } else { Err(SettingsError(problems)) }
    }

    /// Reads and checks the text of a file, as [`Settings::resolve`] does.
    ///
    /// # Errors
    /// As there.
    pub fn parse(text: &str, format: FileFormat) -> Result<Self, SettingsError> {
        let mut settings = Self::default();
        let mut problems = Vec::new();
        let file = SettingsFile::parse(text, format)
            .map_err(|problem| SettingsError(vec![format!("the settings{problem}")]))?;
        settings.take(file, "in the settings", &mut problems);
        if problems.is_empty() { Ok(settings) } else { Err(SettingsError(problems)) }
    }

    fn take(&mut self, file: SettingsFile, place: &str, problems: &mut Vec<String>) {
        for (key, value) in file.values {
            match (file.format, kafka_only::reason(&key)) {
                (FileFormat::Properties, Some(reason)) if process_key(&key).is_err() => {
                    self.not_honoured.push(format!("{key} {place} has no effect: {reason}"));
                }
                _ => self.set(&key, value, place, problems),
            }
        }
    }

    fn set(&mut self, key: &str, value: String, place: &str, problems: &mut Vec<String>) {
        let known = listener_key(key).unwrap_or_else(|| process_key(key));
        let checked = known.and_then(|known| known.validate(&value));
        match checked {
            Ok(()) => {
                self.values.insert(key.to_owned(), value);
            }
            Err(problem @ InvalidConfig::UnknownKey { .. }) => {
                problems.push(format!("{problem} ({place})"));
            }
            Err(problem) => problems.push(format!("{problem} ({place})")),
        }
    }

    /// What was set, by key.
    pub fn values(&self) -> &BTreeMap<String, String> {
        &self.values
    }

    /// The same settings as a file for `--config`, secrets included.
    pub fn to_toml(&self) -> String {
        let values = self.values.iter().map(|(key, value)| (key.clone(), value.clone().into()));
        values.collect::<toml::Table>().to_string()
    }

    /// Takes a value back, so that the default is in force again.
    pub fn remove(&mut self, key: &ConfigKey) {
        self.values.remove(key.name);
    }

    /// Whether a key was set, by whatever source.
    pub fn is_set(&self, key: &ConfigKey) -> bool {
        self.values.contains_key(key.name)
    }

    /// Sets a value that start-up worked out.
    pub fn insert(&mut self, key: &ConfigKey, value: String) {
        self.values.insert(key.name.to_owned(), value);
    }

    /// Text of a key; `None` when it is unset and has no default.
    pub fn text(&self, key: &ConfigKey) -> Option<&str> {
        key.text_in(&self.values)
    }

    /// Text of a key as it is for a listener: its own, else that of all.
    pub fn listener_text(&self, listener: &str, key: &ConfigKey) -> Option<&str> {
        let own = format!("listener.name.{}.{}", listener.to_lowercase(), key.name);
        self.values.get(&own).map(String::as_str).or_else(|| self.text(key))
    }

    /// `sasl.jaas.config` of a mechanism at a listener.
    pub fn jaas(&self, listener: &str, mechanism: &str) -> Option<&str> {
        let (listener, mechanism) = (listener.to_lowercase(), mechanism.to_lowercase());
        let key = format!("listener.name.{listener}.{mechanism}.sasl.jaas.config");
        self.values.get(&key).map(String::as_str)
    }

    /// A number not below zero; the key's default fills in.
    pub fn number(&self, key: &ConfigKey) -> Option<u64> {
        key.number_in(&self.values).and_then(|number| u64::try_from(number).ok())
    }

    /// A duration; zero when there is none.
    pub fn duration(&self, key: &ConfigKey) -> Duration {
        key.duration_in(&self.values).unwrap_or_default()
    }

    /// The data directory.
    pub fn data_directory(&self) -> PathBuf {
        self.text(&deployment::DATA_DIR).unwrap_or_default().into()
    }

    /// The WAL's directory: its own, or a folder of the data directory.
    pub fn wal_directory(&self) -> PathBuf {
        self.text(&deployment::WAL_DIR)
            .map_or_else(|| self.data_directory().join("wal"), PathBuf::from)
    }

    /// The read cache's directory: its own, or one beside the WAL's.
    pub fn cache_directory(&self) -> PathBuf {
        let beside_wal = || self.wal_directory().with_file_name("cache");
        self.text(&deployment::CACHE_DIR).map_or_else(beside_wal, PathBuf::from)
    }

    /// Bytes of disk for the read cache: as set, else what suits the store. 0 is none.
    pub fn cache_bytes(&self, objects_are_local: bool) -> u64 {
        let suits_the_store = if objects_are_local { 0 } else { CACHE_BYTES };
        self.number(&deployment::CACHE_MAX_BYTES).unwrap_or(suits_the_store)
    }

    /// Whether metadata lives in the data directory: the embedded deployment.
    pub fn is_embedded(&self) -> bool {
        self.text(&deployment::METADATA) == Some("embedded")
    }
}
