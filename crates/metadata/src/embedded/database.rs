//! [`Database`]: what the embedded store keeps on disk, in one redb file.
//!
//! Three tables (`docs/formats/metadata.md`): `versions` (revision, key) → (deleted, create revision, version, lease,
//! value); `leases` id → milliseconds; `state` name → number. A commit is atomic and synced. redb locks the file.

use crate::{
    Entry, Event, EventKind, Lease, MetadataError, Revision,
    machine::{Kept, Machine},
};
use bytes::Bytes;
use redb::{
    Durability, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition,
    backends::InMemoryBackend,
};
use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

/// (deleted, create revision, version, lease or 0, value).
type Version<'a> = (u8, u64, u64, i64, &'a [u8]);

const VERSIONS: TableDefinition<'_, (u64, &[u8]), Version<'_>> = TableDefinition::new("versions");
const LEASES: TableDefinition<'_, i64, u64> = TableDefinition::new("leases");
const STATE: TableDefinition<'_, &str, u64> = TableDefinition::new("state");

/// The layout that this program reads and writes.
const FORMAT: u64 = 1;
const FILE_NAME: &str = "metadata.redb";
/// Everything read lies in the machine already; the cache only serves writes.
const CACHE_BYTES: usize = 4 * 1024 * 1024;

/// The open file.
pub(super) struct Database {
    directory: PathBuf,
    redb: redb::Database,
    compacted: Revision,
    commits: u64,
}

/// What one commit makes durable.
#[derive(Debug, Default)]
pub(super) struct ChangeSet {
    pub(super) events: Vec<Event>,
    pub(super) forgotten: Vec<(Bytes, Revision)>,
    pub(super) granted: Vec<Lease>,
    ended: Vec<i64>,
}

impl ChangeSet {
    /// A lease ended, and its keys with it.
    pub(super) fn end_lease(&mut self, lease: i64, events: Vec<Event>) {
        self.ended.push(lease);
        self.events.extend(events);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
            && self.forgotten.is_empty()
            && self.granted.is_empty()
            && self.ended.is_empty()
    }
}

impl Database {
    /// Opens the file in `directory`, making both if need be, and reads all of it.
    pub(super) fn open(directory: &Path) -> Result<(Self, Kept), MetadataError> {
        let file = directory.join(FILE_NAME);
        let refused = |error: io::Error| {
            MetadataError::Refused(format!("can't use {}: {error}", directory.display()))
        };
        std::fs::create_dir_all(directory).map_err(refused)?;
        let redb = redb::Builder::new()
            .set_cache_size(CACHE_BYTES)
            .create(&file)
            .map_err(|error| open_error(directory, &file, error))?;
        let mut database = Self::of(directory, redb);
        database.prepare().map_err(refused)?;
        // The file's name must be as durable as its content.
        std::fs::File::open(directory).and_then(|it| it.sync_all()).map_err(refused)?;
        let kept = database.load()?;
        Ok((database, kept))
    }

    /// Reads the file in `directory` into memory: what is repaired and changed there never comes to the disk.
    pub(super) fn open_copy(directory: &Path) -> Result<(Self, Kept), MetadataError> {
        let file = directory.join(FILE_NAME);
        let refused = |error: &dyn std::fmt::Display| {
            MetadataError::Refused(format!("can't read {}: {error}", file.display()))
        };
        // Locks brokers out while the file is read. One that a kill left unfinished opens in the copy only.
        let lock = redb::ReadOnlyDatabase::open(&file);
        if let Err(error @ redb::DatabaseError::DatabaseAlreadyOpen) = lock {
            return Err(open_error(directory, &file, error));
        }
        let bytes = std::fs::read(&file).map_err(|error| refused(&error))?;
        drop(lock);
        let memory = InMemoryBackend::new();
        memory
            .set_len(bytes.len() as u64)
            .and_then(|()| memory.write(0, &bytes))
            .map_err(|error| refused(&error))?;
        let redb = redb::Builder::new()
            .set_cache_size(CACHE_BYTES)
            .create_with_backend(memory)
            .map_err(|error| open_error(directory, &file, error))?;
        let mut database = Self::of(directory, redb);
        let kept = database.load()?;
        Ok((database, kept))
    }

    fn of(directory: &Path, redb: redb::Database) -> Self {
        Self { directory: directory.to_owned(), redb, compacted: Revision(0), commits: 0 }
    }

    /// Closes and opens the file: what is found then is what is in it.
    pub(super) fn reopen(self) -> Result<(Self, Kept), MetadataError> {
        let Self { directory, redb, .. } = self;
        drop(redb);
        Self::open(&directory)
    }

    /// The compaction that is on disk.
    pub(super) fn compacted(&self) -> Revision {
        self.compacted
    }

    /// How many commits this file has seen.
    pub(super) fn commits(&self) -> u64 {
        self.commits
    }

    /// Makes the tables of a new file.
    fn prepare(&self) -> io::Result<()> {
        let mut transaction = self.redb.begin_write().map_err(io_error)?;
        transaction.set_durability(Durability::Immediate).map_err(io_error)?;
        {
            transaction.open_table(VERSIONS).map_err(io_error)?;
            transaction.open_table(LEASES).map_err(io_error)?;
            let mut state = transaction.open_table(STATE).map_err(io_error)?;
            if state.get("format").map_err(io_error)?.is_some() {
                return Ok(());
            }
            state.insert("format", FORMAT).map_err(io_error)?;
        }
        transaction.commit().map_err(io_error)
    }

