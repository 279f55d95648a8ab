//! Schemas as clients send them, read against what is registered.

use crate::{
    compatibility::{self, Difference, Level},
    error::RegistryError,
    record::{ConfigValue, SchemaReference},
    schema::{Fingerprint, Parsed, Referenced, SchemaType},
    state::{Body, State, extras},
    subject::Subject,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A schema as a client sends it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Registration {
    /// The text.
    #[serde(default)]
    pub schema: String,
    /// The format's name; Avro without one.
    #[serde(rename = "schemaType", default)]
    pub schema_type: Option<String>,
    /// What the schema refers to.
    #[serde(default)]
    pub references: Option<Vec<SchemaReference>>,
    /// The id to take, in import mode.
    #[serde(default)]
    pub id: Option<i64>,
    /// The version to take, in import mode; the next one, if it is given otherwise.
    #[serde(default)]
    pub version: Option<i64>,
    /// Metadata, rules.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// References that references have, and so on.
const MAX_DEPTH: usize = 32;
const MAX_REFERENCES: usize = 256;

/// A registration that was understood.
#[derive(Debug)]
pub(crate) struct Understood {
    pub(crate) parsed: Parsed,
    pub(crate) text: String,
    /// Whether the text is normalized.
    normalized: bool,
    pub(crate) references: Vec<SchemaReference>,
    pub(crate) more: Map<String, Value>,
    pub(crate) fingerprint: Fingerprint,
}

/// Reads a registration against what is registered.
pub(crate) fn understand(
    state: &State,
    subject: &Subject,
    registration: &Registration,
    normalize: bool,
) -> Result<Understood, RegistryError> {
    let name =
        registration.schema_type.as_deref().filter(|name| !name.is_empty()).unwrap_or("AVRO");
    let kind = SchemaType::from_name(name).ok_or_else(|| {
        RegistryError::invalid_schema(format!("there is no schema type {name:?}"))
    })?;
    if registration.schema.trim().is_empty() {
        return Err(RegistryError::invalid_schema("the schema is empty"));
    }
    let mut references = registration.references.clone().unwrap_or_default();
    for reference in &mut references {
        if reference.version == -1 {
            let of = Subject::within(&reference.subject, subject.context()).to_string();
            let latest = state.live(&of).next_back().map(|(version, _)| version);
            let latest = latest.ok_or_else(|| missing(reference))?;
            reference.version = i32::try_from(latest).unwrap_or(i32::MAX);
        }
    }
    let texts = resolve(state, subject.context(), &references)?;
    let parsed =
        Parsed::read(kind, &registration.schema, &texts).map_err(RegistryError::invalid_schema)?;
    let text = if normalize { parsed.normalized() } else { parsed.canonical() };
    let mut more = registration.more.clone();
    more.retain(|name, value| ["metadata", "ruleSet"].contains(&name.as_str()) && !value.is_null());
    let fingerprint = Fingerprint::of(kind.name(), &text, &references, &extras(&more));
    Ok(Understood { parsed, text, normalized: normalize, references, more, fingerprint })
}

fn missing(reference: &SchemaReference) -> RegistryError {
    let SchemaReference { subject, version, name } = reference;
    RegistryError::invalid_schema(format!(
        "the reference {name} leads to subject {subject}, version {version}, which is not there"
    ))
}

/// The texts that references lead to, each after those it leads to itself.
fn resolve(
    state: &State,
    context: &str,
    references: &[SchemaReference],
) -> Result<Vec<Referenced>, RegistryError> {
    let mut found = Vec::new();
    collect(state, context, references, 0, &mut found)?;
    Ok(found)
}

fn collect(
    state: &State,
    context: &str,
    references: &[SchemaReference],
    depth: usize,
    found: &mut Vec<Referenced>,
) -> Result<(), RegistryError> {
    for reference in references {
        if found.iter().any(|known| known.name == reference.name) {
            continue;
        }
        if depth >= MAX_DEPTH || found.len() >= MAX_REFERENCES {
            return Err(RegistryError::invalid_schema("the references lead too far"));
        }
        let subject = Subject::within(&reference.subject, context);
        let version = u32::try_from(reference.version).ok();
        let version = version.and_then(|version| state.version(&subject.to_string(), version));
        let body = &version.ok_or_else(|| missing(reference))?.body;
        collect(state, subject.context(), &body.references, depth + 1, found)?;
        found.push(Referenced { name: reference.name.clone(), text: body.text.clone() });
    }
    Ok(())
}

/// Reads what is stored.
pub(crate) fn stored(state: &State, context: &str, body: &Body) -> Result<Parsed, RegistryError> {
    let kind = SchemaType::from_name(&body.kind).ok_or_else(|| {
        RegistryError::new(42201, format!("schema {} is of an unknown type", body.id))
    })?;
    let texts = resolve(state, context, &body.references)?;
    Parsed::read(kind, &body.text, &texts).map_err(RegistryError::invalid_schema)
}

/// What is in force for a subject.
pub(crate) fn level(state: &State, subject: &str) -> Level {
    let named = |config: &ConfigValue| Level::from_name(config.compatibility_level.as_deref()?);
    let own = state.config(Some(subject)).and_then(named);
    own.or_else(|| state.config(None).and_then(named)).unwrap_or_default()
}

pub(crate) fn normalizes(state: &State, subject: &str) -> bool {
    let own = state.config(Some(subject)).and_then(|config| config.normalize);
    own.or_else(|| state.config(None).and_then(|config| config.normalize)).unwrap_or(false)
}

pub(crate) fn mode<'a>(state: &'a State, subject: &str) -> &'a str {
    // A read-only registry has no subjects that may be written to.
    match (state.mode(None), state.mode(Some(subject))) {
        (Some(all @ "READONLY_OVERRIDE"), _) => all,
        (_, Some(own)) => own,
        (all, None) => all.unwrap_or("READWRITE"),
    }
}

