//! [`Location`]: what an object store's URL says.

use crate::{ObjectErrorKind, store::Failure};
use std::path::PathBuf;
use url::Url;

/// Where objects are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Location {
    /// In this process, for tests.
    Memory,
    /// Below a directory.
    Directory(PathBuf),
    /// Below a prefix of a bucket.
    Bucket(Url),
}

impl Location {
    /// Reads `file:///dir`, `s3://bucket/prefix` or `memory://`; bucket and prefix are not looked at.
    pub fn parse(url: &str) -> Result<Self, Failure> {
        let invalid = |reason: String| Failure::new(ObjectErrorKind::Invalid, reason);
        let url = Url::parse(url).map_err(|error| {
            invalid(format!("{error}: write file:///dir or s3://bucket/prefix"))
        })?;
        match url.scheme() {
            "memory" => Ok(Self::Memory),
            "file" => {
                let path = url.to_file_path();
                path.map(Self::Directory)
                    .map_err(|()| invalid("write an absolute path after file://".to_owned()))
            }
            "s3" => Ok(Self::Bucket(url)),
            other => Err(invalid(format!(
                "unknown kind of store {other:?}: write file:///dir or s3://bucket/prefix"
            ))),
        }
    }
}
