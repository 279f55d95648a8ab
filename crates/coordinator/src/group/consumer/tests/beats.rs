//! Heartbeats of members, for tests.

use super::{Partitions, REBALANCE};
use crate::group::ConsumerHeartbeat;
use std::sync::Arc;

/// A member's first heartbeat.
pub(crate) fn first(member: &str, topics: &[&str]) -> ConsumerHeartbeat {
    ConsumerHeartbeat {
        rebalance_timeout: Some(REBALANCE),
        names: Some(topics.iter().map(|topic| Arc::from(*topic)).collect()),
        owned: Some(Partitions::default()),
        ..next(member, 0)
    }
}

/// One that says nothing new.
pub(crate) fn next(member: &str, epoch: u32) -> ConsumerHeartbeat {
    ConsumerHeartbeat {
        member: member.into(),
        instance: None,
        epoch,
        client_id: "client".into(),
        client_host: "/127.0.0.1".into(),
        rack: None,
        rebalance_timeout: None,
        names: None,
        regex: None,
        assignor: None,
        owned: None,
    }
}
