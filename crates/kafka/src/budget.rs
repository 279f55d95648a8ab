//! Byte budgets: what requests and answers may hold in memory at once.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A number of bytes that holders share. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct ByteBudget {
    free: Arc<Semaphore>,
    total: u32,
    waiting: Arc<AtomicUsize>,
}

/// Bytes taken from a budget; given back when dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    permit: Option<OwnedSemaphorePermit>,
    bytes: usize,
}

impl ByteBudget {
    /// A budget of `total` bytes; at most 4 GiB are used.
    pub(crate) fn new(total: u64) -> Self {
        let total = u32::try_from(total).unwrap_or(u32::MAX).max(1);
        Self { free: Arc::new(Semaphore::new(total as usize)), total, waiting: Arc::default() }
    }

    /// Waits until `bytes` are free and takes them. A request larger than the whole budget takes all of it.
    ///
    /// # Cancel safety
    /// Safe: a dropped wait takes nothing.
    pub(crate) async fn take(&self, bytes: usize) -> Reservation {
        let wanted = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.total);
        if let Ok(permit) = Arc::clone(&self.free).try_acquire_many_owned(wanted) {
            return Reservation { permit: Some(permit), bytes };
        }
        let _waiting = Waiting::begin(&self.waiting);
        // The semaphore is never closed; were it, an unbounded reservation would still be no harm to correctness.
        let permit = Arc::clone(&self.free).acquire_many_owned(wanted).await.ok();
        Reservation { permit, bytes }
    }

    /// Whether somebody waits for bytes, or hardly any are left: who holds some must not dawdle.
    pub(crate) fn is_short(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
            || self.free.available_permits() < self.total as usize / 16
    }

    /// Takes as many bytes as are free, at most `wanted` and, whatever is free, at least `floor`. Never waits, so holders that
    /// depend on each other can't block each other.
    pub(crate) fn take_up_to(&self, wanted: usize, floor: usize) -> Reservation {
        let free = self.free.available_permits();
        let bytes = wanted.min(free).max(floor.min(wanted));
        let permits = u32::try_from(bytes.min(free)).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.free).try_acquire_many_owned(permits).ok();
        Reservation { permit, bytes }
    }
}

/// Somebody who waits for bytes; counted as long as it lives.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Reservation {
    /// Bytes that the holder may use.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Gives back what is not used.
    pub(crate) fn shrink_to(&mut self, used: usize) {
        let Some(permit) = &mut self.permit else { return };
        let surplus = permit.num_permits().saturating_sub(used);
        drop(permit.split(surplus));
        self.bytes = self.bytes.min(used);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reservation_is_given_back() {
        let budget = ByteBudget::new(10);
        let held = budget.take(8).await;
        assert_eq!(budget.free.available_permits(), 2);
        drop(held);
        assert_eq!(budget.free.available_permits(), 10);
    }

    #[tokio::test]
    async fn more_than_the_budget_takes_all_of_it() {
        let budget = ByteBudget::new(10);
        let held = budget.take(100).await;
        assert_eq!((held.bytes(), budget.free.available_permits()), (100, 0));
    }

    #[tokio::test]
    async fn a_budget_is_short_while_somebody_waits() {
        let budget = ByteBudget::new(100);
        let held = budget.take(60).await;
        assert!(!budget.is_short());
        let mut waiting = std::pin::pin!(budget.take(50));
        assert!(futures::poll!(&mut waiting).is_pending());
        assert!(budget.is_short());
        drop(held);
        let held = waiting.await;
        assert!(!budget.is_short());
        let _rest = (held, budget.take(48).await);
        assert!(budget.is_short());
    }

    #[test]
    fn an_exhausted_budget_still_grants_the_floor() {
        let budget = ByteBudget::new(10);
        let mut first = budget.take_up_to(50, 4);
        assert_eq!(first.bytes(), 10);
        assert_eq!(budget.take_up_to(50, 4).bytes(), 4);
        first.shrink_to(3);
        assert_eq!(budget.take_up_to(6, 4).bytes(), 6);
    }
}