/// What stands against a schema after versions.
pub(crate) fn against<'a>(
    state: &State,
    subject: &Subject,
    level: Level,
    new: &Parsed,
    versions: impl Iterator<Item = (u32, &'a Body)>,
) -> Result<Vec<String>, RegistryError> {
    if level == Level::None {
        return Ok(Vec::new());
    }
    let versions: Vec<_> = versions.collect();
    let skipped = if level.is_transitive() { 0 } else { versions.len().saturating_sub(1) };
    // From the latest on: the first that speaks against it is what people want to see.
    for (version, body) in versions.into_iter().skip(skipped).rev() {
        let old = stored(state, subject.context(), body)?;
        let found = compatibility::check(level, new, std::slice::from_ref(&old));
        if !found.is_empty() {
            let mut messages: Vec<String> = found.iter().map(Difference::to_string).collect();
            messages.push(format!("{{oldSchemaVersion: {version}}}"));
            messages.push(format!("{{oldSchema: '{}'}}", body.text));
            messages.push(format!("{{compatibility: '{}'}}", level.name()));
            return Ok(messages);
        }
    }
    Ok(Vec::new())
}

/// A version of this subject that is the same schema, however it is written.
pub(crate) fn same<'a>(
    state: &'a State,
    subject: &Subject,
    understood: &Understood,
    deleted: bool,
) -> Option<(u32, &'a Body)> {
    let name = subject.to_string();
    let candidates =
        || state.versions(&name).filter(|(_, version)| deleted || !version.deleted).rev();
    let by_text = candidates().find(|(_, version)| {
        let body = &version.body;
        let extras = extras(&body.more);
        Fingerprint::of(&body.kind, &body.text, &body.references, &extras) == understood.fingerprint
    });
    // Another registry may have written the same schema in other words.
    let by_meaning = || {
        candidates().take(64).find(|(_, version)| {
            let body = &version.body;
            body.kind == understood.parsed.kind().name()
                && body.references == understood.references
                && extras(&body.more) == extras(&understood.more)
                && stored(state, subject.context(), body).is_ok_and(|parsed| {
                    parsed.canonical() == understood.parsed.canonical()
                        || understood.normalized && parsed.normalized() == understood.text
                })
        })
    };
    by_text.or_else(by_meaning).map(|(version, at)| (version, &*at.body))
}
