//! Manifests' rests that nothing refers to any more: replaced by a later fold, of deleted topics, or of a fold that failed.
//!
//! Only what ended sessions wrote is looked at: none of their transactions can succeed any more, and nobody else ever refers to an object
//! that no manifest names.

use crate::{engine::Engine, object_names};
use formats::metadata::{Manifest, Session};
use metadata::{Entry, families};
use model::SessionId;
use std::collections::{BTreeSet, HashSet};
use storage::ObjectName;

/// Remembers what it answered.
#[derive(Debug, Default)]
pub(super) struct Rests {
    noted: HashSet<ObjectName>,
}

impl Rests {
    /// Objects to delete that no earlier call answered.
    ///
    /// # Errors
    /// A sentence, when metadata or the object store did not answer.
    pub(super) async fn unreferenced(
        &mut self,
        engine: &Engine,
    ) -> Result<Vec<ObjectName>, String> {
        // In this order: whoever wrote what is listed was registered before, so a writer that does not last now has ended. All that it
        // ever put into metadata is seen after that.
        let prefix = format!("{}/", object_names::MANIFEST_RESTS);
        let listed = engine.parts.objects.list(&prefix).await.map_err(|error| error.to_string())?;
        let lasting = lasting_sessions(engine).await?;
        let referenced = referenced(engine).await?;
        let listed: BTreeSet<_> = listed.into_iter().map(|it| it.name).collect();
        self.noted.retain(|noted| listed.contains(noted));
        let unreferenced = listed.into_iter().filter(|object| {
            let writer = object_names::session_of_manifest_rests(object);
            writer.is_some_and(|writer| !lasting.contains(&writer))
                && !referenced.contains(object.as_str())
                && !self.noted.contains(object)
        });
        Ok(unreferenced.collect())
    }

    /// Notes that these are on their way out.
    pub(super) fn note(&mut self, objects: Vec<ObjectName>) {
        self.noted.extend(objects);
    }
}

/// The sessions that last now.
pub(super) async fn lasting_sessions(engine: &Engine) -> Result<HashSet<SessionId>, String> {
    let entries = super::range(engine, engine.parts.keys.sessions()).await;
    let id = |entry: &Entry| {
        let session: Session = families::decode(entry).map_err(|error| error.to_string())?;
        SessionId::from_slice(&session.id).ok_or_else(|| "a session has no id".to_owned())
    };
    entries.map_err(|error| error.to_string())?.iter().map(id).collect()
}

async fn referenced(engine: &Engine) -> Result<HashSet<String>, String> {
    let entries = super::range(engine, engine.parts.keys.manifests()).await;
    let mut referenced = HashSet::new();
    for entry in entries.map_err(|error| error.to_string())? {
        let manifest: Manifest = families::decode(&entry).map_err(|error| error.to_string())?;
        referenced.extend(manifest.rest.map(|rest| rest.object));
    }
    Ok(referenced)
}
