//! [`GroupLimits`]: what every group of a broker keeps to.

use super::consumer::Assignor;
use std::time::Duration;

/// Limits of every group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupLimits {
    /// `group.initial.rebalance.delay.ms`.
    pub initial_rebalance_delay: Duration,
    /// `group.min.session.timeout.ms`.
    pub min_session_timeout: Duration,
    /// `group.max.session.timeout.ms`.
    pub max_session_timeout: Duration,
    /// `group.max.size`.
    pub max_size: usize,
    /// Bytes of a group's members: ids, subscriptions, assignments. What is stored of a group must fit into one value.
    pub max_bytes: usize,
    /// Of groups under the consumer protocol.
    pub consumer: ConsumerLimits,
}

impl Default for GroupLimits {
    fn default() -> Self {
        Self {
            initial_rebalance_delay: Duration::from_secs(3),
            min_session_timeout: Duration::from_secs(6),
            max_session_timeout: Duration::from_mins(30),
            max_size: i32::MAX as usize,
            max_bytes: 1 << 20,
            consumer: ConsumerLimits::default(),
        }
    }
}

/// Limits of groups under the consumer protocol (KIP-848).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsumerLimits {
    /// `group.consumer.session.timeout.ms`.
    pub session_timeout: Duration,
    /// `group.consumer.heartbeat.interval.ms`.
    pub heartbeat_interval: Duration,
    /// `group.consumer.max.size`.
    pub max_size: usize,
    /// `group.consumer.assignors`; the first one is for members that ask for none.
    pub assignors: Vec<Assignor>,
    /// `group.consumer.migration.policy`.
    pub migration: Migration,
}

impl Default for ConsumerLimits {
    fn default() -> Self {
        Self {
            session_timeout: Duration::from_secs(45),
            heartbeat_interval: Duration::from_secs(5),
            max_size: i32::MAX as usize,
            assignors: vec![Assignor::Uniform, Assignor::Range],
            migration: Migration::default(),
        }
    }
}

/// Whether groups with members go from one protocol to the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Migration {
    /// In both directions.
    #[default]
    Bidirectional,
    /// From the classic one to the consumer one.
    Upgrade,
    /// From the consumer one to the classic one.
    Downgrade,
    /// Never.
    Disabled,
}

impl Migration {
    /// The policy of this name in `group.consumer.migration.policy`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "bidirectional" => Some(Self::Bidirectional),
            "upgrade" => Some(Self::Upgrade),
            "downgrade" => Some(Self::Downgrade),
            "disabled" => Some(Self::Disabled),
            _ => None,
        }
    }

    /// Whether a classic group becomes one of the consumer protocol when the first such member joins it.
    pub fn upgrades(self) -> bool {
        matches!(self, Self::Bidirectional | Self::Upgrade)
    }

    /// Whether it becomes a classic one when the last such member is gone.
    pub fn downgrades(self) -> bool {
        matches!(self, Self::Bidirectional | Self::Downgrade)
    }
}
