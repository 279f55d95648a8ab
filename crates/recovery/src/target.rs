//! [`Target`]: the metadata store that a cluster is rebuilt in.
//!
//! First the key `recovery` is put, then everything else, last `cluster`, in whose transaction `recovery` goes: a store without
//! `cluster` is no broker's. What was begun and not finished is cleared and done again.

use crate::{
    Failure,
    snapshot::{Pages, put_all},
};
use formats::metadata::{Cluster, Recovery};
use metadata::{
    Compare, MetadataError, MetadataStore, Operation, RangeQuery, Revision, Transaction,
    families::{Keys, decode, encode},
    prefix_end,
};
use std::sync::Arc;

/// A store to be filled.
#[derive(Clone, Debug)]
pub struct Target {
    metadata: Arc<dyn MetadataStore>,
    keys: Keys,
}

/// What is in a store below the cluster's prefix.
#[derive(Clone, PartialEq, Debug)]
pub enum Found {
    /// Nothing.
    Empty,
    /// What a recovery began and did not finish.
    Begun(Recovery),
    /// A cluster, or something else that a recovery must not touch: one of its keys.
    Taken(String),
}

impl Target {
    /// The store, and the cluster's prefix in it.
    pub fn new(metadata: Arc<dyn MetadataStore>, keys: Keys) -> Self {
        Self { metadata, keys }
    }

    /// Looks what is there.
    ///
    /// # Errors
    /// The store's.
    pub async fn look(&self) -> Result<Found, Failure> {
        let recovery = self.metadata.range(RangeQuery::key(self.keys.recovery())).await?;
        if let Some(entry) = recovery.entries.first() {
            return Ok(Found::Begun(decode(entry)?));
        }
        let all = RangeQuery::prefix(self.keys.everything()).limit(1);
        let found = self.metadata.range(all).await?;
        let first = found.entries.first();
        Ok(first
            .map_or(Found::Empty, |it| Found::Taken(String::from_utf8_lossy(&it.key).into_owned())))
    }

    /// Fills the store with what `from` holds, but for its `cluster` key. What an earlier attempt left is cleared.
    ///
    /// # Errors
    /// A store's; `Refused` when somebody else fills the store, or is there. May be done again.
    pub async fn fill(
        &self,
        from: &dyn MetadataStore,
        recovery: &Recovery,
    ) -> Result<u64, Failure> {
        let begun = self.begin(recovery).await?;
        let mut pages = Pages::at(from, &self.keys, now(from, &self.keys).await?);
        let mut put = 0;
        while let Some(page) = pages.next().await? {
            let kept = page.into_iter().filter(|it| it.key != self.keys.cluster());
            let kept: Vec<_> = kept.map(|it| (it.key, it.value)).collect();
            put += kept.len() as u64;
            put_all(self.metadata.as_ref(), kept, &begun).await?;
        }
        Ok(put)
    }

    /// Makes it a cluster. The bucket must carry the new generation's marker by then.
    ///
    /// # Errors
    /// As [`Target::fill`].
    pub async fn finish(&self, cluster: Cluster, recovery: &Recovery) -> Result<(), Failure> {
        let key = self.keys.recovery();
        let finishing = Transaction {
            compares: vec![
                Compare::Value(key.clone(), encode(recovery.clone())),
                Compare::Absent(self.keys.cluster()),
            ],
            then: vec![
                Operation::put(self.keys.cluster(), encode(cluster)),
                Operation::Delete(key),
            ],
            otherwise: Vec::new(),
        };
        let done = self.metadata.transact(finishing).await?;
        if done.succeeded { Ok(()) } else { Err(refused().into()) }
    }

    /// Says that a recovery goes on here; answers the condition of all that it writes.
    async fn begin(&self, recovery: &Recovery) -> Result<Transaction, Failure> {
        let key = self.keys.recovery();
        let begin = match self.look().await? {
            Found::Taken(_) => return Err(refused().into()),
            Found::Empty => Compare::Absent(key.clone()),
            Found::Begun(_) => {
                self.clear().await?;
                Compare::Exists(key.clone())
            }
        };
        let value = encode(recovery.clone());
        let begin = Transaction {
            compares: vec![begin, Compare::Absent(self.keys.cluster())],
            then: vec![Operation::put(key.clone(), value.clone())],
            otherwise: Vec::new(),
        };
        let begun = self.metadata.transact(begin).await?;
        if !begun.succeeded {
            return Err(refused().into());
        }
        let ours = vec![Compare::Value(key, value)];
        Ok(Transaction { compares: ours, ..Transaction::default() })
    }

    /// Deletes what an attempt left, but for its note.
    async fn clear(&self) -> Result<(), MetadataError> {
        let key = self.keys.recovery();
        let everything = self.keys.everything();
        let behind = metadata::prefix_end(&key);
        let clearing = Transaction {
            compares: vec![Compare::Exists(key.clone()), Compare::Absent(self.keys.cluster())],
            then: vec![
                Operation::DeleteRange(everything.clone(), key),
                Operation::DeleteRange(behind, prefix_end(&everything)),
            ],
            otherwise: Vec::new(),
        };
        let cleared = self.metadata.transact(clearing).await?;
        if cleared.succeeded { Ok(()) } else { Err(refused()) }
    }
}

async fn now(store: &dyn MetadataStore, keys: &Keys) -> Result<Revision, MetadataError> {
    Ok(store.range(RangeQuery::key(keys.cluster())).await?.revision)
}

fn refused() -> MetadataError {
    MetadataError::Refused("it is not empty, or another recovery fills it".to_owned())
}
