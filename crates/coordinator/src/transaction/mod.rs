//! Transactions: who has a transactional id, what goes on under it, and how it ends (KIP-98, KIP-360, KIP-890).
//!
//! [`decide`] is the state machine. [`Transactions`] holds the ids of this broker's slots, writes every decision to the
//! journal before it is answered, and has each transaction that was decided marked on all its partitions. Why a
//! transaction is durable then, and how first batches are verified: ADR 14.

mod coordinator;
mod decide;
mod error;
mod load;
mod marking;
mod ports;
mod restored;
mod slot;
mod state;
mod state_topic;
mod sweep;
#[cfg(test)]
mod tests;
mod value;
mod verification;

pub use coordinator::{ProducerInEpoch, TransactionOptions, TransactionalId, Transactions};
pub use decide::{Answer, Decision, Event, PARTITIONS_MAX, decide};
pub use error::TransactionError;
pub use formats::record_batch::TransactionResult;
pub use ports::{Marked, Marker, Markers, ProducerIds};
pub use restored::{LoggedProducer, LoggedTransaction, Resolved, resolve};
pub use state::{TransactionState, TransactionVersion, TransactionalProducer};
