//! What a store's error means: from HTTP status and S3 error code, from the operating system, from `object_store`.
//!
//! Whoever reads a kind acts on it, so doubt goes to `Unavailable` (tried again), and nothing that is merely out of
//! reach may look like `NotFound`.

use crate::{ObjectErrorKind, s3::StatusError, store::Failure};
use object_store::Error;
use std::{error::Error as StdError, io};

/// From `object_store`: its own variants hide what the store said, so the chain of causes is searched first.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
pub(crate) fn from_object_store(error: Error) -> Failure {
    if let Some(status) = cause::<StatusError>(&error) {
        return Failure::new(status_kind(status.status, &status.code), status.to_string());
    }
    let kind = match &error {
        Error::NotFound { .. } => ObjectErrorKind::NotFound,
        Error::AlreadyExists { .. } | Error::Precondition { .. } | Error::NotModified { .. } => {
            ObjectErrorKind::AlreadyExists
        }
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => ObjectErrorKind::Denied,
        Error::InvalidPath { .. } | Error::NotSupported { .. } | Error::NotImplemented { .. } => {
            ObjectErrorKind::Invalid
        }
        _ => match cause::<io::Error>(&error) {
            Some(cause) => return from_io(cause),
            None => ObjectErrorKind::Unavailable,
        },
    };
    Failure::new(kind, runtime::errors::in_full(&error))
}

/// From the operating system.
pub(crate) fn from_io(error: &io::Error) -> Failure {
    use io::ErrorKind as Io;
    let kind = match error.kind() {
        Io::NotFound | Io::NotADirectory => ObjectErrorKind::NotFound,
        Io::AlreadyExists => ObjectErrorKind::AlreadyExists,
        Io::PermissionDenied | Io::ReadOnlyFilesystem => ObjectErrorKind::Denied,
        Io::IsADirectory | Io::InvalidInput | Io::InvalidFilename | Io::FileTooLarge => {
            ObjectErrorKind::Invalid
        }
        Io::StorageFull | Io::QuotaExceeded => {
            let reason = format!("{error}: free space on the volume; writing goes on by itself");
            return Failure::new(ObjectErrorKind::Unavailable, reason);
        }
        _ => ObjectErrorKind::Unavailable,
    };
    Failure::new(kind, error.to_string())
}

/// From an S3 answer. Codes: the S3 API reference, "Error responses".
pub(crate) fn status_kind(status: u16, code: &str) -> ObjectErrorKind {
    match (status, code) {
        // A missing bucket says nothing about the object; a token that ran out has to be renewed; another region or
        // endpoint has to be configured.
        (_, "NoSuchBucket" | "ExpiredToken" | "InvalidToken" | "AuthorizationHeaderMalformed")
        | (300..=303 | 305..=399 | 401 | 403, _) => ObjectErrorKind::Denied,
        // The bytes were damaged or cut on their way.
        (
            400,
            "RequestTimeout" | "IncompleteBody" | "BadDigest" | "XAmzContentChecksumMismatch",
        )
        | (408 | 409 | 425 | 429, _) => ObjectErrorKind::Unavailable,
        (404, _) => ObjectErrorKind::NotFound,
        (304 | 412, _) => ObjectErrorKind::AlreadyExists,
        (501 | 400..=499, _) => ObjectErrorKind::Invalid,
        _ => ObjectErrorKind::Unavailable,
    }
}

type Dynamic = dyn StdError + 'static;

/// The first cause of type `E`, the error itself included.
fn cause<E: StdError + 'static>(error: &Dynamic) -> Option<&E> {
    runtime::errors::causes(error).find_map(|cause| cause.downcast_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn out_of_reach_never_looks_like_absent() {
        assert_eq!(status_kind(404, "NoSuchKey"), ObjectErrorKind::NotFound);
        assert_eq!(status_kind(404, "NoSuchBucket"), ObjectErrorKind::Denied);
        assert_eq!(status_kind(403, "AccessDenied"), ObjectErrorKind::Denied);
        assert_eq!(status_kind(301, "PermanentRedirect"), ObjectErrorKind::Denied);
    }

    #[test]
    fn overload_and_conflicts_are_tried_again() {
        for (status, code) in [
            (503, "SlowDown"),
            (500, "InternalError"),
            (429, ""),
            (409, "ConditionalRequestConflict"),
            (400, "RequestTimeout"),
            (400, "BadDigest"),
            (507, "XMinioStorageFull"),
            (0, ""),
        ] {
            assert_eq!(status_kind(status, code), ObjectErrorKind::Unavailable, "{status} {code}");
        }
        assert_eq!(status_kind(412, "PreconditionFailed"), ObjectErrorKind::AlreadyExists);
        assert_eq!(status_kind(501, "NotImplemented"), ObjectErrorKind::Invalid);
    }

    #[test]
    fn a_full_disk_says_what_to_do_and_is_tried_again() {
        let full = from_io(&io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(full.kind, ObjectErrorKind::Unavailable);
        assert!(full.reason.contains("free space"), "{}", full.reason);
        let read_only = from_io(&io::Error::from(io::ErrorKind::ReadOnlyFilesystem));
        assert_eq!(read_only.kind, ObjectErrorKind::Denied);
    }
}
