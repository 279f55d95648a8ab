//! [`SnapshotKeeper`]: writes snapshots while this broker is the controller, and deletes old ones.
//!
//! Two keepers at once (a controller that does not know yet that it was replaced) do no harm: each writes whole snapshots under names of
//! its own, and the note in the metadata store only goes forward.

use super::{
    changes,
    choice::Inventory,
    names,
    write::{Written, write},
};
use crate::{Failure, Stores};
use bytes::Bytes;
use formats::metadata::{Cluster, LastSnapshot};
use metadata::{
    Compare, MetadataError, Operation, RangeQuery, Revision, Transaction,
    families::{decode, encode},
};
use runtime::Shutdown;
use std::time::Duration;

/// After a change of topics or settings more of them are waited for, for so long.
const GATHERING: Duration = Duration::from_secs(1);

/// And for so many times what the last snapshot took, so that large ones are not written all the time.
const WRITING_SHARE: u32 = 10;

/// So often it is looked whether this broker is the controller by now.
const OFFICE_CHECK: Duration = Duration::from_secs(1);

/// Writes snapshots.
#[derive(Debug)]
pub struct SnapshotKeeper {
    stores: Stores,
    /// The last one that this keeper wrote.
    last: Option<Written>,
    /// What is in the bucket, once it was listed.
    inventory: Option<Inventory>,
    /// What was written up to here has been looked at.
    seen: Revision,
}

/// The note of the newest snapshot in the metadata store, and the revisions around it.
#[derive(Clone, Copy, Debug)]
struct Noted {
    /// As of which the newest snapshot was read.
    snapshot: Revision,
    /// Of the note; 0 when there is none.
    note: Revision,
    /// Of the store.
    store: Revision,
}

impl Noted {
    /// Whether the store holds what the newest snapshot does: nothing but the note was written since.
    fn is_current(&self) -> bool {
        self.snapshot.next() == self.note && self.note == self.store
    }
}

impl SnapshotKeeper {
    /// A keeper that has written nothing yet.
    pub fn new(stores: Stores) -> Self {
        Self { stores, last: None, inventory: None, seen: Revision(0) }
    }

    /// Writes a snapshot every `interval` in which something changed, and soon after topics or settings did, while `in_office`, until
    /// shutdown.
    pub async fn keep(
        mut self,
        interval: Duration,
        in_office: impl Fn() -> bool + Send,
        shutdown: Shutdown,
    ) {
        loop {
            if !in_office() {
                (self.last, self.inventory) = (None, None);
                tokio::select! {
                    () = shutdown.requested() => return,
                    () = tokio::time::sleep(interval.min(OFFICE_CHECK)) => continue,
                }
            }
            let began = self.stores.clock.boot_time();
            if let Err(error) = self.write_if_changed().await {
                metrics::counter!("alluvium_metadata_snapshot_failures_total").increment(1);
                tracing::warn!(%error, "metadata could not be written to the bucket; it is tried again");
            }
            let took = self.stores.clock.boot_time().since(began);
            tokio::select! {
                () = shutdown.requested() => return,
                () = tokio::time::sleep(interval) => {}
                () = self.topics_changed(GATHERING.max(took * WRITING_SHARE)) => {}
            }
        }
    }

    /// Waits for a change of topics or settings since it was looked last, and then for more of them.
    async fn topics_changed(&self, gathering: Duration) {
        changes::of_topics(&self.stores, self.seen).await;
        tokio::time::sleep(gathering).await;
    }

    /// Writes a snapshot unless the newest one holds the same, and deletes what has had its time. Answers whether one was written.
    ///
    /// # Errors
    /// A store's. Nothing that an earlier snapshot needs is gone.
    pub async fn write_if_changed(&mut self) -> Result<bool, Failure> {
        let mut noted = self.noted().await?;
        self.seen = noted.store;
        if noted.is_current() {
            return Ok(false);
        }
        let Some(cluster) = self.cluster().await? else { return Ok(false) };
        if noted.note == Revision(0) {
            // Objects stay from here on, until a snapshot does not refer to them.
            let Some(at) = self.note(noted, LastSnapshot::default()).await? else {
                return Ok(false);
            };
            noted = Noted { note: at, store: at, ..noted };
        }
        let written = write(&self.stores, &cluster, noted.store, self.last.as_ref()).await?;
        let Some(written) = written else { return Ok(false) };
        let note = LastSnapshot {
            revision: noted.store.0,
            object: written.id.head().to_string(),
            ..LastSnapshot::default()
        };
        self.note(noted, note).await?;
        metrics::counter!("alluvium_metadata_snapshots_total").increment(1);
        self.delete_superseded(&written).await?;
        self.last = Some(written);
        Ok(true)
    }

    async fn noted(&self) -> Result<Noted, Failure> {
        let (found, store) = self.read(self.stores.keys.last_snapshot()).await?;
        let Some(entry) = found else {
            return Ok(Noted { snapshot: Revision(0), note: Revision(0), store });
        };
        let last: LastSnapshot = decode(&entry)?;
        Ok(Noted { snapshot: Revision(last.revision), note: entry.mod_revision, store })
    }

    async fn cluster(&self) -> Result<Option<Cluster>, Failure> {
        let (found, _) = self.read(self.stores.keys.cluster()).await?;
        Ok(found.as_ref().map(decode).transpose()?)
    }

    async fn read(&self, key: Bytes) -> Result<(Option<metadata::Entry>, Revision), MetadataError> {
        let range = self.stores.metadata.range(RangeQuery::key(key)).await?;
        Ok((range.entries.into_iter().next(), range.revision))
    }

    /// Puts the note in the place of the one that was seen; `None` when another keeper was faster.
    async fn note(
        &self,
        seen: Noted,
        note: LastSnapshot,
    ) -> Result<Option<Revision>, MetadataError> {
        let key = self.stores.keys.last_snapshot();
        let transaction = Transaction {
            compares: vec![Compare::ModRevision(key.clone(), seen.note)],
            then: vec![Operation::put(key, encode(note))],
            otherwise: Vec::new(),
        };
        let outcome = self.stores.metadata.transact(transaction).await?;
        Ok(outcome.succeeded.then_some(outcome.revision))
    }

    async fn delete_superseded(&mut self, written: &Written) -> Result<(), Failure> {
        let known = self.inventory.take();
        let mut inventory = match known {
            Some(known) => known,
            None => self.list_but(written).await?,
        };
        written.objects().for_each(|name| inventory.add(name));
        let superseded = inventory.take_superseded();
        // Not known any more if this fails: they are listed again.
        self.stores.objects.delete(&superseded).await?;
        self.inventory = Some(inventory);
        Ok(())
    }

    async fn list_but(&self, written: &Written) -> Result<Inventory, Failure> {
        let mut inventory = Inventory::default();
        let listed = self.stores.objects.list(names::PREFIX).await?.into_iter();
        let others = listed.map(|it| it.name).filter(|name| !is_of(written, name));
        others.for_each(|name| inventory.add(name));
        Ok(inventory)
    }
}

fn is_of(written: &Written, name: &storage::ObjectName) -> bool {
    names::SnapshotId::parse(name).is_some_and(|(id, _)| id == written.id)
}
