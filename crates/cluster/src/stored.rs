//! [`Stored`]: a decoded value with the revisions that later writes compare.

use metadata::{
    Entry, MetadataError, MetadataStore, RangeQuery, Revision,
    families::{Value, decode},
};

/// A value as it was read.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Stored<V> {
    /// The value.
    pub value: V,
    /// When the key came into being.
    pub created: Revision,
    /// When it was last changed.
    pub modified: Revision,
}

impl<V: Value> Stored<V> {
    /// Decodes an entry.
    pub fn from_entry(entry: &Entry) -> Result<Self, MetadataError> {
        Ok(Self {
            value: decode(entry)?,
            created: entry.create_revision,
            modified: entry.mod_revision,
        })
    }

    /// Reads one key, now.
    pub async fn read(
        store: &dyn MetadataStore,
        key: bytes::Bytes,
    ) -> Result<Option<Self>, MetadataError> {
        let range = store.range(RangeQuery::key(key)).await?;
        range.entries.first().map(Self::from_entry).transpose()
    }
}

/// The revision to compare a key with: 0 when it was absent.
pub(crate) fn modified<V>(stored: Option<&Stored<V>>) -> Revision {
    stored.map_or(Revision(0), |stored| stored.modified)
}
