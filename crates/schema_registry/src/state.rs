//! [`State`]: what the records of `_schemas` add up to. Pure: the same records in the same order make the same state.

use crate::{
    record::{ConfigValue, DeleteSubjectValue, Key, ModeValue, SchemaReference, SchemaValue},
    schema::Fingerprint,
    subject::Subject,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

/// Everything that is registered.
#[derive(Debug, Default)]
pub struct State {
    /// Versions by subject, with the context in the name unless it is the default one.
    subjects: BTreeMap<String, BTreeMap<u32, Version>>,
    contexts: BTreeMap<String, Context>,
    configs: HashMap<Option<String>, ConfigValue>,
    modes: HashMap<Option<String>, String>,
}

/// A subject's version.
#[derive(Clone, Debug)]
pub struct Version {
    /// As it is stored; what is the same in several subjects is kept once.
    pub body: Arc<Body>,
    /// Whether it is softly deleted.
    pub deleted: bool,
}

/// A schema, whatever subjects it is registered under.
#[derive(Debug, PartialEq)]
pub struct Body {
    /// Its id within its context.
    pub id: u32,
    /// The text.
    pub text: String,
    /// The format's name.
    pub kind: String,
    /// What it refers to.
    pub references: Vec<SchemaReference>,
    /// Metadata, rules and what else there is.
    pub more: serde_json::Map<String, serde_json::Value>,
}

/// A space of ids.
#[derive(Debug, Default)]
struct Context {
    bodies: BTreeMap<u32, Arc<Body>>,
    /// Subjects and versions that have an id.
    uses: HashMap<u32, BTreeSet<(String, u32)>>,
    by_fingerprint: HashMap<Fingerprint, u32>,
    /// No id above this one was ever given.
    highest_id: u32,
}

/// In the value of a `NOOP` record: ids that are not given again although nothing has them any more.
///
/// Other registries do not look into such values.
#[derive(Debug, Serialize, Deserialize)]
pub struct HighestIds {
    /// By context.
    #[serde(rename = "highestIds")]
    pub highest_ids: BTreeMap<String, u32>,
}

impl Body {
    fn of(value: &SchemaValue) -> Self {
        Self {
            id: value.id,
            text: value.schema.clone(),
            kind: value.kind().to_owned(),
            references: value.references.clone(),
            more: value.more.clone(),
        }
    }

    fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.kind, &self.text, &self.references, &extras(&self.more))
    }

    /// As it is stored under a subject.
    pub fn value(&self, subject: &str, version: u32, deleted: bool) -> SchemaValue {
        SchemaValue {
            subject: subject.to_owned(),
            version,
            id: self.id,
            schema_type: (self.kind != "AVRO").then(|| self.kind.clone()),
            references: self.references.clone(),
            schema: self.text.clone(),
            deleted,
            more: self.more.clone(),
        }
    }
}

/// What belongs to a schema beyond its text and references.
pub fn extras(more: &serde_json::Map<String, serde_json::Value>) -> String {
    let extra = |name: &str| match more.get(name) {
        None | Some(serde_json::Value::Null) => String::new(),
        Some(value) => format!("{name}={value};"),
    };
    extra("metadata") + &extra("ruleSet")
}

impl State {
    /// Takes a record in. What is not understood changes nothing: another registry may know more kinds of records.
    pub fn apply(&mut self, key: &[u8], value: Option<&[u8]>) {
        let Some(key) = Key::read(key) else { return };
        match key {
            Key::Schema { subject, version, .. } => match read::<SchemaValue>(value) {
                Some(value) => self.put_version(&subject, version, &value),
                None if value.is_none() => self.remove_version(&subject, version),
                None => {}
            },
            Key::Config { subject, .. } => match read::<ConfigValue>(value) {
                Some(config) => drop(self.configs.insert(subject, config)),
                None => drop(self.configs.remove(&subject)),
            },
            Key::Mode { subject, .. } => match read::<ModeValue>(value) {
                Some(mode) => drop(self.modes.insert(subject, mode.mode)),
                None => drop(self.modes.remove(&subject)),
            },
            Key::DeleteSubject { subject, .. } => {
                if let Some(deletion) = read::<DeleteSubjectValue>(value) {
                    let versions = self.subjects.get_mut(&subject);
                    for (version, at) in versions.into_iter().flatten() {
                        at.deleted |= *version <= deletion.version;
                    }
                }
            }
            Key::ClearSubject { subject, .. } => {
                if value.is_some() {
                    let versions = self.subjects.get(&subject);
                    let gone: Vec<_> = versions
                        .into_iter()
                        .flatten()
                        .filter(|(_, version)| version.deleted)
                        .map(|(version, _)| *version)
                        .collect();
                    for version in gone {
                        self.remove_version(&subject, version);
                    }
                }
            }
            Key::Noop { .. } => {
                let highest = read::<HighestIds>(value).map(|ids| ids.highest_ids);
                for (context, id) in highest.into_iter().flatten() {
                    let context = self.contexts.entry(context).or_default();
                    context.highest_id = context.highest_id.max(id);
                }
            }
        }
    }

