//! [`Failure`]: why a snapshot was not written or read.

use formats::snapshot::SnapshotError;
use metadata::MetadataError;
use storage::ObjectError;

/// Why a snapshot was not written or read.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The metadata store's error.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The object store's error.
    #[error(transparent)]
    Objects(#[from] ObjectError),
    /// An object, named here, is not what a snapshot has.
    #[error("{object}: {error}")]
    Snapshot {
        /// Its name.
        object: String,
        /// What is wrong with it.
        error: SnapshotError,
    },
}
