//! Objects of one partition alone (its segments, its manifest's rest) that nothing names any more: replaced, below the log start, of
//! deleted topics, or of an attempt that failed.
//!
//! The owner of a partition judges by what it serves: nobody else names such an object, and whoever owned the partition before can't
//! any more. The transaction that notes them compares owner record and manifest with those judged by.

use super::{notes, settle};
use crate::{
    engine::Engine, object_names, partition::Shared, pipeline::ActiveSession, sequencer::Phase,
};
use metadata::{Compare, Transaction};
use model::{PartitionId, TopicId};
use std::collections::{BTreeMap, HashSet};
use storage::ObjectName;

/// Remembers what is on its way out.
#[derive(Debug, Default)]
pub(super) struct PartitionObjects {
    noted: HashSet<ObjectName>,
}

impl PartitionObjects {
    /// Notes what nothing names; answers the topics that have objects left.
    ///
    /// # Errors
    /// A sentence, when metadata or the object store did not answer.
    pub(super) async fn sort_out(
        &mut self,
        engine: &Engine,
        session: &ActiveSession,
        deleted: &HashSet<TopicId>,
    ) -> Result<Vec<TopicId>, String> {
        let prefix = format!("{}/", object_names::PARTITIONS);
        let listed = engine.parts.objects.list(&prefix).await.map_err(|error| error.to_string())?;
        let listed: HashSet<_> = listed.into_iter().map(|it| it.name).collect();
        self.noted.retain(|noted| listed.contains(noted));
        let mut by_partition: BTreeMap<PartitionId, Vec<ObjectName>> = BTreeMap::new();
        for object in listed.into_iter().filter(|object| !self.noted.contains(object)) {
            if let Some(partition) = object_names::partition_of(&object) {
                by_partition.entry(partition).or_default().push(object);
            }
        }
        let mut left = Vec::new();
        for (id, objects) in by_partition {
            if deleted.contains(&id.topic) {
                self.note(engine, objects, vec![session_lives(engine, session)]).await?;
            } else {
                left.push(id.topic);
                self.sort_out_owned(engine, session, id, objects).await?;
            }
        }
        Ok(left)
    }

    async fn sort_out_owned(
        &mut self,
        engine: &Engine,
        session: &ActiveSession,
        id: PartitionId,
        objects: Vec<ObjectName>,
    ) -> Result<(), String> {
        let Some(partition) = engine.partition(id) else { return Ok(()) };
        // What is being stored now is named later.
        let Ok(_gate) = partition.upkeep_gate.try_lock() else { return Ok(()) };
        let Some(judged) = Judged::by(engine, session, &partition) else { return Ok(()) };
        let unnamed = |object: &ObjectName| !judged.named.contains(object.as_str());
        let unnamed: Vec<_> = objects.into_iter().filter(unnamed).collect();
        self.note(engine, unnamed, judged.compares).await
    }

    async fn note(
        &mut self,
        engine: &Engine,
        objects: Vec<ObjectName>,
        compares: Vec<Compare>,
    ) -> Result<(), String> {
        for objects in objects.chunks(super::OBJECTS_PER_NOTE) {
            let names: Vec<_> = objects.iter().map(ObjectName::to_string).collect();
            let then = notes(engine, &names);
            let compares = compares.clone();
            if settle(engine, Transaction { compares, then, otherwise: vec![] }).await? {
                self.noted.extend(objects.iter().cloned());
            }
        }
        Ok(())
    }
}

fn session_lives(engine: &Engine, session: &ActiveSession) -> Compare {
    let key = engine.parts.keys.session(session.stamp.broker);
    Compare::CreateRevision(key, session.stamp.create_revision)
}

/// What a partition's objects are judged by.
struct Judged {
    named: HashSet<String>,
    compares: Vec<Compare>,
}

impl Judged {
    fn by(engine: &Engine, session: &ActiveSession, partition: &Shared) -> Option<Self> {
        let keys = &engine.parts.keys;
        let sequencer = partition.sequencer.lock();
        let ours = sequencer.ownership.session.id == session.stamp.id;
        if !ours || sequencer.phase != Phase::Serving {
            return None;
        }
        let log = &sequencer.log;
        let mut named: HashSet<_> =
            log.index.entries().map(|entry| entry.object().to_string()).collect();
        named.extend(log.manifest.rest.iter().map(|rest| rest.object.clone()));
        let owner = keys.owner(partition.id);
        let manifest = keys.manifest(partition.id);
        let compares = vec![
            session_lives(engine, session),
            Compare::ModRevision(owner, sequencer.ownership.owner_revision),
            Compare::ModRevision(manifest, log.manifest_revision),
        ];
        Some(Self { named, compares })
    }
}
