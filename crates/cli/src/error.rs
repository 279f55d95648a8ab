//! What can go wrong in a command, in words for the person who typed it.

use kafka_client::ConnectionError;
use kafka_protocol::ResponseError;

/// A command that failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// No bootstrap broker answered.
    #[error("no broker answers at {address}: {reason}; is it running? (--bootstrap-server)")]
    Unreachable {
        /// Tried last.
        address: String,
        /// Why not.
        reason: String,
    },
    /// A broker is there and does not let this client in, or is not believed.
    #[error(
        "the broker at {address} and this client do not come together: {reason} (--command-config says how to come in)"
    )]
    Refused {
        /// The broker.
        address: String,
        /// Why not.
        reason: String,
    },
    /// A connection broke in the middle.
    #[error("the connection to {address} broke: {reason}")]
    Connection {
        /// The broker.
        address: String,
        /// How.
        reason: String,
    },
    /// The broker answered with an error.
    #[error("{subject}: {name}{}", message.as_deref().map(|m| format!(" ({m})")).unwrap_or_default())]
    Broker {
        /// What it is about.
        subject: String,
        /// Kafka's name of the error.
        name: String,
        /// The broker's words.
        message: Option<String>,
        /// Kafka's code.
        code: i16,
    },
    /// What was typed makes no sense.
    #[error("{0}")]
    Usage(String),
    /// Bytes from a broker that can't be read.
    #[error("the broker at {address} sent something that can't be read: {reason}")]
    Malformed {
        /// The broker.
        address: String,
        /// What is wrong.
        reason: String,
    },
    /// Standard input or output.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl CliError {
    /// An error when `code` is one.
    ///
    /// # Errors
    /// [`CliError::Broker`].
    pub(crate) fn check(
        code: i16,
        subject: impl Into<String>,
        message: Option<String>,
    ) -> Result<(), Self> {
        if code == 0 {
            return Ok(());
        }
        let name = ResponseError::try_from_code(code)
            .map_or_else(|| format!("error {code}"), |error| format!("{error:?}"));
        Err(Self::Broker { subject: subject.into(), name, message, code })
    }

    /// Whether asking again (after looking up leaders anew) may help.
    pub(crate) fn retryable(&self) -> bool {
        match self {
            Self::Broker { code, .. } => {
                ResponseError::try_from_code(*code).is_some_and(|error| error.is_retriable())
            }
            Self::Connection { .. } | Self::Unreachable { .. } | Self::Refused { .. } => true,
            _ => false,
        }
    }

    /// Whether a topic was not created because there is one of that name.
    pub(crate) fn is_about_an_existing_topic(&self) -> bool {
        matches!(self, Self::Broker { code, .. } if *code == ResponseError::TopicAlreadyExists.code())
    }

    /// Whether standard output was closed by its reader, which ends a command quietly.
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == std::io::ErrorKind::BrokenPipe)
    }
}

impl From<ConnectionError> for CliError {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::Unreachable { address, reason } => {
                Self::Unreachable { address, reason }
            }
            ConnectionError::Refused { address, reason } => Self::Refused { address, reason },
            ConnectionError::Broken { address, reason } => Self::Connection { address, reason },
            ConnectionError::Malformed { address, reason } => Self::Malformed { address, reason },
        }
    }
}
