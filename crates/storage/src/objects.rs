//! [`Objects`]: the store as the rest of the broker sees it. Cheap to clone.

use crate::{ObjectError, ObjectName};
use bytes::Bytes;
use std::{ops::Range, time::Duration};

/// How to open a store.
#[derive(Clone, Debug)]
pub struct ObjectsOptions {
    /// `file:///dir`, `s3://bucket/prefix` or `memory://` (tests).
    pub url: String,
    /// Endpoint of an S3-compatible store; `None` is AWS.
    pub endpoint: Option<String>,
    /// One attempt's time limit.
    pub attempt_timeout: Duration,
    /// Time limit of a call over all its attempts. Callers that must not give up call again.
    pub call_timeout: Duration,
}

/// Requests sent, every attempt counted, by kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RequestCounts {
    /// PUT, POST of multipart parts included.
    pub puts: u64,
    /// GET and HEAD.
    pub gets: u64,
    /// LIST.
    pub lists: u64,
    /// DELETE.
    pub deletes: u64,
    /// Attempts that failed.
    pub failures: u64,
}

/// An object met in a listing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed {
    /// Its name below the prefix.
    pub name: ObjectName,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last written, in milliseconds since 1970.
    pub modified_unix_ms: i64,
}

/// An object store below one prefix.
#[derive(Clone, Debug)]
pub struct Objects {}

impl Objects {
    /// Opens the store without touching it. See `probe` for the start-up check.
    ///
    /// # Errors
    /// `Invalid` for a URL that can't be understood, `Denied` when no credentials are found.
    pub fn open(
        _options: &ObjectsOptions,
        _clock: runtime::Clock,
        _randomness: runtime::Randomness,
    ) -> Result<Self, ObjectError> {
        todo!()
    }

    /// An empty store in memory, for tests.
    pub fn memory() -> Self {
        todo!()
    }

    /// Writes an object, replacing one of that name; durable on return. `parts` are concatenated without copying.
    /// Retried within the call's time limit.
    ///
    /// # Errors
    /// `Unavailable` (it may have been written all the same, or may be later), `Denied`, `Invalid`.
    pub async fn put(&self, _name: &ObjectName, _parts: Vec<Bytes>) -> Result<(), ObjectError> {
        todo!()
    }

    /// Writes an object unless one of that name exists (If-None-Match). On `AlreadyExists` that follows a retried attempt the
    /// object may be ours: the caller reads and compares.
    ///
    /// # Errors
    /// `AlreadyExists`, and as [`Objects::put`].
    pub async fn put_if_absent(
        &self,
        _name: &ObjectName,
        _content: Bytes,
    ) -> Result<(), ObjectError> {
        todo!()
    }

    /// Reads a whole object.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`, `Denied`.
    pub async fn get(&self, _name: &ObjectName) -> Result<Bytes, ObjectError> {
        todo!()
    }

    /// Reads a byte range; one beyond the object's end is an `Invalid` error, never a short answer.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`, `Unavailable`, `Denied`.
    pub async fn get_range(
        &self,
        _name: &ObjectName,
        _range: Range<u64>,
    ) -> Result<Bytes, ObjectError> {
        todo!()
    }

    /// An object's size in bytes.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`, `Denied`.
    pub async fn size(&self, _name: &ObjectName) -> Result<u64, ObjectError> {
        todo!()
    }

    /// Deletes objects; absent ones are no error.
    ///
    /// # Errors
    /// `Unavailable`, `Denied`: some may be deleted.
    pub async fn delete(&self, _names: &[ObjectName]) -> Result<(), ObjectError> {
        todo!()
    }

    /// Lists every object whose name starts with `prefix` (empty lists all), in name order.
    ///
    /// # Errors
    /// `Unavailable`, `Denied`.
    pub async fn list(&self, _prefix: &str) -> Result<Vec<Listed>, ObjectError> {
        todo!()
    }

    /// Requests sent since the store was opened.
    pub fn request_counts(&self) -> RequestCounts {
        todo!()
    }

    /// What this store is, for messages.
    pub fn describe(&self) -> String {
        todo!()
    }
}
