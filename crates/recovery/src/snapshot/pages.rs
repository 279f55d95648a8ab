//! [`Pages`]: every entry of a cluster, a page at a time, all at one revision.

use bytes::Bytes;
use metadata::{
    Entry, MetadataError, MetadataStore, RangeQuery, Revision, families::Keys, prefix_end,
};

/// Entries of one page: what is in memory at a time, with values of a kilobyte or so, and now and then a larger one.
const ENTRIES: usize = 500;

/// Reads the store from its first key to its last.
#[derive(Debug)]
pub(crate) struct Pages<'a> {
    store: &'a dyn MetadataStore,
    keys: &'a Keys,
    revision: Revision,
    /// Where the next page begins; `None` behind the last.
    next: Option<Bytes>,
}

impl<'a> Pages<'a> {
    /// All entries as of `revision`.
    pub(crate) fn at(store: &'a dyn MetadataStore, keys: &'a Keys, revision: Revision) -> Self {
        Self { store, keys, revision, next: Some(keys.everything()) }
    }

    /// The next entries, in key order; `None` behind the last.
    ///
    /// # Errors
    /// The store's: `Compacted` when this took so long that the revision is forgotten.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Entry>>, MetadataError> {
        let Some(start) = self.next.take() else { return Ok(None) };
        let query = RangeQuery {
            start,
            end: Some(prefix_end(&self.keys.everything())),
            limit: ENTRIES,
            at: Some(self.revision),
        };
        let range = self.store.range(query).await?;
        if let (true, Some(last)) = (range.more, range.entries.last()) {
            self.next = Some([last.key.as_ref(), &[0]].concat().into());
        }
        Ok(Some(range.entries))
    }
}
