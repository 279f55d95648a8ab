//! The port: a small revisioned key-value store with transactions, watches and leases; etcd's semantics.
//!
//! A specification: `conformance` is the same suite for every provider.
//!
//! - Every successful writing transaction takes the next [`Revision`] of the whole store; a key remembers the revision
//!   that created it (since it last did not exist), the one that changed it last, and how often (`version`).
//! - Reads are linearizable unless [`RangeQuery::at`] names an older revision; one that history no longer holds
//!   answers [`MetadataError::Compacted`].
//! - A transaction is atomic. Its outcome may be unknown ([`MetadataError::OutcomeUnknown`]): it happened, or did
//!   not, or still will. Whoever must know sends something that settles it.
//! - Deleting a lease's keys is part of its end, at one revision, and seen by watches.
//! - Limits, as etcd's: 1.5 MiB a request, 128 operations (compares, then, else: each) a transaction.

use async_trait::async_trait;
use bytes::Bytes;
use std::{fmt, time::Duration};

/// The store's version: grows by one with every writing transaction. Zero is before the first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Revision(pub u64);

impl Revision {
    /// The revision after this one.
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A lease: keys put under it vanish when it is revoked or not kept alive for its time to live.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Lease {
    /// The provider's number.
    pub id: i64,
    /// Granted time to live. Whole seconds with etcd.
    pub time_to_live: Duration,
}

/// A key's value and versions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The key.
    pub key: Bytes,
    /// The value.
    pub value: Bytes,
    /// When the key came into being.
    pub create_revision: Revision,
    /// When it was last changed.
    pub mod_revision: Revision,
    /// Changes since it came into being, from 1.
    pub version: u64,
    /// The lease it is bound to.
    pub lease: Option<i64>,
}

/// What to read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RangeQuery {
    /// First key.
    pub start: Bytes,
    /// First key beyond; `None` reads `start` alone.
    pub end: Option<Bytes>,
    /// At most so many entries; 0 is no limit.
    pub limit: usize,
    /// Read as of this revision; `None` is now.
    pub at: Option<Revision>,
}

impl RangeQuery {
    /// One key, now.
    pub fn key(key: impl Into<Bytes>) -> Self {
        Self { start: key.into(), end: None, limit: 0, at: None }
    }

    /// Every key that starts with `prefix`, now.
    pub fn prefix(prefix: impl Into<Bytes>) -> Self {
        let start = prefix.into();
        let end = Some(prefix_end(&start));
        Self { start, end, limit: 0, at: None }
    }

    /// The same query as of `revision`.
    pub fn at(mut self, revision: Revision) -> Self {
        self.at = Some(revision);
        self
    }

    /// The same query, answering at most `limit` entries.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }
}

/// The first key after all that start with `prefix`. An empty or all-0xFF prefix has no such key: `[0]`, etcd's
/// "to the end", is returned then.
pub fn prefix_end(prefix: &[u8]) -> Bytes {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < 0xFF {
            end.push(last + 1);
            return end.into();
        }
    }
    Bytes::from_static(&[0])
}

/// The answer to a range read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Range {
    /// Entries in key order.
    pub entries: Vec<Entry>,
    /// The store's revision when this was read (not the `at` asked for).
    pub revision: Revision,
    /// Whether `limit` cut entries off.
    pub more: bool,
}

/// A condition of a transaction. An absent key has create revision, mod revision and version 0.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Compare {
    /// The key's create revision equals this; 0 means that it does not exist.
    CreateRevision(Bytes, Revision),
    /// The key's create revision is another than this (absent counts as other).
    CreateRevisionNot(Bytes, Revision),
    /// The key's mod revision equals this; 0 means that it does not exist.
    ModRevision(Bytes, Revision),
    /// The key exists and its value equals this.
    Value(Bytes, Bytes),
    /// The key exists.
    Exists(Bytes),
    /// The key does not exist.
    Absent(Bytes),
}

/// A step of a transaction's branch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Operation {
    /// Sets a key, bound to a lease or (`None`) to none.
    Put {
        /// The key.
        key: Bytes,
        /// Its new value.
        value: Bytes,
        /// The lease's id.
        lease: Option<i64>,
    },
    /// Deletes a key; no error when absent.
    Delete(Bytes),
    /// Deletes keys in `start..end`.
    DeleteRange(Bytes, Bytes),
    /// Reads, as of this transaction.
    Read(RangeQuery),
}

impl Operation {
    /// A put without a lease.
    pub fn put(key: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        Self::Put { key: key.into(), value: value.into(), lease: None }
    }
}

/// Conditions, and what to do when all hold or one does not.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Transaction {
    /// All must hold.
    pub compares: Vec<Compare>,
    /// Done when they do.
    pub then: Vec<Operation>,
    /// Done when they don't.
    pub otherwise: Vec<Operation>,
}

/// The answer to one operation of the branch that ran, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reply {
    /// The put was done.
    Put,
    /// So many keys were deleted.
    Deleted(u64),
    /// What was read.
    Read(Vec<Entry>),
}

