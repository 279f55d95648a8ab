//! What subjects are configured to, and their modes.

use super::{
    Decision, Registry, WriteError,
    deciding::{bytes, check_writable, not_permitted},
};
use crate::{
    compatibility::Level,
    error::RegistryError,
    record::{ConfigValue, Key, ModeValue},
    subject::Subject,
};
use serde_json::{Map, Value};

impl Registry {
    /// Sets what a subject, or everything, is configured to; what is not given stays.
    pub(crate) async fn set_config(
        &self,
        subject: Option<&Subject>,
        mut given: Map<String, Value>,
    ) -> Result<(), WriteError> {
        if let Some(level) =
            given.remove("compatibility").or_else(|| given.remove("compatibilityLevel"))
            && !level.is_null()
        {
            let known = level.as_str().and_then(Level::from_name);
            let invalid = || {
                RegistryError::new(
                    42203,
                    "Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, forward_transitive, and full_transitive",
                )
            };
            let level = known.ok_or_else(invalid)?;
            given.insert("compatibilityLevel".to_owned(), level.name().into());
        }
        let name = subject.map(Subject::to_string);
        self.write(move |state| {
            check_writable(state, name.as_deref().unwrap_or_default())?;
            let own = state.config(name.as_deref()).map(serde_json::to_value);
            let mut config = match own {
                Some(Ok(Value::Object(config))) => config,
                _ => Map::new(),
            };
            config.extend(given);
            if let Some(name) = &name {
                config.insert("subject".to_owned(), name.as_str().into());
            }
            let key = Key::Config { subject: name.clone(), magic: 0 };
            Ok(Decision { records: vec![(key.bytes(), Some(bytes(&config)))], answer: () })
        })
        .await
    }

    /// Has a subject, or everything, follow what is above it again. Answers what was configured.
    pub(crate) async fn delete_config(
        &self,
        subject: Option<&Subject>,
    ) -> Result<ConfigValue, WriteError> {
        let name = subject.map(Subject::to_string);
        self.write(move |state| {
            check_writable(state, name.as_deref().unwrap_or_default())?;
            let config = state.config(name.as_deref()).cloned();
            let config = match (config, &name) {
                (Some(config), _) => config,
                (None, None) => ConfigValue::default(),
                (None, Some(name)) => return Err(RegistryError::subject_not_found(name)),
            };
            let key = Key::Config { subject: name.clone(), magic: 0 };
            Ok(Decision { records: vec![(key.bytes(), None)], answer: config })
        })
        .await
    }

    /// Sets a mode.
    pub(crate) async fn set_mode(
        &self,
        subject: Option<&Subject>,
        mode: &str,
        force: bool,
    ) -> Result<(), WriteError> {
        const MODES: [&str; 4] = ["READWRITE", "READONLY", "READONLY_OVERRIDE", "IMPORT"];
        let mode = mode.to_uppercase();
        if !MODES.contains(&mode.as_str()) {
            let invalid =
                "Invalid mode. Valid values are READWRITE, READONLY, READONLY_OVERRIDE, and IMPORT";
            return Err(RegistryError::new(42204, invalid).into());
        }
        let name = subject.map(Subject::to_string);
        self.write(move |state| {
            let occupied = match &name {
                Some(name) => state.live(name).next().is_some(),
                None => state.subjects().any(|(subject, _)| state.live(subject).next().is_some()),
            };
            if mode == "IMPORT" && occupied && !force {
                return Err(not_permitted("Cannot import since found existing subjects"));
            }
            let key = Key::Mode { subject: name.clone(), magic: 0 };
            let mut more = Map::new();
            if let Some(name) = &name {
                more.insert("subject".to_owned(), name.as_str().into());
            }
            let value = ModeValue { mode, more };
            Ok(Decision { records: vec![(key.bytes(), Some(bytes(&value)))], answer: () })
        })
        .await
    }

    /// Has a subject, or everything, follow what is above it again. Answers the mode it had.
    pub(crate) async fn delete_mode(
        &self,
        subject: Option<&Subject>,
    ) -> Result<String, WriteError> {
        let name = subject.map(Subject::to_string);
        self.write(move |state| {
            let mode = match (state.mode(name.as_deref()), &name) {
                (Some(mode), _) => mode.to_owned(),
                (None, None) => "READWRITE".to_owned(),
                (None, Some(name)) => return Err(RegistryError::subject_not_found(name)),
            };
            let key = Key::Mode { subject: name.clone(), magic: 0 };
            Ok(Decision { records: vec![(key.bytes(), None)], answer: mode })
        })
        .await
    }
}
