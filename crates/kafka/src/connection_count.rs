//! [`ConnectionCount`]: how many connections are open, in all and by address.

use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::Arc,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Counts open connections.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionCount {
    by_ip: Arc<Mutex<HashMap<IpAddr, usize>>>,
    max_per_ip: usize,
    overrides: Arc<BTreeMap<IpAddr, usize>>,
    slots: Arc<Semaphore>,
}

/// A counted connection; dropping it counts down.
#[derive(Debug)]
pub(crate) struct Counted {
    count: ConnectionCount,
    ip: IpAddr,
    slot: Option<OwnedSemaphorePermit>,
}

impl ConnectionCount {
    /// At most `max` in all, and `max_per_ip` from one address, or what `overrides` says of it.
    pub(crate) fn new(max: usize, max_per_ip: usize, overrides: BTreeMap<IpAddr, usize>) -> Self {
        let slots = Arc::new(Semaphore::new(max.clamp(1, Semaphore::MAX_PERMITS)));
        Self { by_ip: Arc::default(), max_per_ip, overrides: Arc::new(overrides), slots }
    }

    /// Counts one from `ip`, unless there are too many from there. It has no slot yet.
    pub(crate) fn enter(&self, ip: IpAddr) -> Option<Counted> {
        // An IPv4 address that came in at an IPv6 socket is the same.
        let ip = ip.to_canonical();
        let max = self.overrides.get(&ip).copied().unwrap_or(self.max_per_ip);
        let mut by_ip = self.by_ip.lock();
        if by_ip.get(&ip).copied().unwrap_or_default() >= max {
            return None;
        }
        *by_ip.entry(ip).or_default() += 1;
        drop(by_ip);
        Some(Counted { count: self.clone(), ip, slot: None })
    }
}

impl Counted {
    /// Whether all slots are taken.
    pub(crate) fn must_wait(&self) -> bool {
        self.count.slots.available_permits() == 0
    }

    /// Waits for a slot.
    ///
    /// # Cancel safety
    /// Safe: a dropped wait counts nothing.
    pub(crate) async fn with_slot(mut self) -> Self {
        // The semaphore is never closed.
        self.slot = Arc::clone(&self.count.slots).acquire_owned().await.ok();
        metrics::gauge!("kafka_connections").increment(1);
        self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut by_ip = self.count.by_ip.lock();
        if let Some(of_ip) = by_ip.get_mut(&self.ip) {
            *of_ip -= 1;
            if *of_ip == 0 {
                by_ip.remove(&self.ip);
            }
        }
        if self.slot.is_some() {
            metrics::gauge!("kafka_connections").decrement(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_that_has_too_many_is_refused() {
        let count = ConnectionCount::new(10, 2, BTreeMap::new());
        let (a, b) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let first = count.enter(a).unwrap().with_slot().await;
        let _second = count.enter(a).unwrap().with_slot().await;
        assert!(count.enter(a).is_none());
        assert!(count.enter(b).is_some());
        drop(first);
        assert!(count.enter(a).is_some());
    }

    #[tokio::test]
    async fn an_address_with_a_number_of_its_own_goes_by_that() {
        let (a, b) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let count = ConnectionCount::new(10, 1, BTreeMap::from([(a, 2), (b, 0)]));
        let mapped: IpAddr = "::ffff:10.0.0.1".parse().unwrap();
        let _first = count.enter(a).unwrap();
        let _second = count.enter(mapped).unwrap();
        assert!(count.enter(a).is_none());
        assert!(count.enter(b).is_none());
        let _other = count.enter(IpAddr::from([10, 0, 0, 3])).unwrap();
        assert_eq!(count.by_ip.lock().len(), 2);
    }

    #[tokio::test]
    async fn one_too_many_waits_for_another_to_end() {
        let count = ConnectionCount::new(1, usize::MAX, BTreeMap::new());
        let ip = IpAddr::from([10, 0, 0, 1]);
        let first = count.enter(ip).unwrap().with_slot().await;
        let second = count.enter(ip).unwrap();
        assert!(second.must_wait());
        let mut waiting = std::pin::pin!(second.with_slot());
        assert!(futures::poll!(&mut waiting).is_pending());
        drop(first);
        assert!(futures::poll!(&mut waiting).is_ready());
    }
}
