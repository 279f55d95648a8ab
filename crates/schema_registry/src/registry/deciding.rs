//! What registrations and deletions decide: from the state to the records that change it.

use super::{
    Decision, Record, Registry, WriteError, lookups,
    understanding::{Registration, Understood, against, level, mode, normalizes, same, understand},
};
use crate::{
    error::RegistryError,
    record::{DeleteSubjectValue, Key, SchemaValue},
    schema::{Fingerprint, SchemaType},
    state::{State, extras},
    subject::Subject,
};
use serde::Serialize;

impl Registry {
    /// Registers a schema: the id it has already, or a new one.
    pub(crate) async fn register(
        &self,
        subject: &Subject,
        registration: &Registration,
        normalize: bool,
    ) -> Result<SchemaValue, WriteError> {
        // What is there already is answered without a turn: that is what serializers ask all the time.
        if registration.id.is_none() {
            let (registry, subject) = (self.clone(), subject.clone());
            let registration = registration.clone();
            let known = tokio::task::spawn_blocking(move || {
                registry.known(&subject, &registration, normalize)
            });
            let known =
                known.await.unwrap_or_else(|error| Err(RegistryError::new(500, error.to_string())));
            if let Some(known) = known? {
                return Ok(known);
            }
        }
        let (subject, registration) = (subject.clone(), registration.clone());
        self.write(move |state| decide_registration(state, &subject, &registration, normalize))
            .await
    }

    /// The version that a schema is already, where registering it changes nothing.
    fn known(
        &self,
        subject: &Subject,
        registration: &Registration,
        normalize: bool,
    ) -> Result<Option<SchemaValue>, RegistryError> {
        let state = self.state()?;
        let name = subject.to_string();
        if mode(&state, &name) != "READWRITE" {
            return Ok(None);
        }
        let normalize = normalize || normalizes(&state, &name);
        // What it refers to may be known to the broker that orders writes, and not here yet.
        let Ok(understood) = understand(&state, subject, registration, normalize) else {
            return Ok(None);
        };
        let same = same(&state, subject, &understood, false);
        Ok(same.map(|(version, body)| body.value(&name, version, false)))
    }

    /// Deletes a version: softly, or for good what is softly deleted.
    pub(crate) async fn delete_version(
        &self,
        subject: &Subject,
        selector: lookups::Selector,
        permanent: bool,
    ) -> Result<u32, WriteError> {
        let name = subject.to_string();
        self.write(move |state| {
            check_writable(state, &name)?;
            if state.versions(&name).next().is_none() {
                return Err(RegistryError::subject_not_found(&name));
            }
            let version = lookups::number(state, &name, selector, permanent)?;
            let at = state.version(&name, version).ok_or_else(|| RegistryError::version_not_found(version))?;
            check_unreferenced(state, &name, version)?;
            let key = Key::Schema { subject: name.clone(), version, magic: 1 };
            let records = match (permanent, at.deleted) {
                (false, false) => vec![(key.bytes(), Some(bytes(&at.body.value(&name, version, true))))],
                (false, true) => {
                    return Err(RegistryError::new(40406, format!("Subject '{name}' Version {version} was soft deleted. Set permanent=true to delete permanently")));
                }
                (true, true) => vec![kept_ids(state), (key.bytes(), None)],
                (true, false) => {
                    return Err(RegistryError::new(40407, format!("Subject '{name}' Version {version} was not deleted first before being permanently deleted")));
                }
            };
            Ok(Decision { records, answer: version })
        })
        .await
    }

    /// Deletes a subject: softly, or for good what is softly deleted.
    pub(crate) async fn delete_subject(
        &self,
        subject: &Subject,
        permanent: bool,
    ) -> Result<Vec<u32>, WriteError> {
        let name = subject.to_string();
        self.write(move |state| {
            check_writable(state, &name)?;
            let all: Vec<_> = state.versions(&name).map(|(version, _)| version).collect();
            let live: Vec<_> = state.live(&name).map(|(version, _)| version).collect();
            let Some(last) = all.last() else { return Err(RegistryError::subject_not_found(&name)) };
            let deleted = if permanent { &all } else { &live };
            for version in deleted {
                check_unreferenced(state, &name, *version)?;
            }
            let records = match (permanent, live.is_empty()) {
                (false, false) => {
                    let key = Key::DeleteSubject { subject: name.clone(), magic: 0 };
                    let value = DeleteSubjectValue { subject: name.clone(), version: *last };
                    let mut records = vec![(key.bytes(), Some(bytes(&value)))];
                    records.extend(own_settings(state, &name));
                    records
                }
                (false, true) => {
                    return Err(RegistryError::new(40404, format!("Subject '{name}' was soft deleted. Set permanent=true to delete permanently")));
                }
                (true, true) => {
                    let mut records = vec![kept_ids(state)];
                    records.extend(all.iter().map(|version| {
                        let key = Key::Schema { subject: name.clone(), version: *version, magic: 1 };
                        (key.bytes(), None)
                    }));
                    let key = Key::DeleteSubject { subject: name.clone(), magic: 0 };
                    records.push((key.bytes(), None));
                    records.extend(own_settings(state, &name));
                    records
                }
                (true, false) => {
                    return Err(RegistryError::new(40405, format!("Subject '{name}' was not deleted first before being permanently deleted")));
                }
            };
            Ok(Decision { records, answer: deleted.clone() })
        })
        .await
    }
}

