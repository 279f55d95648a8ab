//! Groups, their offsets, and transactions: pure state machines over a journal in the metadata store.
//!
//! A broker coordinates the groups and transactional ids of the [slots] that it owns. Their state lives in memory; every
//! change that a client may rely on is written to the [journal] before it is answered, and a new owner loads it from
//! there. What the journal's keys are: docs/formats/metadata.md; why: ADR 13.

mod coordinator;
mod error;
pub mod group;
mod groups;
pub mod journal;
mod options;
mod slot_log;
mod slot_table;
pub mod slots;
pub mod transaction;

pub use coordinator::Coordinator;
pub use error::{JournalError, SlotError};
pub use group::GroupError;
pub use groups::{
    Deleted, Fetched, FetchedOffset, Groups, Left, NewJoin, OffsetCommit, StagingQuestion, Wanted,
};
pub use journal::{Journal, SessionStamp};
pub use options::{CoordinatorOptions, CoordinatorParts, Topics};
pub use slot_log::{NoSlotLogs, SlotLogError, SlotLogs, SlotRecord};
pub use slots::{SlotClaim, SlotKind, slot_of};
pub use transaction::{TransactionError, Transactions};
