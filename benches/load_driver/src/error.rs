//! [`DriverError`]: why a run gave no figures.

use crate::broker_error::BrokerError;
use std::io;

/// Why a run gave no figures.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DriverError {
    /// The connection.
    #[error("{action}: {source}")]
    Io {
        /// What was tried.
        action: String,
        /// The cause.
        source: io::Error,
    },
    /// An answer that can't be read.
    #[error("the broker's answer to {0} does not parse")]
    Malformed(&'static str),
    /// An error code where a run can't go on.
    #[error("{what}: {code}")]
    Broker {
        /// What was asked for.
        what: String,
        /// The answer.
        code: BrokerError,
    },
    /// Arguments that make no run.
    #[error("{0}")]
    Usage(&'static str),
    /// A thread of the run panicked.
    #[error("a thread of this run panicked")]
    Panicked,
}

impl DriverError {
    pub(crate) fn io(action: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let action = action.into();
        move |source| Self::Io { action, source }
    }
}
