//! Why a broker does not start.

use cluster::ClusterError;
use wal::WalError;

/// What stopped a start; nothing was served.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The cluster's: identity, session, metadata.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The WAL's.
    #[error(transparent)]
    Wal(#[from] WalError),
    /// What the settings say of listeners' security.
    #[error("{0}")]
    Security(String),
    /// What the settings say of clusters whose groups are judged.
    #[error("{0}")]
    Lag(String),
    /// The WAL was closed to take a new id, and could not be opened again.
    #[error("the WAL is not open")]
    WalNotOpen,
}
