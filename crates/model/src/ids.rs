//! Identifiers: small copyable values that name a cluster, a broker, a session, a topic, a partition.

use std::{fmt, str::FromStr};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps 16 bytes, in network order.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// Makes a version 4 id from 16 random bytes.
            pub const fn from_random_bytes(bytes: [u8; 16]) -> Self {
                Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
            }

            /// Reads the id from a slice that must be 16 bytes long; `None` otherwise.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                Some(Self::from_bytes(bytes.try_into().ok()?))
            }

            /// The 16 bytes, in network order.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// The id as a UUID.
            pub const fn as_uuid(&self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0.simple(), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0.simple())
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::try_parse(text).map(Self)
            }
        }
    };
}

uuid_id! {
    /// Names a topic for ever; a topic that is deleted and created again gets another one (KIP-516).
    TopicId
}
uuid_id! {
    /// Names one life of a broker in the cluster. Random, because etcd revisions repeat after a restore.
    SessionId
}
uuid_id! {
    /// Names a write-ahead log: one directory on one disk, for as long as nothing in it was lost.
    WalId
}

/// The cluster's id: 1 to 64 characters of `[A-Za-z0-9_-]`, shown to clients and stamped on every directory.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ClusterId(String);

/// A cluster id that is empty, too long, or has a character outside `[A-Za-z0-9_-]`.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("cluster id {0:?} must be 1 to 64 characters of letters, digits, '_' and '-'")]
pub struct InvalidClusterId(pub String);

impl ClusterId {
    /// Checks and wraps `text`.
    ///
    /// # Errors
    /// [`InvalidClusterId`] when it is empty, longer than 64 bytes or has another character.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidClusterId> {
        let text = text.into();
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if fits { Ok(Self(text)) } else { Err(InvalidClusterId(text)) }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident($inner:ty) as $wire:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name($inner);

        impl $name {
            /// Wraps a value that Kafka's signed wire type can carry; `None` for one that it can't.
            pub const fn new(value: $inner) -> Option<Self> {
                if value <= <$wire>::MAX as $inner { Some(Self(value)) } else { None }
            }

            /// Reads the wire value; `None` when negative.
            pub const fn from_wire(value: $wire) -> Option<Self> {
                if value < 0 { None } else { Some(Self(value as $inner)) }
            }

            /// The number.
            pub const fn get(self) -> $inner {
                self.0
            }

            /// The number as Kafka's wire carries it.
            pub const fn to_wire(self) -> $wire {
                self.0 as $wire
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

number_id! {
    /// A broker's number, unique among the cluster's brokers.
    BrokerId(u32) as i32
}
number_id! {
    /// A partition's position in its topic, from zero.
    PartitionIndex(u32) as i32
}
number_id! {
    /// An idempotent or transactional producer's id, never given twice in a cluster (KIP-98).
    ProducerId(u64) as i64
}
number_id! {
    /// A producer's epoch: the higher one fences the lower (KIP-98).
    ProducerEpoch(u16) as i16
}

/// One partition of one topic; the key of everything that is kept by partition.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PartitionId {
    /// The topic.
    pub topic: TopicId,
    /// The partition within it.
    pub partition: PartitionIndex,
}

impl fmt::Display for PartitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.topic, self.partition)
    }
}
