//! What can go wrong on the way to a broker and back.

/// A request that was not answered.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ConnectionError {
    /// There is no connection.
    #[error("no broker answers at {address}: {reason}")]
    Unreachable {
        /// The broker's `host:port`.
        address: String,
        /// Why not.
        reason: String,
    },
    /// One side does not trust the other.
    #[error("the broker at {address} and this client do not come together: {reason}")]
    Refused {
        /// The broker's `host:port`.
        address: String,
        /// Why not.
        reason: String,
    },
    /// The connection broke in the middle: whether the request was executed is not known.
    #[error("the connection to {address} broke: {reason}")]
    Broken {
        /// The broker's `host:port`.
        address: String,
        /// How.
        reason: String,
    },
    /// Bytes that can't be read, or a request that its version can't carry.
    #[error("the broker at {address} sent something that can't be read: {reason}")]
    Malformed {
        /// The broker's `host:port`.
        address: String,
        /// What is wrong.
        reason: String,
    },
}