/// What a transaction did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// Whether all compares held.
    pub succeeded: bool,
    /// The store's revision after it: the one it made, if it wrote.
    pub revision: Revision,
    /// One reply per operation of the branch that ran.
    pub replies: Vec<Reply>,
}

/// What happened to a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EventKind {
    /// It was set; the entry is as of that revision.
    Put(Entry),
    /// It was deleted, or its lease ended.
    Delete(Bytes),
}

/// A change seen by a watch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// When.
    pub revision: Revision,
    /// What.
    pub kind: EventKind,
}

/// A stream of changes under a prefix, in revision order, without gaps, one batch per revision. It survives broken
/// connections by itself; when history has moved past it, [`MetadataError::Compacted`] says so and the reader lists
/// anew. Dropping it ends it.
#[async_trait]
pub trait Watch: Send {
    /// The next changes: all that one revision made under the prefix (never a part of them).
    ///
    /// # Errors
    /// [`MetadataError::Compacted`] when the revision to go on from is gone: read the prefix again and watch from there.
    /// No other error: the provider retries.
    ///
    /// # Cancel safety
    /// Safe: no event is lost.
    async fn next(&mut self) -> Result<Vec<Event>, MetadataError>;
}

/// A metadata store.
#[async_trait]
pub trait MetadataStore: Send + Sync + fmt::Debug {
    /// Reads entries.
    ///
    /// # Errors
    /// `Unavailable`, `Compacted`, `Refused`.
    async fn range(&self, query: RangeQuery) -> Result<Range, MetadataError>;

    /// Runs a transaction.
    ///
    /// # Errors
    /// `Unavailable` promises that it did not and will not happen; `OutcomeUnknown` promises nothing; `TooLarge`,
    /// `NoSpace`, `LeaseGone`, `Refused`.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the outcome unknown.
    async fn transact(&self, transaction: Transaction) -> Result<Outcome, MetadataError>;

    /// Watches every key under `prefix`, beginning with the changes of revision `from`.
    ///
    /// # Errors
    /// `Refused`. A compacted `from` is told by the first [`Watch::next`].
    async fn watch(&self, prefix: Bytes, from: Revision) -> Result<Box<dyn Watch>, MetadataError>;

    /// Grants a lease.
    ///
    /// # Errors
    /// `Unavailable`, `OutcomeUnknown` (a lease that nobody knows ends by itself).
    async fn grant_lease(&self, time_to_live: Duration) -> Result<Lease, MetadataError>;

    /// Keeps a lease alive once. The caller measures time from *before* the call.
    ///
    /// # Errors
    /// `LeaseGone` when it ended; `Unavailable` and `OutcomeUnknown` otherwise.
    async fn keep_alive(&self, lease: Lease) -> Result<(), MetadataError>;

    /// Ends a lease and deletes its keys. No error when it already ended.
    ///
    /// # Errors
    /// `Unavailable`, `OutcomeUnknown`.
    async fn revoke_lease(&self, lease: Lease) -> Result<(), MetadataError>;

    /// Forgets history before `revision`; entries that live stay.
    ///
    /// # Errors
    /// `Unavailable`, `OutcomeUnknown`. Already compacted is no error.
    async fn compact(&self, revision: Revision) -> Result<(), MetadataError>;

    /// Bytes that entries and history use now, without what is free to be used again; `None` when the store keeps its history short by
    /// itself.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn used_bytes(&self) -> Result<Option<u64>, MetadataError> {
        Ok(None)
    }

    /// What this store is, for messages: `etcd at http://…`, `embedded at /…`.
    fn describe(&self) -> String;
}

/// Why a store did not answer.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// It did not happen, and will not; try again.
    #[error("metadata store unavailable: {0}")]
    Unavailable(String),
    /// It may have happened, or still may.
    #[error("metadata transaction of unknown outcome: {0}")]
    OutcomeUnknown(String),
    /// History before this revision is gone.
    #[error("metadata history is compacted up to revision {0}")]
    Compacted(Revision),
    /// The lease has ended.
    #[error("the lease has ended")]
    LeaseGone,
    /// The request is beyond the store's limits.
    #[error("metadata request too large: {0}")]
    TooLarge(String),
    /// The store has no room (etcd's NOSPACE alarm).
    #[error(
        "metadata store is out of space: {0}; raise its quota or compact and defragment it, then disarm the alarm"
    )]
    NoSpace(String),
    /// The store won't: permissions, a wrong address, a version it does not have.
    #[error("metadata store refused: {0}")]
    Refused(String),
    /// What is stored can't be read: the bytes are damaged, or of a version that this program does not know.
    #[error("metadata under {key} can't be read: {reason}")]
    Damaged {
        /// The key, as text.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl MetadataError {
    /// Whether sending the same again may help.
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::OutcomeUnknown(_) | Self::NoSpace(_))
    }
}
