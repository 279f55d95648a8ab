//! Byte budgets: what requests and answers may hold in memory at once.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A number of bytes that holders share. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct ByteBudget {
    free: Arc<Semaphore>,
    total: u32,
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
        Self { free: Arc::new(Semaphore::new(total as usize)), total }
    }

    /// Waits until `bytes` are free and takes them. A request larger than the whole budget takes all of it.
    ///
    /// # Cancel safety
    /// Safe: a dropped wait takes nothing.
    pub(crate) async fn take(&self, bytes: usize) -> Reservation {
        let wanted = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.total);
        // The semaphore is never closed; were it, an unbounded reservation would still be no harm to correctness.
        let permit = Arc::clone(&self.free).acquire_many_owned(wanted).await.ok();
        Reservation { permit, bytes }
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
