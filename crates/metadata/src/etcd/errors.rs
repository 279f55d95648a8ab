//! What an error of etcd, or of the way to it, proves.
//!
//! A write may have happened unless the error says otherwise: it never left this machine, or etcd names a reason that
//! it finds before it proposes anything. Messages are etcd's (`rpctypes`), which clients are meant to compare.

use crate::{MetadataError, Revision};
use etcd_client::Error;
use std::io;

/// gRPC's numbers for codes that refuse a request for what it is.
const REFUSALS: [i32; 5] = [
    3,  // invalid argument
    7,  // permission denied
    9,  // failed precondition
    12, // unimplemented
    16, // unauthenticated
];

/// The error of a call that changes nothing.
pub(super) fn of_read(error: &Error) -> MetadataError {
    match of_write(error) {
        MetadataError::OutcomeUnknown(reason) => MetadataError::Unavailable(reason),
        error => error,
    }
}

/// The error of a call that may have changed something.
pub(super) fn of_write(error: &Error) -> MetadataError {
    let text = error.to_string();
    match error {
        Error::GRpcStatus(status) => {
            let never_sent = was_never_sent(status);
            of_status(status.code().into(), status.message(), never_sent, text)
        }
        Error::TransportError(transport) if was_never_sent(transport) => {
            MetadataError::Unavailable(text)
        }
        Error::InvalidArgs(_) | Error::InvalidUri(_) | Error::InvalidMetadataValue(_) => {
            MetadataError::Refused(text)
        }
        Error::LeaseKeepAliveError(reason) if reason == "lease not found" => {
            MetadataError::LeaseGone
        }
        _ => MetadataError::OutcomeUnknown(text),
    }
}

/// Fills in which revision was asked for: etcd's error does not say up to where history is gone. A read of no
/// certain revision meets it only between two pages.
pub(super) fn with_revision(error: MetadataError, at: Option<Revision>) -> MetadataError {
    match (error, at) {
        (MetadataError::Compacted(_), Some(at)) => MetadataError::Compacted(at.next()),
        (MetadataError::Compacted(_), None) => {
            MetadataError::Unavailable("history was compacted during a long read".to_owned())
        }
        (error, _) => error,
    }
}

fn of_status(code: i32, message: &str, never_sent: bool, text: String) -> MetadataError {
    match message {
        "etcdserver: mvcc: database space exceeded" => MetadataError::NoSpace(text),
        "etcdserver: request is too large" | "etcdserver: too many operations in txn request" => {
            MetadataError::TooLarge(text)
        }
        "etcdserver: requested lease not found" => MetadataError::LeaseGone,
        "etcdserver: mvcc: required revision has been compacted" => {
            MetadataError::Compacted(Revision(0))
        }
        "etcdserver: mvcc: required revision is a future revision" => MetadataError::Refused(text),
        // Found before anything is proposed.
        "etcdserver: no leader" | "etcdserver: too many requests" => {
            MetadataError::Unavailable(text)
        }
        _ if never_sent => MetadataError::Unavailable(text),
        _ if REFUSALS.contains(&code) => MetadataError::Refused(text),
        _ => MetadataError::OutcomeUnknown(text),
    }
}

/// Whether the cause is a refused connection, which only making one can meet.
fn was_never_sent(error: &(dyn std::error::Error + 'static)) -> bool {
    runtime::errors::causes(error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::ConnectionRefused)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(code: i32, message: &str) -> MetadataError {
        of_status(code, message, false, message.to_owned())
    }

    #[test]
    fn a_timeout_inside_etcd_proves_nothing() {
        for message in [
            "etcdserver: request timed out",
            "etcdserver: request timed out, possibly due to connection lost",
            "etcdserver: leader changed",
            "etcdserver: server stopped",
            "error reading a body from connection",
        ] {
            assert!(matches!(judge(14, message), MetadataError::OutcomeUnknown(_)), "{message}");
        }
    }

    #[test]
    fn what_etcd_finds_before_it_proposes_did_not_happen() {
        for message in ["etcdserver: no leader", "etcdserver: too many requests"] {
            assert!(matches!(judge(14, message), MetadataError::Unavailable(_)), "{message}");
        }
    }

    #[test]
    fn a_request_that_never_left_did_not_happen() {
        let error = of_status(14, "tcp connect error", true, String::new());
        assert!(matches!(error, MetadataError::Unavailable(_)));
    }

    #[test]
    fn a_full_store_is_told_apart_from_too_many_requests() {
        let full = judge(8, "etcdserver: mvcc: database space exceeded");
        assert!(matches!(full, MetadataError::NoSpace(_)));
    }

    #[test]
    fn missing_permissions_are_refusals() {
        assert!(matches!(judge(7, "etcdserver: permission denied"), MetadataError::Refused(_)));
    }
}
