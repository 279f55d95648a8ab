//! Why a store did not do what was asked.

use crate::ObjectName;

/// A failed object operation.
#[derive(Debug, thiserror::Error)]
#[error("object store could not {operation} {name}: {reason}")]
pub struct ObjectError {
    /// `put`, `get`, `list`, `delete`, `head`.
    pub operation: &'static str,
    /// The object, or the prefix of a listing.
    pub name: String,
    /// What kind of failure, to act on.
    pub kind: ObjectErrorKind,
    /// The store's words.
    pub reason: String,
}

/// What to do about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ObjectErrorKind {
    /// No object of that name.
    NotFound,
    /// An object of that name exists (conditional put).
    AlreadyExists,
    /// Credentials or permissions: retrying does not help until somebody mends them.
    Denied,
    /// The store is away, slow or overloaded: retry.
    Unavailable,
    /// The request makes no sense to the store.
    Invalid,
}

impl ObjectError {
    /// Makes an error about one object.
    pub fn new(
        operation: &'static str,
        name: &ObjectName,
        kind: ObjectErrorKind,
        reason: impl Into<String>,
    ) -> Self {
        Self { operation, name: name.to_string(), kind, reason: reason.into() }
    }

    /// Whether the same call may succeed later.
    pub fn retryable(&self) -> bool {
        matches!(self.kind, ObjectErrorKind::Unavailable)
    }
}
