//! One partition's log: append, read, watermarks, producer state, flush, upkeep.
//!
//! [`PartitionLogs`] holds the partitions that this broker owns. Each is one sequencer: appends take an offset and a
//! place in the WAL under one short lock; the flush pipeline stores and commits them for all partitions together
//! (DESIGN sections 3, 4 and 6). Kafka's wire types and error codes are unknown here.

pub mod adoption;
mod append;
#[doc(hidden)]
pub mod benchmarks;
mod buffers;
mod damage;
mod description;
mod end_transaction;
mod engine;
mod epochs;
mod error;
mod flush_queue;
mod flush_schedule;
mod fold;
mod followed;
mod footer_read;
pub mod fsck;
#[doc(hidden)]
pub mod fuzzing;
mod gather;
mod handover;
mod index;
mod manifest;
mod manifest_rest;
mod notices;
mod object_names;
mod object_read;
mod partition;
mod partition_logs;
mod pipeline;
mod ports;
mod produced;
mod producer_state;
mod producer_windows;
mod read;
mod read_ahead;
mod recovery;
mod sequencer;
mod shutdown;
mod single_flight;
mod stores;
mod tail;
mod terms;
mod traces;
mod upkeep;
mod validation;
mod waiters;
mod wal_progress;

pub use append::PendingAppend;
pub use description::{Described, LogDescription, RestDescription, describe};
pub use end_transaction::EndTransaction;
pub use error::{AppendError, LogError, ReadError};
pub use followed::FollowedPartitions;
pub use gather::Spool;
pub use notices::{Notice, NoticesFound, NoticesWanted};
pub use partition::{
    AbortedTransaction, Acknowledged, Acks, AppendOrigin, EpochEnd, FoundOffset, Isolation,
    Partition, ReadAnswer, ReadRequest, TimestampQuery, Watermarks,
};
pub use partition_logs::{
    Claim, CleanerOptions, EngineOptions, EngineStatus, GatherFrom, GatherOptions, PartitionLogs,
    Parts, SessionStamp,
};
pub use ports::Authority;
pub use producer_state::{ProducerDescription, Verification};
pub use producer_windows::{AwaitedRequest, ProducerConnection};
pub use read::read_side_by_side;
pub use stores::Stores;
