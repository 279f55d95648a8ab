//! [`Inventory`]: which partitions each commit and index holds. The session that lives knows of its own; objects of others are read
//! once, as they never change, and remembered while they are listed.

use super::{liveness::Held, remembered::Remembered};
use crate::{engine::Engine, pipeline::ActiveSession};
use bytes::Bytes;
use formats::{
    index_object::{Directory, HEADER_BYTES, IndexedSlice, decode_directory, decode_partition},
    metadata::{Commit, Index},
    segment::Footer,
};
use metadata::{Entry, RangeQuery, Revision, families};
use model::SessionId;
use std::{
    collections::{BTreeSet, HashSet},
    ops::Range,
    sync::Arc,
};
use storage::ObjectName;

/// A commit or an index in metadata.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) key: Bytes,
    pub(super) revision: Revision,
    pub(super) object: ObjectName,
    pub(super) held: Arc<Vec<Held>>,
    /// What metadata says of it, when it is an index.
    pub(super) index: Option<Index>,
}

/// What was read of objects that were listed lately.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    read: Remembered<Arc<Vec<Held>>>,
    /// Sessions that have ended and of which nothing is left.
    empty: HashSet<SessionId>,
}

impl Inventory {
    /// Lists what a session has in metadata; `own` is the one that still commits.
    pub(super) async fn list(
        &mut self,
        engine: &Engine,
        own: &ActiveSession,
        session: SessionId,
    ) -> Result<Vec<Listed>, String> {
        let keys = &engine.parts.keys;
        let mut listed = Vec::new();
        if self.empty.contains(&session) {
            return Ok(listed);
        }
        for entry in range(engine, keys.commits(session)).await? {
            listed.push(self.commit(engine, own, entry).await?);
        }
        for entry in range(engine, keys.indexes(session)).await? {
            listed.push(self.index(engine, own, entry).await?);
        }
        if listed.is_empty() && session != own.stamp.id {
            self.empty.insert(session);
        }
        Ok(listed)
    }

    /// Ends a pass that listed all sessions, of which `ended` are over: what it did not meet is forgotten.
    pub(super) fn end_pass(&mut self, ended: impl Fn(&SessionId) -> bool) {
        self.read.end_pass();
        self.empty.retain(ended);
    }

    async fn commit(
        &mut self,
        engine: &Engine,
        own: &ActiveSession,
        entry: Entry,
    ) -> Result<Listed, String> {
        let commit: Commit = families::decode(&entry).map_err(|error| error.to_string())?;
        let object = ObjectName::new(&commit.object).map_err(|error| error.to_string())?;
        let known = own.commits.lock().footer_of(&object);
        let held = if let Some(footer) = known {
            Arc::new(held_by_footer(&footer))
        } else if let Some(held) = self.read.get(&object) {
            held
        } else {
            let bytes = if commit.footer.is_empty() {
                let end = commit.footer_offset.saturating_add(commit.footer_length);
                get(engine, &object, commit.footer_offset..end).await?
            } else {
                commit.footer
            };
            let footer = Footer::decode(&bytes).map_err(|error| error.to_string())?;
            self.remember(&object, held_by_footer(&footer))
        };
        Ok(Listed { key: entry.key, revision: entry.mod_revision, object, held, index: None })
    }

    async fn index(
        &mut self,
        engine: &Engine,
        own: &ActiveSession,
        entry: Entry,
    ) -> Result<Listed, String> {
        let index: Index = families::decode(&entry).map_err(|error| error.to_string())?;
        let object = ObjectName::new(&index.object).map_err(|error| error.to_string())?;
        let known = own.commits.lock().directory_of(&object);
        let held = if let Some(directory) = known {
            Arc::new(held_by_index(&directory))
        } else if let Some(held) = self.read.get(&object) {
            held
        } else {
            let bytes = get(engine, &object, directory_range(&index)).await?;
            let rows = decode_directory(&bytes).map_err(|error| error.to_string())?;
            self.remember(&object, held_by_index(&rows))
        };
        let index = Some(index);
        Ok(Listed { key: entry.key, revision: entry.mod_revision, object, held, index })
    }

    fn remember(&mut self, object: &ObjectName, held: Vec<Held>) -> Arc<Vec<Held>> {
        let held = Arc::new(held);
        self.read.insert(object.clone(), Arc::clone(&held));
        held
    }
}

fn held_by_footer(footer: &Footer) -> Vec<Held> {
    let held = footer.slices.iter().map(|slice| Held {
        partition: slice.partition,
        base_offset: slice.base_offset,
        end_offset: slice.end_offset,
        bytes: slice.size_bytes(),
        max_timestamp: slice.max_timestamp,
    });
    held.collect()
}

fn held_by_index(directory: &Directory) -> Vec<Held> {
    let held = directory.entries.iter().map(|row| Held {
        partition: row.partition,
        base_offset: row.base_offset,
        end_offset: row.end_offset,
        bytes: row.size_bytes,
        max_timestamp: row.max_timestamp,
    });
    held.collect()
}

/// The objects that go when `listed` does: the segment, or all segments that the index object names and, last, itself.
pub(super) async fn objects_of(engine: &Engine, listed: &Listed) -> Result<Vec<String>, String> {
    let mut objects = BTreeSet::new();
    if let Some(index) = &listed.index {
        each_slice(engine, &listed.object, index, |it| {
            objects.insert(it.object);
        })
        .await?;
    }
    Ok(objects.into_iter().chain([listed.object.to_string()]).collect())
}

/// Reads an index object, and tells of each slice that it lists.
pub(super) async fn each_slice(
    engine: &Engine,
    object: &ObjectName,
    index: &Index,
    mut tell: impl FnMut(IndexedSlice),
) -> Result<(), String> {
    let directory = directory_range(index);
    let bytes = get(engine, object, 0..directory.end).await?;
    let at = |range: Range<u64>| {
        bytes.get(range.start as usize..range.end as usize).ok_or("a directory is damaged")
    };
    let rows = decode_directory(at(directory)?).map_err(|error| error.to_string())?;
    for row in rows.entries.iter().filter(|row| row.bytes.start >= HEADER_BYTES as u64) {
        let run = decode_partition(at(row.bytes.clone())?).map_err(|error| error.to_string())?;
        run.into_iter().for_each(&mut tell);
    }
    Ok(())
}

fn directory_range(index: &Index) -> Range<u64> {
    index.directory_offset..index.directory_offset.saturating_add(index.directory_length)
}

async fn range(engine: &Engine, prefix: Bytes) -> Result<Vec<Entry>, String> {
    let range = engine.parts.metadata.range(RangeQuery::prefix(prefix)).await;
    Ok(range.map_err(|error| error.to_string())?.entries)
}

async fn get(engine: &Engine, object: &ObjectName, range: Range<u64>) -> Result<Bytes, String> {
    engine.parts.objects.get_range(object, range).await.map_err(|error| error.to_string())
}
