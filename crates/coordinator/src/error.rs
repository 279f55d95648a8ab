//! Why something was not written, or is not here.

/// Why a journal does not take or keep something.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum JournalError {
    /// Too much waits to be written; try again.
    #[error("too many changes wait for the metadata store")]
    Overloaded,
    /// The session is over: another coordinator decides, or this one under its next session.
    #[error("the session is over")]
    Ended,
}

/// Why a slot can't be used here and now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SlotError {
    /// Another broker owns it.
    #[error("this broker is not the coordinator")]
    NotCoordinator,
    /// It is being loaded.
    #[error("the coordinator is loading")]
    Loading,
}
