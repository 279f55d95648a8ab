//! Positions in a log: offsets, leader epochs, timestamps.

use std::fmt;

/// A record's position in its partition, from zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Offset(u64);

impl Offset {
    /// The first offset of every log.
    pub const ZERO: Self = Self(0);

    /// Wraps a value up to `i64::MAX`; `None` above it.
    pub const fn new(value: u64) -> Option<Self> {
        if value <= i64::MAX as u64 { Some(Self(value)) } else { None }
    }

    /// Reads the wire value; `None` when negative.
    pub const fn from_wire(value: i64) -> Option<Self> {
        if value < 0 { None } else { Some(Self(value as u64)) }
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The number as Kafka's wire carries it.
    pub const fn to_wire(self) -> i64 {
        self.0 as i64
    }

    /// The offset `records` further on.
    ///
    /// # Panics
    /// Never in practice: a log of 2^63 records can't be written. Guarded, because a wrapped offset would destroy data.
    pub const fn plus(self, records: u64) -> Self {
        match self.0.checked_add(records) {
            Some(sum) if sum <= i64::MAX as u64 => Self(sum),
            _ => panic!("an offset left the range that Kafka's wire can carry"),
        }
    }

    /// How many offsets lie in `earlier..self`; zero when `earlier` is not earlier.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Counts a partition's changes of ownership; it only grows (KIP-101).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct LeaderEpoch(u32);

impl LeaderEpoch {
    /// The epoch of a partition that nobody has owned yet.
    pub const ZERO: Self = Self(0);

    /// Wraps a value up to `i32::MAX`; `None` above it.
    pub const fn new(value: u32) -> Option<Self> {
        if value <= i32::MAX as u32 { Some(Self(value)) } else { None }
    }

    /// Reads the wire value; `None` when negative.
    pub const fn from_wire(value: i32) -> Option<Self> {
        if value < 0 { None } else { Some(Self(value as u32)) }
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The number as Kafka's wire carries it.
    pub const fn to_wire(self) -> i32 {
        self.0 as i32
    }

    /// The epoch after this one.
    ///
    /// # Panics
    /// When 2^31 epochs are used up: a repeated epoch would unfence a zombie.
    pub const fn next(self) -> Self {
        assert!(self.0 < i32::MAX as u32, "leader epochs are used up");
        Self(self.0 + 1)
    }
}

impl fmt::Display for LeaderEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Milliseconds since 1970-01-01 UTC, as records carry them; negative values exist in the wild.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct TimestampMs(pub i64);
