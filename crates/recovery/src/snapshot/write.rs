//! Writing one snapshot: entries fill parts, a part is stored when it is full, the head comes last.

use super::{names::SnapshotId, pages::Pages};
use crate::{Failure, Stores};
use bytes::Bytes;
use formats::{
    metadata::{Cluster, SnapshotHead, SnapshotPart},
    snapshot::{PartWriter, SnapshotError, encode_head},
};
use metadata::{Entry, Revision};
use storage::ObjectName;

/// A part is stored once it has so many bytes.
const PART_BYTES: usize = 8 << 20;

/// A snapshot that is in the bucket.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) id: SnapshotId,
    pub(super) parts: Vec<SnapshotPart>,
}

impl Written {
    /// Its objects.
    pub(super) fn objects(&self) -> impl Iterator<Item = ObjectName> {
        let parts = (0..self.parts.len()).map(|number| self.id.part(number));
        parts.chain([self.id.head()])
    }
}

/// Writes what `cluster` holds at `revision`. `None`: it is what `last` holds already, as far as that is cheap to say.
///
/// # Errors
/// A store's. Parts may be left in the bucket; without a head they are none.
pub(super) async fn write(
    stores: &Stores,
    cluster: &Cluster,
    revision: Revision,
    last: Option<&Written>,
) -> Result<Option<Written>, Failure> {
    let id = SnapshotId::new(cluster.generation, revision, &stores.randomness);
    let mut writing = Writing { stores, id, part: PartWriter::new(), stored: Vec::new() };
    let mut pages = Pages::at(stores.metadata.as_ref(), &stores.keys, revision);
    while let Some(page) = pages.next().await? {
        for entry in &page {
            writing.add(entry).await?;
        }
    }
    writing.finish(cluster, last).await
}

struct Writing<'a> {
    stores: &'a Stores,
    id: SnapshotId,
    part: PartWriter,
    stored: Vec<SnapshotPart>,
}

impl Writing<'_> {
    async fn add(&mut self, entry: &Entry) -> Result<(), Failure> {
        let Some(name) = self.stores.keys.snapshot_name(&entry.key) else { return Ok(()) };
        let pushed = self.part.push(name, &entry.value);
        pushed.map_err(|error| self.refused(error))?;
        if self.part.size_bytes() >= PART_BYTES {
            let part = std::mem::take(&mut self.part);
            let (part, bytes) = self.laid_out(part);
            self.store(part, bytes).await?;
        }
        Ok(())
    }

    async fn finish(
        mut self,
        cluster: &Cluster,
        last: Option<&Written>,
    ) -> Result<Option<Written>, Failure> {
        let part = std::mem::take(&mut self.part);
        let (part, bytes) = self.laid_out(part);
        if self.stored.is_empty() && last.is_some_and(|last| is_the_same(&part, &last.parts)) {
            return Ok(None);
        }
        if part.entries > 0 {
            self.store(part, bytes).await?;
        }
        let head = SnapshotHead {
            cluster_id: cluster.cluster_id.clone(),
            generation: cluster.generation,
            revision: self.id.revision.0,
            written_unix_ms: self.stores.clock.unix_ms(),
            parts: self.stored.clone(),
            ..SnapshotHead::default()
        };
        self.stores.objects.put(&self.id.head(), vec![encode_head(&head)]).await?;
        Ok(Some(Written { id: self.id, parts: self.stored }))
    }

    fn laid_out(&self, part: PartWriter) -> (SnapshotPart, Bytes) {
        let entries = part.entries();
        let bytes = part.finish();
        let checksum = bytes.last_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        let object = self.id.part(self.stored.len()).to_string();
        (SnapshotPart { object, size: bytes.len() as u64, checksum, entries }, bytes)
    }

    async fn store(&mut self, part: SnapshotPart, bytes: Bytes) -> Result<(), Failure> {
        let name = self.id.part(self.stored.len());
        self.stores.objects.put(&name, vec![bytes]).await?;
        self.stored.push(part);
        Ok(())
    }

    fn refused(&self, error: SnapshotError) -> Failure {
        Failure::Snapshot { object: self.id.part(self.stored.len()).to_string(), error }
    }
}

/// Whether a snapshot of this one part is the one whose parts are `last`.
fn is_the_same(part: &SnapshotPart, last: &[SnapshotPart]) -> bool {
    let [last] = last else { return false };
    (last.size, last.checksum, last.entries) == (part.size, part.checksum, part.entries)
}
