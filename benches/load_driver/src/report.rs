//! What a run prints.

use crate::latency::Percentiles;
use runtime::BootTime;
use serde::Serialize;
use std::{collections::BTreeMap, time::Duration};

/// What was written or read, how fast.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Transfer {
    pub(crate) requests: u64,
    pub(crate) records: u64,
    /// Of batches, headers included.
    pub(crate) bytes: u64,
    pub(crate) seconds: f64,
    /// 2^20 bytes a second, which Kafka's tools call MB/sec.
    pub(crate) mib_per_second: f64,
    /// Requests whose answer asked the client to be silent for a while.
    pub(crate) throttled_requests: u64,
    /// Batches that were refused, by error code. They are not sent again and not counted above.
    pub(crate) errors: BTreeMap<i16, u64>,
}

/// Counts of one thread, or of several added up.
#[derive(Clone, Default, Debug)]
pub(crate) struct Counts {
    pub(crate) requests: u64,
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    pub(crate) throttled_requests: u64,
    pub(crate) errors: BTreeMap<i16, u64>,
}

impl Counts {
    pub(crate) fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.records += other.records;
        self.bytes += other.bytes;
        self.throttled_requests += other.throttled_requests;
        for (code, count) in &other.errors {
            *self.errors.entry(*code).or_default() += count;
        }
    }

    pub(crate) fn over(self, duration: Duration) -> Transfer {
        let seconds = duration.as_secs_f64();
        Transfer {
            requests: self.requests,
            records: self.records,
            bytes: self.bytes,
            seconds,
            mib_per_second: self.bytes as f64 / f64::from(1 << 20) / seconds.max(1e-9),
            throttled_requests: self.throttled_requests,
            errors: self.errors,
        }
    }
}

/// What `produce` prints.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ProduceReport {
    pub(crate) produced: Transfer,
    /// From when a request was due (with a rate) or sent (without) to its answer.
    pub(crate) produce_ms: Percentiles,
    pub(crate) driver_cpu_seconds: f64,
}

/// What `consume` prints.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ConsumeReport {
    pub(crate) consumed: Transfer,
    pub(crate) driver_cpu_seconds: f64,
}

/// What `tail` prints.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TailReport {
    pub(crate) produced: Transfer,
    pub(crate) consumed: Transfer,
    pub(crate) produce_ms: Percentiles,
    /// From when a batch was due to when a consumer has read it; each batch counts once for each consumer.
    pub(crate) end_to_end_ms: Percentiles,
    pub(crate) driver_cpu_seconds: f64,
}

/// What `commit` prints.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CommitReport {
    pub(crate) seconds: f64,
    /// From when a commit was due to its answer.
    pub(crate) commit_ms: Percentiles,
    /// Refused commits, by error code.
    pub(crate) errors: BTreeMap<i16, u64>,
    pub(crate) driver_cpu_seconds: f64,
}

/// What `rebalance` prints.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RebalanceReport {
    /// Members of the group, or groups.
    pub(crate) members: usize,
    /// Until all had their shares; a classic group's includes the broker's `group.initial.rebalance.delay.ms`.
    pub(crate) formed_seconds: f64,
    /// From when one more joined until all had theirs again.
    pub(crate) rebalanced_seconds: f64,
    pub(crate) driver_cpu_seconds: f64,
}

/// What `transactions` prints.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TransactionsReport {
    pub(crate) seconds: f64,
    pub(crate) transactions: u64,
    pub(crate) transactions_per_second: f64,
    /// Requests that were sent again because the producer's transaction before was not complete.
    pub(crate) came_back: u64,
    /// From a transaction's first request to the answer to its last.
    pub(crate) transaction_ms: Percentiles,
    /// Until its partitions are added, waiting for the transaction before included.
    pub(crate) begin_ms: Percentiles,
    /// From `EndTxn` to its answer.
    pub(crate) end_ms: Percentiles,
    /// How long it took to take the ids that are left at rest.
    pub(crate) at_rest_seconds: f64,
    pub(crate) driver_cpu_seconds: f64,
}

/// What `outage` prints.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct OutageReport {
    pub(crate) seconds: f64,
    pub(crate) partitions: usize,
    /// Partitions that ended with another leader than they began with.
    pub(crate) moved: usize,
    /// The longest time without an acknowledgement of each partition that moved.
    pub(crate) moved_ms: Percentiles,
    /// Of each that stayed.
    pub(crate) stayed_ms: Percentiles,
    /// Batches that were acknowledged, and how many of them can't be read.
    pub(crate) acknowledged: u64,
    pub(crate) lost: u64,
    /// Refused batches, by error code; they are due again at the next turn.
    pub(crate) errors: BTreeMap<i16, u64>,
    pub(crate) driver_cpu_seconds: f64,
}

/// What `idle` prints.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct IdleReport {
    pub(crate) connections: usize,
    pub(crate) still_open: usize,
}

/// What `collector` prints.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CollectorReport {
    pub(crate) spans: u64,
    pub(crate) metrics: u64,
}

/// User and system time of this process so far.
pub(crate) fn driver_cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// From the first start to the last end.
pub(crate) fn span(times: impl Iterator<Item = (BootTime, BootTime)>) -> Duration {
    let joined = times.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)));
    joined.map_or(Duration::ZERO, |(start, end)| end.since(start))
}
