//! [`Versions`]: a range of versions of a message.

/// Versions from `min` to `max`, both included; empty when `min` is larger.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Versions {
    /// The lowest.
    pub min: i16,
    /// The highest.
    pub max: i16,
}

impl Versions {
    /// None of them.
    pub const NONE: Self = Self::new(0, -1);
    /// All that a message has.
    pub const ALL: Self = Self::from(0);

    /// From `min` to `max`.
    pub const fn new(min: i16, max: i16) -> Self {
        Self { min, max }
    }

    /// From `min` on.
    pub const fn from(min: i16) -> Self {
        Self::new(min, i16::MAX)
    }

    /// Whether `version` is one of them.
    pub const fn contains(self, version: i16) -> bool {
        self.min <= version && version <= self.max
    }
}
