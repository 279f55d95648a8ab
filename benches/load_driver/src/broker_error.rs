//! [`BrokerError`]: Kafka's error codes as they come on the wire.

use std::fmt;

/// An error code other than 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct BrokerError(pub(crate) i16);

impl BrokerError {
    /// `None` for 0.
    pub(crate) fn from_wire(code: i16) -> Option<Self> {
        (code != 0).then_some(Self(code))
    }

    /// What a topic that is being made, or has just been, answers for a moment: unknown topic or partition, leader not available,
    /// not leader.
    pub(crate) fn passes(self) -> bool {
        matches!(self.0, 3 | 5 | 6)
    }

    /// What a coordinator answers for a moment: it is not known yet, loads, or completes the producer's last transaction.
    pub(crate) fn coordinator_is_busy(self) -> bool {
        matches!(self.0, 14 | 15 | 16 | 51)
    }

    /// `TOPIC_ALREADY_EXISTS`.
    pub(crate) fn topic_exists(self) -> bool {
        self.0 == 36
    }
}

impl fmt::Display for BrokerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error code {}", self.0)
    }
}
