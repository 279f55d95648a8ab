//! What brokers' partitions carry: each broker tells under `loads/`, and the controller reads it when it balances. Nobody watches it.

use crate::{Ownership, cluster::Shared, session::RegisteredSession};
use formats::metadata::{Load, PartitionLoad};
use metadata::{
    Compare, MetadataError, Operation, RangeQuery, Transaction,
    families::{decode, encode},
};
use model::{BrokerId, PartitionId, PartitionIndex, TopicId};
use std::{cmp::Reverse, collections::BTreeMap, sync::Arc, time::Duration};

/// Partitions that a broker names. Of those that carry less, it is known how much they do together.
const BUSIEST: usize = 64;

/// A broker that carries less than that (bytes of records a second) is as good as idle.
pub(crate) const IDLE: u64 = 64 << 10;

/// What changes by less than one part in so many is not told again.
const WORTH_TELLING: u64 = 10;

/// Tells, until dropped, what this broker's partitions carry, several times between two looks of the controller.
pub(crate) async fn tell(
    shared: Arc<Shared>,
    ownership: Arc<dyn Ownership>,
    session: RegisteredSession,
) {
    let Some(interval) = shared.options.balancing_interval else {
        return std::future::pending().await;
    };
    let rhythm = (interval / 8).clamp(Duration::from_millis(500), Duration::from_secs(15));
    let mut meter = Meter::default();
    let mut told = Load::default();
    meter.measure(ownership.carried_bytes(), Duration::ZERO);
    let mut since = shared.parts.clock.boot_time();
    loop {
        tokio::time::sleep(rhythm).await;
        let now = shared.parts.clock.boot_time();
        meter.measure(ownership.carried_bytes(), now.since(since));
        since = now;
        let load = meter.load();
        if !is_news(&told, &load) {
            continue;
        }
        match put(&shared, &session, load.clone()).await {
            Ok(()) => told = load,
            Err(error) => tracing::debug!(%error, "what partitions carry is told later"),
        }
    }
}

async fn put(
    shared: &Shared,
    session: &RegisteredSession,
    load: Load,
) -> Result<(), MetadataError> {
    let (keys, stamp) = (&shared.parts.keys, session.stamp);
    let lives = Compare::CreateRevision(keys.session(stamp.broker), stamp.create_revision);
    let put = Operation::Put {
        key: keys.load(stamp.broker),
        value: encode(load),
        lease: Some(session.lease.id),
    };
    let told = Transaction { compares: vec![lives], then: vec![put], ..Transaction::default() };
    shared.parts.metadata.transact(told).await.map(|_| ())
}

/// What brokers have told.
///
/// # Errors
/// The store's.
pub(crate) async fn read(shared: &Shared) -> Result<BTreeMap<BrokerId, Carried>, MetadataError> {
    let keys = &shared.parts.keys;
    let found = shared.parts.metadata.range(RangeQuery::prefix(keys.loads())).await?;
    let loads = found.entries.iter().filter_map(|entry| {
        let broker = keys.parse_load(&entry.key)?;
        match decode::<Load>(entry) {
            Ok(load) => Some((broker, Carried::from(&load))),
            Err(error) => {
                tracing::error!(%error, "what a broker carries is passed over");
                None
            }
        }
    });
    Ok(loads.collect())
}

/// What a broker's partitions carry, in bytes of records a second.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Carried {
    /// All of them.
    pub total: u64,
    /// Those that carry the most.
    pub busiest: BTreeMap<PartitionId, u64>,
}

impl From<&Load> for Carried {
    fn from(load: &Load) -> Self {
        let busiest = load.busiest.iter().filter_map(|it| {
            let topic = TopicId::from_slice(&it.topic)?;
            let partition = PartitionIndex::new(it.partition)?;
            Some((PartitionId { topic, partition }, it.bytes_per_second))
        });
        Self { total: load.bytes_per_second, busiest: busiest.collect() }
    }
}

/// Makes rates of counts, each the mean of the last one and what was measured now: a burst moves nothing.
#[derive(Debug, Default)]
struct Meter {
    counts: BTreeMap<PartitionId, u64>,
    rates: BTreeMap<PartitionId, u64>,
}

