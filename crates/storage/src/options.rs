//! How to open a store.

use std::{fmt, path::PathBuf, time::Duration};

/// How to open a store.
#[derive(Clone)]
pub struct ObjectsOptions {
    /// `file:///dir`, `s3://bucket/prefix` or `memory://` (tests).
    pub url: String,
    /// Endpoint of an S3-compatible store; `None` is AWS.
    pub endpoint: Option<String>,
    /// A PEM file with certificates that the endpoint is trusted by, beside the system's.
    pub authorities: Option<PathBuf>,
    /// Whether the store is only read: a directory must exist then, and nothing is tried in it.
    pub read_only: bool,
    /// Access key and secret key; `None` takes the standard AWS variables and chain.
    pub credentials: Option<(String, String)>,
    /// One attempt's time limit; requests that move more get a second longer per 4 MiB.
    pub attempt_timeout: Duration,
    /// Time limit of a call over all its attempts, with the same allowance. Callers that must not give up call again.
    pub call_timeout: Duration,
}

impl ObjectsOptions {
    /// Options for `url`: AWS and its credential chain, 10 s an attempt, 30 s a call.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            endpoint: None,
            authorities: None,
            read_only: false,
            credentials: None,
            attempt_timeout: Duration::from_secs(10),
            call_timeout: Duration::from_secs(30),
        }
    }
}

/// Without the secret key.
impl fmt::Debug for ObjectsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectsOptions")
            .field("url", &self.url)
            .field("endpoint", &self.endpoint)
            .field("authorities", &self.authorities)
            .field("read_only", &self.read_only)
            .field("access_key", &self.credentials.as_ref().map(|(access_key, _)| access_key))
            .field("attempt_timeout", &self.attempt_timeout)
            .field("call_timeout", &self.call_timeout)
            .finish()
    }
}
