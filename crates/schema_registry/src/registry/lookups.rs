//! What reads answer.

use super::{
    Registry,
    understanding::{self, Registration, against, level, normalizes, same, stored, understand},
};
use crate::{
    error::RegistryError,
    record::SchemaValue,
    state::{Body, State},
    subject::Subject,
};
use serde_json::{Value, json};
use std::sync::Arc;

/// A version in a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selector {
    /// The last that is not deleted.
    Latest,
    /// A number.
    Number(u32),
}

impl Selector {
    /// Reads `latest`, `-1` or a number.
    ///
    /// # Errors
    /// 42202.
    pub fn read(text: &str) -> Result<Self, RegistryError> {
        match text {
            "latest" | "-1" => Ok(Self::Latest),
            _ => match text.parse::<u32>() {
                Ok(number @ 1..=0x7fff_ffff) => Ok(Self::Number(number)),
                _ => Err(RegistryError::new(
                    42202,
                    format!(
                        "The specified version '{text}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string \"latest\""
                    ),
                )),
            },
        }
    }
}

/// The number that is meant.
pub(crate) fn number(
    state: &State,
    subject: &str,
    selector: Selector,
    deleted: bool,
) -> Result<u32, RegistryError> {
    let latest = || {
        if deleted { state.versions(subject).next_back() } else { state.live(subject).next_back() }
    };
    match selector {
        Selector::Latest => {
            let latest = latest().ok_or_else(|| RegistryError::version_not_found("latest"))?;
            Ok(latest.0)
        }
        Selector::Number(number) => Ok(number),
    }
}

impl Registry {
    pub(crate) fn find(
        &self,
        subject: &Subject,
        selector: Selector,
        deleted: bool,
    ) -> Result<SchemaValue, RegistryError> {
        let state = self.state()?;
        let name = subject.to_string();
        let known = if deleted {
            state.versions(&name).next().is_some()
        } else {
            state.live(&name).next().is_some()
        };
        if !known {
            return Err(RegistryError::subject_not_found(&name));
        }
        let number = number(&state, &name, selector, deleted)?;
        let version = state.version(&name, number).filter(|version| deleted || !version.deleted);
        let version = version.ok_or_else(|| RegistryError::version_not_found(number))?;
        Ok(version.body.value(&name, number, version.deleted))
    }

    pub(crate) fn body(&self, subject: &Subject, id: u32) -> Result<Arc<Body>, RegistryError> {
        let state = self.state()?;
        let found = state.body(subject.context(), id).or_else(|| {
            // Without a context an id that only a subject's context has is found by the subject's name.
            let name = Some(subject.name()).filter(|name| !name.is_empty())?;
            let contexts = state.contexts();
            let mut contexts = contexts.into_iter().filter(|_| subject.context() == ".");
            contexts.find_map(|context| {
                let body = state.body(context, id)?;
                let uses = state.uses(context, id);
                uses.map(|(used, ..)| Subject::read(used))
                    .any(|used| used.name() == name)
                    .then_some(body)
            })
        });
        found.cloned().ok_or_else(|| RegistryError::new(40403, format!("Schema {id} not found")))
    }

    /// The subjects that have this schema under this id, with their contexts.
    pub(crate) fn users(&self, body: &Arc<Body>, id: u32) -> Result<Vec<String>, RegistryError> {
        let state = self.state()?;
        let is_it =
            |context: &str| state.body(context, id).is_some_and(|found| Arc::ptr_eq(found, body));
        let contexts = state.contexts().into_iter().filter(|context| is_it(context));
        let users = contexts.flat_map(|context| state.uses(context, id));
        Ok(users.map(|(subject, ..)| subject.to_owned()).collect())
    }

    /// A text in the format that was asked for.
    pub(crate) fn formatted(
        &self,
        context: &str,
        body: &Body,
        format: &str,
    ) -> Result<String, RegistryError> {
        if format == "serialized" && body.kind == "PROTOBUF" {
            let state = self.state()?;
            let parsed = stored(&state, context, body)?;
            return Ok(parsed.serialized().unwrap_or_else(|| body.text.clone()));
        }
        Ok(body.text.clone())
    }

    /// The version of a subject that a schema is.
    pub(crate) fn lookup(
        &self,
        subject: &Subject,
        registration: &Registration,
        normalize: bool,
        deleted: bool,
    ) -> Result<SchemaValue, RegistryError> {
        let state = self.state()?;
        let name = subject.to_string();
        let mut versions = state.versions(&name).filter(|(_, version)| deleted || !version.deleted);
        if versions.next().is_none() {
            return Err(RegistryError::subject_not_found(&name));
        }
        let normalize = normalize || normalizes(&state, &name);
        let understood = understand(&state, subject, registration, normalize)?;
        let found = same(&state, subject, &understood, deleted);
        let (version, body) = found.ok_or_else(RegistryError::schema_not_found)?;
        Ok(body.value(&name, version, false))
    }

    /// What stands against a schema: after one version, or after all that count.
    pub(crate) fn check(
        &self,
        subject: &Subject,
        selector: Option<Selector>,
        registration: &Registration,
        normalize: bool,
    ) -> Result<Vec<String>, RegistryError> {
        let state = self.state()?;
        let name = subject.to_string();
        let understood = understand(&state, subject, registration, normalize)?;
        let level = level(&state, &name);
        let live: Vec<_> = state.live(&name).map(|(version, at)| (version, &*at.body)).collect();
        let versions = match selector {
            None => live,
            Some(Selector::Latest) => live.last().copied().into_iter().collect(),
            Some(Selector::Number(number)) => {
                let found = live.into_iter().find(|(version, _)| *version == number);
                vec![found.ok_or_else(|| RegistryError::version_not_found(number))?]
            }
        };
        against(&state, subject, level, &understood.parsed, versions.into_iter())
    }

    pub(crate) fn config_json(
        &self,
        subject: Option<&Subject>,
        default_to_global: bool,
    ) -> Result<Value, RegistryError> {
        let state = self.state()?;
        let name = subject.map(Subject::to_string);
        let own = state.config(name.as_deref());
        let config = match (own, &name) {
            (Some(config), _) => Some(config),
            (None, Some(_)) if default_to_global => state.config(None),
            (None, None) => None,
            (None, Some(name)) => {
                return Err(RegistryError::new(
                    40408,
                    format!(
                        "Subject '{name}' does not have subject-level compatibility configured"
                    ),
                ));
            }
        };
        let mut answer = config.map_or(json!({}), |config| json!(config));
        if let Some(members) = answer.as_object_mut() {
            members.remove("subject");
            if name.is_none() || default_to_global {
                members.entry("compatibilityLevel").or_insert_with(|| "BACKWARD".into());
            }
        }
        Ok(answer)
    }

    pub(crate) fn mode_of(
        &self,
        subject: Option<&Subject>,
        default_to_global: bool,
    ) -> Result<String, RegistryError> {
        let state = self.state()?;
        let Some(name) = subject.map(Subject::to_string) else {
            return Ok(state.mode(None).unwrap_or("READWRITE").to_owned());
        };
        match state.mode(Some(&name)) {
            Some(mode) => Ok(mode.to_owned()),
            None if default_to_global => Ok(understanding::mode(&state, &name).to_owned()),
            None => Err(RegistryError::new(
                40409,
                format!("Subject '{name}' does not have subject-level mode configured"),
            )),
        }
    }
}
