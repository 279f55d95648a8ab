//! [`Lifetime`]: how long records stay, as far as layout goes by it.

use crate::engine::Engine;
use model::{PartitionId, config::TopicSettings};

/// How long what a partition holds stays in shared segments, to a power of two.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Lifetime(u8);

impl Lifetime {
    /// Compaction takes it over into partition segments, whatever its age.
    const REWRITTEN: Self = Self(0);
    /// No time is set; size or the topic's deletion ends it.
    const UNLIMITED: Self = Self(u8::MAX);
    /// The partition has moved away.
    const UNKNOWN: Self = Self(u8::MAX - 1);

    /// That of a topic's records.
    fn of(settings: &TopicSettings) -> Self {
        if settings.cleanup_policy.compact {
            return Self::REWRITTEN;
        }
        settings.retention_ms.map_or(Self::UNLIMITED, |ms| Self(1 + ms.max(1).ilog2() as u8))
    }

    /// That of the records of a partition that may be open here.
    pub(super) fn of_partition(engine: &Engine, partition: PartitionId) -> Self {
        let partition = engine.partition(partition);
        partition.map_or(Self::UNKNOWN, |it| Self::of(&it.sequencer.lock().settings))
    }

    /// One that differs from those of other numbers.
    #[cfg(test)]
    pub(super) const fn numbered(number: u8) -> Self {
        Self(number)
    }
}
