//! Request counts: every attempt, since the store was opened, and as metrics.

use crate::Operation;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Requests sent, every attempt counted, by kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RequestCounts {
    /// PUT, POST of multipart parts included.
    pub puts: u64,
    /// GET and HEAD.
    pub gets: u64,
    /// LIST.
    pub lists: u64,
    /// DELETE.
    pub deletes: u64,
    /// Attempts that failed.
    pub failures: u64,
}

/// How an attempt ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    Ok,
    /// The store refused: the answer would be the same again.
    Refused,
    /// The store did not answer, or could not.
    Failed,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// The counters behind [`RequestCounts`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    puts: AtomicU64,
    gets: AtomicU64,
    lists: AtomicU64,
    deletes: AtomicU64,
    failures: AtomicU64,
}

impl Counters {
    /// Counts one attempt that ended.
    pub fn count(&self, operation: Operation, outcome: Outcome) {
        self.of(operation).fetch_add(1, Relaxed);
        if outcome != Outcome::Ok {
            self.failures.fetch_add(1, Relaxed);
        }
        metrics::counter!(
            "alluvium_object_requests_total",
            "operation" => operation.as_str(),
            "outcome" => outcome.as_str()
        )
        .increment(1);
    }

    /// The counts so far.
    pub fn read(&self) -> RequestCounts {
        RequestCounts {
            puts: self.puts.load(Relaxed),
            gets: self.gets.load(Relaxed),
            lists: self.lists.load(Relaxed),
            deletes: self.deletes.load(Relaxed),
            failures: self.failures.load(Relaxed),
        }
    }

    fn of(&self, operation: Operation) -> &AtomicU64 {
        match operation {
            Operation::Put | Operation::PutIfAbsent => &self.puts,
            Operation::Get | Operation::Head => &self.gets,
            Operation::List => &self.lists,
            Operation::Delete => &self.deletes,
        }
    }
}

/// Counts the bytes of objects that went to the store (`sent`) or came from it (`received`).
pub(crate) fn count_bytes(direction: &'static str, bytes: u64) {
    metrics::counter!("alluvium_object_bytes_total", "direction" => direction).increment(bytes);
}
