//! Byte budgets: what requests and answers may hold in memory at once.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What comes is paid for in steps of this size at first, then of three times what there is: fewer steps leave less memory behind.
const STEP_BYTES: usize = 64 << 10;

/// The same while less than half of a budget is free: so many peers that send nothing more hold little of it.
const SMALL_STEP_BYTES: usize = 4 << 10;

/// What is at most this part of a budget is small beside it.
const SMALL_SHARE: usize = 64;

/// A number of bytes that holders share. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct ByteBudget {
    free: Arc<Semaphore>,
    total: u32,
    waiting: Arc<AtomicUsize>,
    /// For the one who may go beyond the budget.
    overdraft: Arc<Semaphore>,
}

/// Bytes taken from a budget; given back when dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    permit: Option<OwnedSemaphorePermit>,
    overdraft: Option<OwnedSemaphorePermit>,
    bytes: usize,
}

impl ByteBudget {
    /// A budget of `total` bytes; at most 4 GiB are used.
    pub(crate) fn new(total: u64) -> Self {
        let total = u32::try_from(total).unwrap_or(u32::MAX).max(1);
        Self {
            free: Arc::new(Semaphore::new(total as usize)),
            total,
            waiting: Arc::default(),
            overdraft: Arc::new(Semaphore::new(1)),
        }
    }

    /// Waits until `bytes` are free and takes them. A request larger than the whole budget takes all of it.
    ///
    /// # Cancel safety
    /// Safe: a dropped wait takes nothing.
    pub(crate) async fn take(&self, bytes: usize) -> Reservation {
        let wanted = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.total);
        if let Ok(permit) = Arc::clone(&self.free).try_acquire_many_owned(wanted) {
            return Reservation::of(Some(permit), bytes);
        }
        let _waiting = Waiting::begin(&self.waiting);
        // The semaphore is never closed; were it, an unbounded reservation would still be no harm to correctness.
        let permit = Arc::clone(&self.free).acquire_many_owned(wanted).await.ok();
        Reservation::of(permit, bytes)
    }

    /// Takes the first step of `bytes` that are to come from a peer; [`ByteBudget::grow`] takes the others. A peer that announces much
    /// and sends little holds little. While more than half is free, what is small beside the budget is taken at once.
    ///
    /// # Cancel safety
    /// Safe: a dropped wait takes nothing.
    pub(crate) async fn take_first(&self, bytes: usize) -> Reservation {
        let at_once = self.is_plentiful() && bytes <= self.total as usize / SMALL_SHARE;
        self.take(if at_once { bytes } else { bytes.min(self.step()) }).await
    }

    /// Takes three times as much again as is held, up to `wanted` in all. Where nothing is free all could wait for each other, each for the rest of what has
    /// come in part: so one of them at a time goes beyond the budget, to the end of what it wants.
    ///
    /// # Cancel safety
    /// Safe: a dropped wait takes nothing.
    pub(crate) async fn grow(&self, held: &mut Reservation, wanted: usize) {
        let step = held.bytes.saturating_mul(3).max(self.step());
        let more = wanted.saturating_sub(held.bytes).min(step);
        let have = held.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let within = more.min((self.total as usize).saturating_sub(have));
        let permits = u32::try_from(within).unwrap_or(u32::MAX);
        if let Ok(permit) = Arc::clone(&self.free).try_acquire_many_owned(permits) {
            return held.add(permit, more);
        }
        let _waiting = Waiting::begin(&self.waiting);
        tokio::select! {
            biased;
            // Neither semaphore is ever closed.
            Ok(permit) = Arc::clone(&self.free).acquire_many_owned(permits) => held.add(permit, more),
            overdraft = Arc::clone(&self.overdraft).acquire_owned() => {
                held.overdraft = overdraft.ok();
                held.bytes = wanted;
            }
        }
    }

    fn step(&self) -> usize {
        if self.is_plentiful() { STEP_BYTES } else { SMALL_STEP_BYTES }
    }

    fn is_plentiful(&self) -> bool {
        self.free.available_permits() > self.total as usize / 2
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
        Reservation::of(permit, bytes)
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
    fn of(permit: Option<OwnedSemaphorePermit>, bytes: usize) -> Self {
        Self { permit, overdraft: None, bytes }
    }

    fn add(&mut self, permit: OwnedSemaphorePermit, bytes: usize) {
        self.bytes += bytes;
        match &mut self.permit {
            Some(held) => held.merge(permit),
            None => self.permit = Some(permit),
        }
    }

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

    #[tokio::test]
    async fn a_peer_that_sends_nothing_holds_a_step() {
        let budget = ByteBudget::new(1 << 20);
        let first = budget.take_first(1 << 30).await;
        assert_eq!(first.bytes(), STEP_BYTES);
        let mut silent = vec![first];
        while !budget.is_short() {
            silent.push(budget.take_first(1 << 30).await);
        }
        assert!(silent.len() > 100, "{}", silent.len());
        assert_eq!(budget.take_first(10).await.bytes(), 10);
    }

    #[tokio::test]
    async fn what_is_small_beside_the_budget_is_taken_at_once_up_to_half_of_it() {
        let budget = ByteBudget::new(64 << 20);
        let mut held = Vec::new();
        while budget.is_plentiful() {
            held.push(budget.take_first(1 << 20).await);
        }
        assert!(held.iter().all(|one| one.bytes() == 1 << 20));
        assert_eq!(held.len(), 32);
        assert_eq!(budget.take_first(1 << 20).await.bytes(), SMALL_STEP_BYTES);
    }

    #[tokio::test]
    async fn what_comes_is_paid_for_by_four_times_as_much_each_time() {
        let budget = ByteBudget::new(1 << 20);
        let mut held = budget.take_first(900 << 10).await;
        let mut steps = vec![held.bytes()];
        while held.bytes() < 900 << 10 {
            budget.grow(&mut held, 900 << 10).await;
            steps.push(held.bytes());
        }
        assert_eq!(steps, [64 << 10, 256 << 10, 900 << 10]);
        assert_eq!(budget.free.available_permits(), (1 << 20) - (900 << 10));
    }

    #[tokio::test]
    async fn those_who_wait_for_each_other_are_served_one_by_one() {
        let budget = ByteBudget::new(10_000);
        let (mut one, mut other) = (budget.take(5_000).await, budget.take(5_000).await);
        budget.grow(&mut one, 8_000).await;
        assert_eq!(one.bytes(), 8_000);
        {
            let mut growing = std::pin::pin!(budget.grow(&mut other, 8_000));
            assert!(futures::poll!(&mut growing).is_pending());
            drop(one);
            growing.await;
        }
        assert_eq!((other.bytes(), budget.free.available_permits()), (8_000, 2_000));
    }

    #[tokio::test]
    async fn more_than_the_budget_grows_to_all_of_it() {
        let budget = ByteBudget::new(10_000);
        let mut held = budget.take_first(30_000).await;
        while held.bytes() < 30_000 {
            budget.grow(&mut held, 30_000).await;
        }
        assert_eq!((held.bytes(), budget.free.available_permits()), (30_000, 0));
        drop(held);
        assert_eq!(budget.free.available_permits(), 10_000);
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