impl Meter {
    /// Takes in what partitions have carried, `elapsed` after the last time. One that was closed and opened begins anew.
    fn measure(&mut self, counts: BTreeMap<PartitionId, u64>, elapsed: Duration) {
        let millis = (elapsed.as_millis() as u64).max(1);
        let rate = |(partition, count): (&PartitionId, &u64)| {
            let before = self.counts.get(partition).copied().filter(|before| before <= count);
            let now = (count - before.unwrap_or(0)).saturating_mul(1_000) / millis;
            let rate = match self.rates.get(partition) {
                Some(rate) => rate.midpoint(now),
                None => now,
            };
            (*partition, rate)
        };
        self.rates = match elapsed.is_zero() {
            true => BTreeMap::new(),
            false => counts.iter().map(rate).collect(),
        };
        self.counts = counts;
    }

    fn load(&self) -> Load {
        let mut busiest: Vec<_> = self.rates.iter().filter(|(_, rate)| **rate > 0).collect();
        busiest.sort_by_key(|(partition, rate)| (Reverse(**rate), **partition));
        let busiest = busiest.into_iter().take(BUSIEST).map(|(partition, rate)| PartitionLoad {
            topic: partition.topic.as_bytes().to_vec().into(),
            partition: partition.partition.get(),
            bytes_per_second: *rate,
        });
        Load { format: 1, bytes_per_second: self.rates.values().sum(), busiest: busiest.collect() }
    }
}

/// Whether a load differs by enough from what was told before.
fn is_news(told: &Load, now: &Load) -> bool {
    let scale = told.bytes_per_second.max(now.bytes_per_second);
    if scale < IDLE {
        return false;
    }
    let differs = |before: u64, now: u64| before.abs_diff(now) > scale / WORTH_TELLING;
    let (before, after) = (Carried::from(told), Carried::from(now));
    let of = |carried: &Carried, partition| carried.busiest.get(partition).copied().unwrap_or(0);
    differs(before.total, after.total)
        || (before.busiest.keys().chain(after.busiest.keys()))
            .any(|partition| differs(of(&before, partition), of(&after, partition)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(index: u32) -> PartitionId {
        let topic = TopicId::from_random_bytes([7; 16]);
        PartitionId { topic, partition: PartitionIndex::new(index).unwrap() }
    }

    fn counts(counts: &[u64]) -> BTreeMap<PartitionId, u64> {
        (0..).map(partition).zip(counts.iter().copied()).collect()
    }

    fn rates(meter: &Meter) -> Vec<u64> {
        meter.rates.values().copied().collect()
    }

    #[test]
    fn a_rate_is_the_mean_of_the_last_one_and_what_was_measured() {
        let mut meter = Meter::default();
        meter.measure(counts(&[1_000_000]), Duration::ZERO);
        assert_eq!(meter.load().bytes_per_second, 0);
        meter.measure(counts(&[1_020_000, 500]), Duration::from_secs(10));
        assert_eq!(rates(&meter), [2_000, 50]);
        meter.measure(counts(&[1_020_000, 10_500]), Duration::from_secs(10));
        assert_eq!(rates(&meter), [1_000, 525]);
        // Closed and opened again: it counts from 0.
        meter.measure(counts(&[20_000]), Duration::from_secs(10));
        assert_eq!(rates(&meter), [1_500]);
    }

    #[test]
    fn the_busiest_are_named_and_all_are_counted() {
        let mut meter = Meter::default();
        let all: Vec<u64> = (0..200).collect();
        meter.measure(counts(&all), Duration::from_secs(1));
        let carried = Carried::from(&meter.load());
        assert_eq!(carried.total, 199 * 100);
        assert_eq!(carried.busiest.len(), BUSIEST);
        assert_eq!(carried.busiest.first_key_value(), Some((&partition(136), &136)));
    }

    #[test]
    fn what_hardly_changed_is_not_told_again() {
        let load = |total: u64, first: u64| {
            let of_first = PartitionLoad {
                topic: partition(0).topic.as_bytes().to_vec().into(),
                partition: 0,
                bytes_per_second: first,
            };
            Load { format: 1, bytes_per_second: total, busiest: vec![of_first] }
        };
        let idle = load(IDLE - 1, 0);
        assert!(!is_news(&Load::default(), &idle) && is_news(&Load::default(), &load(IDLE, 0)));
        let told = load(1_000_000, 500_000);
        assert!(!is_news(&told, &load(1_090_000, 450_000)));
        assert!(is_news(&told, &load(1_120_000, 500_000)));
        assert!(is_news(&told, &load(1_000_000, 380_000)));
        assert!(is_news(&told, &Load::default()));
    }
}