fn decide_registration(
    state: &State,
    subject: &Subject,
    registration: &Registration,
    normalize: bool,
) -> Result<Decision<SchemaValue>, RegistryError> {
    let name = subject.to_string();
    let normalize = normalize || normalizes(state, &name);
    let importing = mode(state, &name) == "IMPORT";
    check_writable(state, &name)?;
    let id = registration.id.filter(|id| *id >= 0);
    if id.is_some() != importing {
        let is = if importing { "is in import mode: give an id" } else { "is not in import mode" };
        return Err(not_permitted(&format!("Subject {name} {is}")));
    }
    let understood = understand(state, subject, registration, normalize)?;
    if !importing {
        if let Some((version, body)) = same(state, subject, &understood, false) {
            return Ok(Decision { records: Vec::new(), answer: body.value(&name, version, false) });
        }
        let versions = state.live(&name).map(|(version, at)| (version, &*at.body));
        let level = level(state, &name);
        let found = against(state, subject, level, &understood.parsed, versions)?;
        if !found.is_empty() {
            let all = found.join(", ");
            return Err(RegistryError::new(
                409,
                format!(
                    "Schema being registered is incompatible with an earlier schema for subject \"{name}\", details: [{all}]"
                ),
            ));
        }
    }
    let version = match registration.version.filter(|version| *version > 0) {
        None => state.next_version(&name),
        Some(version) if importing || version == i64::from(state.next_version(&name)) => {
            u32::try_from(version).map_err(|_| RegistryError::version_not_found(version))?
        }
        Some(version) => {
            let next = state.next_version(&name);
            return Err(RegistryError::new(
                42201,
                format!("Invalid schema: version {version} is not {next}, which comes next"),
            ));
        }
    };
    let id = match id {
        Some(id) => imported_id(state, subject, &understood, id)?,
        // A soft deletion is no reason for another id, and neither is another way of writing.
        None => state
            .id_of(subject.context(), understood.fingerprint)
            .or_else(|| same(state, subject, &understood, true).map(|(_, body)| body.id))
            .unwrap_or_else(|| state.next_id(subject.context())),
    };
    let text = match state.body(subject.context(), id) {
        Some(body) => body.text.clone(),
        None => understood.text,
    };
    let kind = understood.parsed.kind();
    let value = SchemaValue {
        subject: name.clone(),
        version,
        id,
        schema_type: (kind != SchemaType::Avro).then(|| kind.name().to_owned()),
        references: understood.references,
        schema: text,
        deleted: false,
        more: understood.more,
    };
    let key = Key::Schema { subject: name, version, magic: 1 };
    Ok(Decision { records: vec![(key.bytes(), Some(bytes(&value)))], answer: value })
}

/// An id that a client brings along belongs to the same schema, or to none yet.
fn imported_id(
    state: &State,
    subject: &Subject,
    understood: &Understood,
    id: i64,
) -> Result<u32, RegistryError> {
    let taken = || not_permitted(&format!("Overwrite new schema with id {id} is not permitted."));
    let id = u32::try_from(id).map_err(|_| taken())?;
    match state.body(subject.context(), id) {
        None => Ok(id),
        Some(body) => {
            let extras = extras(&body.more);
            let known = Fingerprint::of(&body.kind, &body.text, &body.references, &extras);
            if known == understood.fingerprint { Ok(id) } else { Err(taken()) }
        }
    }
}

pub(super) fn check_writable(state: &State, subject: &str) -> Result<(), RegistryError> {
    if mode(state, subject).starts_with("READONLY") {
        return Err(not_permitted(&format!("Subject {subject} is in read-only mode")));
    }
    Ok(())
}

fn check_unreferenced(state: &State, subject: &str, version: u32) -> Result<(), RegistryError> {
    if state.referenced_by(subject, version).is_empty() {
        return Ok(());
    }
    let what = format!("{{magic=1,keytype=SCHEMA,subject={subject},version={version}}}");
    Err(RegistryError::new(42206, format!("One or more references exist to the schema {what}.")))
}

pub(super) fn not_permitted(why: &str) -> RegistryError {
    RegistryError::new(42205, why)
}

/// Ids stay taken although the last that had them goes.
fn kept_ids(state: &State) -> Record {
    (Key::Noop { magic: 0 }.bytes(), Some(bytes(&state.highest_ids())))
}

/// A subject's own configuration and mode go with it.
fn own_settings(state: &State, subject: &str) -> Vec<Record> {
    let named = Some(subject.to_owned());
    let config =
        state.config(Some(subject)).map(|_| Key::Config { subject: named.clone(), magic: 0 });
    let mode = state.mode(Some(subject)).map(|_| Key::Mode { subject: named.clone(), magic: 0 });
    config.into_iter().chain(mode).map(|key| (key.bytes(), None)).collect()
}

pub(super) fn bytes(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
