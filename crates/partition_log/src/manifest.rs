//! Manifest puts: conditional on the owner record and on the manifest's own revision, settled when their outcome is unknown.

use crate::{LogError, Notice, engine::Engine, partition::Shared, sequencer::Sequencer};
use formats::metadata::{Manifest, Owner};
use metadata::{
    Entry, MetadataError, Operation, RangeQuery, Reply, Revision, families,
    families::MANIFEST_MAX_BYTES,
};
use model::Offset;
use runtime::Backoff;
use std::time::Duration;

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How often a put is sent before the caller is told to try again later.
const ATTEMPTS: usize = 12;

/// Epochs that a manifest's value carries; older ones follow from the slices' own epoch runs.
const EPOCHS_KEPT: usize = 8;

/// Moves the log's start to `to`, durably. Answers the log start, which an earlier or concurrent move may have put further on.
pub(crate) async fn put_log_start(partition: &Shared, to: Offset) -> Result<Offset, LogError> {
    let engine = &partition.engine;
    let _gate = partition.manifest_gate.lock().await;
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE, engine.parts.randomness.clone());
    let mut last_error = String::new();
    for _ in 0..ATTEMPTS {
        let (owner_revision, revision, manifest) = {
            let sequencer = partition.sequencer.lock();
            sequencer.check_readable()?;
            if sequencer.log.log_start >= to {
                return Ok(sequencer.log.log_start);
            }
            let Sequencer { ownership, log, .. } = &*sequencer;
            (ownership.owner_revision, log.manifest_revision, with_log_start(&sequencer, to))
        };
        let attempt = put(engine, partition, owner_revision, revision, &manifest).await;
        match attempt {
            Ok(Put::Done(revision)) => adopt(partition, manifest, revision),
            Ok(Put::Other(stored)) => adopt_stored(partition, stored)?,
            Ok(Put::OtherTerms) => {
                "the owner record is being changed".clone_into(&mut last_error);
                tokio::time::sleep(backoff.next_pause()).await;
            }
            Ok(Put::NotOwner) => {
                return Err(LogError::Unavailable(
                    "the owner record changed; try again".to_owned(),
                ));
            }
            Err(error) if error.retryable() => {
                last_error = error.to_string();
                tokio::time::sleep(backoff.next_pause()).await;
            }
            Err(error) => return Err(LogError::Unavailable(error.to_string())),
        }
    }
    Err(LogError::Unavailable(last_error))
}

/// What a put came to.
pub(crate) enum Put {
    /// It is stored, as of this revision.
    Done(Revision),
    /// The manifest is another one than was thought: this.
    Other(Option<Entry>),
    /// The owner record has other terms than was thought: this session is changing them.
    OtherTerms,
    /// The owner record is another one.
    NotOwner,
}

/// Puts a manifest, if owner record and manifest are those of these revisions.
///
/// # Errors
/// When it was not answered: it may have landed.
pub(crate) async fn put(
    engine: &Engine,
    partition: &Shared,
    owner_revision: Revision,
    manifest_revision: Revision,
    manifest: &Manifest,
) -> Result<Put, MetadataError> {
    let keys = &engine.parts.keys;
    let mut transaction = keys.manifest_transaction(
        partition.id,
        owner_revision,
        manifest_revision,
        manifest.clone(),
    );
    let read = |key| Operation::Read(RangeQuery::key(key));
    transaction.otherwise = vec![read(keys.owner(partition.id)), read(keys.manifest(partition.id))];
    let outcome = engine.parts.metadata.transact(transaction).await?;
    if outcome.succeeded {
        return Ok(Put::Done(outcome.revision));
    }
    let mut replies = outcome.replies.into_iter();
    let mut next = || match replies.next() {
        Some(Reply::Read(entries)) => entries.into_iter().next(),
        _ => None,
    };
    let (owner, stored) = (next(), next());
    match owner {
        Some(owner) if owner.mod_revision == owner_revision => Ok(Put::Other(stored)),
        Some(owner) if is_held_still(partition, &owner)? => Ok(Put::OtherTerms),
        _ => Ok(Put::NotOwner),
    }
}

/// Whether the stored owner record is of the ownership under which the partition is served.
fn is_held_still(partition: &Shared, stored: &Entry) -> Result<bool, MetadataError> {
    let stored: Owner = families::decode(stored)?;
    let sequencer = partition.sequencer.lock();
    let ours = &sequencer.ownership.record;
    Ok(stored.session == ours.session && stored.leader_epoch == ours.leader_epoch)
}

fn with_log_start(sequencer: &Sequencer, log_start: Offset) -> Manifest {
    let epochs = sequencer.log.epochs.to_values();
    let log_start_offset = log_start.get();
    fitted(Manifest { log_start_offset, epochs, ..sequencer.log.manifest.clone() })
}

/// Makes a manifest as small as its value must be. Epochs are in the rest and in the slices, too; folded sessions, oldest first, are those
/// that no owner record names any more.
pub(crate) fn fitted(mut manifest: Manifest) -> Manifest {
    let epochs = &mut manifest.epochs;
    epochs.drain(..epochs.len().saturating_sub(EPOCHS_KEPT));
    while families::encode(manifest.clone()).len() > MANIFEST_MAX_BYTES {
        if manifest.epochs.len() > 1 {
            manifest.epochs.remove(0);
        } else if !manifest.folded.is_empty() {
            manifest.folded.remove(0);
        } else {
            break;
        }
    }
    manifest
}

fn adopt(partition: &Shared, manifest: Manifest, revision: Revision) {
    let mut sequencer = partition.sequencer.lock();
    let log_start = Offset::new(manifest.log_start_offset);
    sequencer.log.manifest = manifest;
    sequencer.log.manifest_revision = revision;
    if let Some(log_start) = log_start {
        sequencer.raise_log_start(log_start);
    }
    let (session, offset) = (sequencer.ownership.session.id, sequencer.log.log_start);
    drop(sequencer);
    partition.engine.tell(session, || Notice::LogStart { partition: partition.id, offset });
}

/// An earlier put of a log start of ours, whose answer was lost, landed.
pub(crate) fn adopt_stored(partition: &Shared, stored: Option<Entry>) -> Result<(), LogError> {
    let (manifest, revision) = match stored {
        Some(entry) => {
            let manifest = families::decode(&entry)
                .map_err(|error| LogError::Inconsistent(error.to_string()))?;
            (manifest, entry.mod_revision)
        }
        None => (Manifest::default(), Revision::default()),
    };
    adopt(partition, manifest, revision);
    Ok(())
}