    fn put_version(&mut self, subject: &str, version: u32, value: &SchemaValue) {
        self.remove_version(subject, version);
        let context = self.contexts.entry(Subject::read(subject).context().to_owned()).or_default();
        let body = Body::of(value);
        let body = match context.bodies.get(&value.id) {
            Some(known) if **known == body => Arc::clone(known),
            _ => Arc::new(body),
        };
        context.highest_id = context.highest_id.max(value.id);
        context.by_fingerprint.entry(body.fingerprint()).or_insert(value.id);
        context.bodies.insert(value.id, Arc::clone(&body));
        context.uses.entry(value.id).or_default().insert((subject.to_owned(), version));
        let versions = self.subjects.entry(subject.to_owned()).or_default();
        versions.insert(version, Version { body, deleted: value.deleted });
    }

    fn remove_version(&mut self, subject: &str, version: u32) {
        let Some(versions) = self.subjects.get_mut(subject) else { return };
        let Some(removed) = versions.remove(&version) else { return };
        if versions.is_empty() {
            self.subjects.remove(subject);
        }
        let name = Subject::read(subject);
        let Some(context) = self.contexts.get_mut(name.context()) else { return };
        let id = removed.body.id;
        let Some(uses) = context.uses.get_mut(&id) else { return };
        uses.remove(&(subject.to_owned(), version));
        if uses.is_empty() {
            context.uses.remove(&id);
            context.bodies.remove(&id);
            let fingerprint = removed.body.fingerprint();
            if context.by_fingerprint.get(&fingerprint) == Some(&id) {
                context.by_fingerprint.remove(&fingerprint);
            }
        }
    }

    /// A subject's versions, deleted ones among them.
    pub fn versions(&self, subject: &str) -> impl DoubleEndedIterator<Item = (u32, &Version)> {
        self.subjects.get(subject).into_iter().flatten().map(|(number, version)| (*number, version))
    }

    /// A subject's versions that are not deleted.
    pub fn live(&self, subject: &str) -> impl DoubleEndedIterator<Item = (u32, &Version)> {
        self.versions(subject).filter(|(_, version)| !version.deleted)
    }

    /// One version, deleted or not.
    pub fn version(&self, subject: &str, version: u32) -> Option<&Version> {
        self.subjects.get(subject)?.get(&version)
    }

    /// The number of the next version.
    pub fn next_version(&self, subject: &str) -> u32 {
        self.versions(subject).next_back().map_or(1, |(version, _)| version + 1)
    }

    /// Every subject with its versions, deleted ones among them.
    pub fn subjects(&self) -> impl Iterator<Item = (&str, &BTreeMap<u32, Version>)> {
        self.subjects.iter().map(|(subject, versions)| (subject.as_str(), versions))
    }

    /// The names of contexts that have schemas; the default one is always there.
    pub fn contexts(&self) -> BTreeSet<&str> {
        let used = self.contexts.iter().filter(|(_, context)| !context.bodies.is_empty());
        used.map(|(name, _)| name.as_str()).chain(["."]).collect()
    }

    /// A schema by its id within a context.
    pub fn body(&self, context: &str, id: u32) -> Option<&Arc<Body>> {
        self.contexts.get(context)?.bodies.get(&id)
    }

    /// Which subjects and versions have an id.
    pub fn uses(&self, context: &str, id: u32) -> impl Iterator<Item = (&str, u32, bool)> {
        let uses = self.contexts.get(context).and_then(|context| context.uses.get(&id));
        uses.into_iter().flatten().map(|(subject, version)| {
            let deleted = self.version(subject, *version).is_some_and(|version| version.deleted);
            (subject.as_str(), *version, deleted)
        })
    }

    /// The id that a schema has already.
    pub fn id_of(&self, context: &str, fingerprint: Fingerprint) -> Option<u32> {
        self.contexts.get(context)?.by_fingerprint.get(&fingerprint).copied()
    }

    /// An id that nothing had before.
    pub fn next_id(&self, context: &str) -> u32 {
        self.highest_id(context) + 1
    }

    /// The highest id that was ever given.
    pub fn highest_id(&self, context: &str) -> u32 {
        self.contexts.get(context).map_or(0, |context| context.highest_id)
    }

    /// The highest ids of all contexts, to be written before what has them is removed for good.
    pub fn highest_ids(&self) -> HighestIds {
        let ids = self.contexts.iter().map(|(name, context)| (name.clone(), context.highest_id));
        HighestIds { highest_ids: ids.collect() }
    }

    /// Ids of schemas that refer to a version and are not deleted themselves.
    pub fn referenced_by(&self, subject: &str, version: u32) -> BTreeSet<u32> {
        let of = Subject::read(subject);
        let refers = |name: &str, body: &Body| {
            body.references.iter().any(|reference| {
                i64::from(reference.version) == i64::from(version)
                    && Subject::within(&reference.subject, Subject::read(name).context()) == of
            })
        };
        let mut found = BTreeSet::new();
        for (name, versions) in &self.subjects {
            for version in versions.values().filter(|version| !version.deleted) {
                if !version.body.references.is_empty() && refers(name, &version.body) {
                    found.insert(version.body.id);
                }
            }
        }
        found
    }

    /// What a subject is configured to; `None` for everything's own.
    pub fn config(&self, subject: Option<&str>) -> Option<&ConfigValue> {
        self.configs.get(&subject.map(str::to_owned))
    }

    /// A subject's mode; `None` for everything's own.
    pub fn mode(&self, subject: Option<&str>) -> Option<&str> {
        self.modes.get(&subject.map(str::to_owned)).map(String::as_str)
    }
}

fn read<T: for<'de> Deserialize<'de>>(value: Option<&[u8]>) -> Option<T> {
    serde_json::from_slice(value?).ok()
}
