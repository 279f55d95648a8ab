//! A line of a history: an operation begins or ends.

use crate::Action;
use serde::{Deserialize, Serialize};

/// What a line says of its operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It begins.
    Invoke,
    /// It happened.
    Ok,
    /// It surely did not happen.
    Fail,
    /// It may have happened, or still happen.
    Info,
}

/// A line of a history.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Event {
    /// The client.
    pub process: u32,
    /// The operation's number, unique in the history.
    pub id: u64,
    /// Nanoseconds since any moment, the same one for the whole history.
    pub time: u64,
    /// Beginning or end.
    #[serde(rename = "type")]
    pub phase: Phase,
    /// What is done.
    #[serde(flatten)]
    pub action: Action,
}
