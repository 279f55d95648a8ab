//! The port: one attempt of one request, without retry, limits or counting.
//!
//! `tests/conformance` is its specification; every implementation passes it through [`crate::Objects`].

use crate::{Listed, ObjectErrorKind, ObjectName, probe::Check};
use async_trait::async_trait;
use bytes::Bytes;
use object_store::PutPayload;
use std::{fmt, ops::Range};

/// Why an attempt failed; [`crate::Objects`] adds operation and name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Failure {
    pub kind: ObjectErrorKind,
    pub reason: String,
}

impl Failure {
    pub fn new(kind: ObjectErrorKind, reason: impl Into<String>) -> Self {
        Self { kind, reason: reason.into() }
    }

    pub fn not_found() -> Self {
        Self::new(ObjectErrorKind::NotFound, "no object of that name")
    }

    pub fn already_exists() -> Self {
        Self::new(ObjectErrorKind::AlreadyExists, "an object of that name exists")
    }

    /// A range that does not lie within the object.
    pub fn outside(range: &Range<u64>, size: Option<u64>) -> Self {
        let Range { start, end } = range;
        let reason = match size {
            Some(size) => format!("bytes {start}..{end} were asked of an object of {size} bytes"),
            None => format!("bytes {start}..{end} lie outside the object"),
        };
        Self::new(ObjectErrorKind::Invalid, reason)
    }
}

/// Whether a put may replace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    Replace,
    Create,
}

/// A part of a listing, in any order: not every store sorts.
#[derive(Debug, Default)]
pub struct Page {
    /// Objects of the listing.
    pub objects: Vec<Listed>,
    /// Where the next page goes on; `None` at the end.
    pub next: Option<String>,
}

/// A store below one prefix.
#[async_trait]
pub(crate) trait Store: Send + Sync + fmt::Debug {
    async fn put(&self, name: &ObjectName, payload: PutPayload, mode: Mode) -> Result<(), Failure>;

    /// A `range` is not empty; an answer has its exact length.
    async fn get(&self, name: &ObjectName, range: Option<Range<u64>>) -> Result<Bytes, Failure>;

    async fn size(&self, name: &ObjectName) -> Result<u64, Failure>;

    /// Absent objects are no failure.
    async fn delete(&self, names: &[ObjectName]) -> Result<(), Failure>;

    /// Every object whose name starts with `prefix`; `page` is an earlier answer's `next`.
    async fn list(&self, prefix: &str, page: Option<String>) -> Result<Page, Failure>;

    /// Looks at settings of the store that would lose or hoard data.
    async fn inspect(&self) -> Vec<Check> {
        Vec::new()
    }

    /// Removes what is left of writes that were begun before that time and never ended; says how many.
    async fn abort_uploads(&self, begun_before_unix_ms: i64) -> Result<usize, Failure>;

    /// Whether requests are counted below this port, on the wire.
    fn counts_on_the_wire(&self) -> bool {
        false
    }

    fn describe(&self) -> String;
}
