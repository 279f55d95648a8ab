//! [`ConsumerAnswer`]: what a heartbeat under the consumer protocol is answered.

use super::{MemberId, Partitions};
use std::time::Duration;

/// The answer to a heartbeat, or to a member that left.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsumerAnswer {
    /// Who sent it; a new member learns its id.
    pub member: MemberId,
    /// The epoch it is in; negative, as on the wire, when it left.
    pub epoch: i32,
    /// When the next one is due.
    pub interval: Duration,
    /// What it may read, when it is to be told.
    pub assignment: Option<Partitions>,
}
