//! Recorded histories of clients, and the checks of what Kafka guarantees about them, after Jepsen's Kafka workload.
//!
//! A history is JSON lines. The first one states the [`Conditions`]; each other one is an [`Event`], the invocation or
//! the completion of an operation:
//!
//! ```text
//! {"history":1,"isolation":"read_committed","idempotence":true,"read_to_end":true}
//! {"process":0,"id":1,"time":100,"type":"invoke","op":"send","records":{"orders-0":[[null,17]]}}
//! {"process":0,"id":1,"time":250,"type":"ok","op":"send","records":{"orders-0":[[5,17]]}}
//! {"process":1,"id":2,"time":260,"type":"invoke","op":"poll"}
//! {"process":1,"id":2,"time":300,"type":"ok","op":"poll","records":{"orders-0":[[5,17]]}}
//! ```
//!
//! - `process` is one client: at most one producer and one consumer. `id` numbers operations; those of one process may
//!   overlap. `time` is in nanoseconds of one clock for the whole history. A completion follows its invocation; apart
//!   from that the order of lines does not matter, so histories of several recorders may be concatenated.
//! - `type` is `invoke`, `ok`, `fail` (surely did not happen) or `info` (nobody knows). An operation without a
//!   completion counts as `info`. A send with `acks=0` is never `ok`.
//! - `op` is one of [`Action`]. A record is `[offset, value]`; the offset of a sent one may be null. Values are numbers,
//!   unique within their partition.
//!
//! [`audit`] answers with a [`Report`]: violations, and apart from them what Kafka permits. It takes n log n time, and
//! memory in proportion to the history: about 350 bytes for each record that is sent and polled. Committed offsets
//! (`commit_offsets`) are kept, but no check judges them yet.

mod action;
mod checks;
mod components;
mod conditions;
mod error;
mod event;
mod finding;
mod history;
mod observed;
mod positions;
mod reader;
mod report;
#[cfg(test)]
mod tests;
mod transactions;

pub use action::{Action, PolledRecords, SentRecords};
pub use checks::audit;
pub use conditions::{Conditions, Isolation};
pub use error::HistoryError;
pub use event::{Event, Phase};
pub use finding::{Anomaly, Finding, Permission};
pub use history::{History, HistoryBuilder};
pub use reader::read;
pub use report::{Report, Tally};
