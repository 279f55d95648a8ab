//! What the log adds to the traces of requests: a batch's way into the WAL, and the flush that takes it to object storage.
//!
//! Nothing here is touched for a request that is not traced but an atomic that says so. Spans are held, not entered: they begin
//! when they are made and end when they are dropped. A request's own span ends with the request, whatever outlives it here.

mod flush_spans;
mod wal_spans;

pub(crate) use flush_spans::{FlushSpans, TracedAppends};
pub(crate) use wal_spans::WalSpans;