    fn load(&mut self) -> Result<Kept, MetadataError> {
        let damaged = |error: redb::Error| MetadataError::Damaged {
            key: self.directory.join(FILE_NAME).display().to_string(),
            reason: error.to_string(),
        };
        let (state, kept) = self.read().map_err(damaged)?;
        if state.format != FORMAT {
            return Err(MetadataError::Refused(format!(
                "{} has format {}, this program reads {FORMAT}; run a newer one",
                self.directory.display(),
                state.format
            )));
        }
        self.compacted = kept.compacted;
        self.commits = state.commits;
        Ok(kept)
    }

    fn read(&self) -> Result<(State, Kept), redb::Error> {
        let transaction = self.redb.begin_read()?;
        let state = transaction.open_table(STATE)?;
        let number = |name: &str| -> Result<u64, redb::Error> {
            Ok(state.get(name)?.map_or(0, |guard| guard.value()))
        };
        let mut kept = Kept {
            revision: Revision(number("revision")?),
            compacted: Revision(number("compacted")?),
            last_lease: number("last_lease")? as i64,
            ..Kept::default()
        };
        for row in transaction.open_table(VERSIONS)?.iter()? {
            let (key, version) = row?;
            kept.events.push(event(key.value(), version.value()));
        }
        for row in transaction.open_table(LEASES)?.iter()? {
            let (id, milliseconds) = row?;
            let time_to_live = Duration::from_millis(milliseconds.value());
            kept.leases.push(Lease { id: id.value(), time_to_live });
        }
        Ok((State { format: number("format")?, commits: number("commits")? }, kept))
    }

    /// Makes `changes`, after which the machine is as it is now, durable.
    ///
    /// # Errors
    /// The operating system's. Nothing is known of the commit then.
    pub(super) fn commit(&mut self, changes: &ChangeSet, machine: &Machine) -> io::Result<()> {
        let mut transaction = self.redb.begin_write().map_err(io_error)?;
        transaction.set_durability(Durability::Immediate).map_err(io_error)?;
        self.write(&transaction, changes, machine).map_err(io_error)?;
        transaction.commit().map_err(io_error)?;
        self.commits += 1;
        self.compacted = machine.compacted();
        Ok(())
    }

    fn write(
        &self,
        transaction: &redb::WriteTransaction,
        changes: &ChangeSet,
        machine: &Machine,
    ) -> Result<(), redb::Error> {
        let mut versions = transaction.open_table(VERSIONS)?;
        for event in &changes.events {
            let (key, version) = row(event);
            versions.insert((event.revision.0, key), version)?;
        }
        for (key, revision) in &changes.forgotten {
            versions.remove((revision.0, key.as_ref()))?;
        }
        let mut leases = transaction.open_table(LEASES)?;
        for lease in &changes.granted {
            leases.insert(lease.id, lease.time_to_live.as_millis() as u64)?;
        }
        for id in &changes.ended {
            leases.remove(id)?;
        }
        let mut state = transaction.open_table(STATE)?;
        state.insert("revision", machine.revision().0)?;
        state.insert("compacted", machine.compacted().0)?;
        state.insert("last_lease", machine.last_lease() as u64)?;
        state.insert("commits", self.commits + 1)?;
        Ok(())
    }
}

struct State {
    format: u64,
    commits: u64,
}

fn row(event: &Event) -> (&[u8], Version<'_>) {
    match &event.kind {
        EventKind::Put(entry) => {
            let lease = entry.lease.unwrap_or(0);
            (&entry.key, (0, entry.create_revision.0, entry.version, lease, &entry.value))
        }
        EventKind::Delete(key) => (key, (1, 0, 0, 0, &[])),
    }
}

fn event((revision, key): (u64, &[u8]), version: Version<'_>) -> Event {
    let revision = Revision(revision);
    let key = Bytes::copy_from_slice(key);
    let (deleted, create_revision, version, lease, value) = version;
    if deleted != 0 {
        return Event { revision, kind: EventKind::Delete(key) };
    }
    let entry = Entry {
        key,
        value: Bytes::copy_from_slice(value),
        create_revision: Revision(create_revision),
        mod_revision: revision,
        version,
        lease: (lease != 0).then_some(lease),
    };
    Event { revision, kind: EventKind::Put(entry) }
}

fn open_error(directory: &Path, file: &Path, error: redb::DatabaseError) -> MetadataError {
    match error {
        redb::DatabaseError::DatabaseAlreadyOpen => MetadataError::Refused(format!(
            "another broker uses {}; stop it, or give this one a data directory of its own",
            directory.display()
        )),
        redb::DatabaseError::Storage(redb::StorageError::Corrupted(reason)) => {
            MetadataError::Damaged { key: file.display().to_string(), reason }
        }
        error => MetadataError::Refused(format!("can't open {}: {error}", file.display())),
    }
}

/// The operating system's error inside redb's, so that a full disk is known as one.
fn io_error(error: impl Into<redb::Error>) -> io::Error {
    match error.into() {
        redb::Error::Io(error) => error,
        error => io::Error::other(error),
    }
}
