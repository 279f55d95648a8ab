//! Object names: relative to the deployment's prefix.

use std::{fmt, sync::Arc};

/// An object's name below the bucket prefix: segments of `[A-Za-z0-9._-]` joined by `/`, at most 512 bytes. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ObjectName(Arc<str>);

/// A name outside that alphabet.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "object name {0:?} must be segments of letters, digits, '.', '_', '-' joined by '/', up to 512 bytes"
)]
pub struct InvalidObjectName(pub String);

impl ObjectName {
    /// Checks and wraps `name`.
    ///
    /// # Errors
    /// [`InvalidObjectName`].
    pub fn new(name: &str) -> Result<Self, InvalidObjectName> {
        let segment = |s: &str| {
            !matches!(s, "" | "." | "..")
                && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        };
        if name.len() <= 512 && name.split('/').all(segment) {
            Ok(Self(Arc::from(name)))
        } else {
            Err(InvalidObjectName(name.to_owned()))
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
