//! [`Outbox`]: what waits to be sent, bounded; and the task that sends it in batches.

use super::trouble::Trouble;
use runtime::{Shutdown, Tasks};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;

/// What waits at most; further items are dropped.
const QUEUE_ITEMS: usize = 2_048;

/// What goes in one call at most.
const BATCH_ITEMS: usize = 512;

/// How long the first of a batch waits for others.
const GATHERING: Duration = Duration::from_secs(1);

/// How long what is left at the end may take.
const LAST_PATIENCE: Duration = Duration::from_secs(2);

/// Sends batches of one kind.
pub(crate) trait Courier: Send + 'static {
    /// What is sent.
    type Item: Send + 'static;

    /// Sends them, in one call that does not take for ever.
    ///
    /// # Errors
    /// In words: they are lost.
    fn deliver(
        &mut self,
        items: Vec<Self::Item>,
    ) -> impl Future<Output = Result<(), String>> + Send;
}

/// The near end of the queue. Posting never waits.
#[derive(Debug)]
pub(crate) struct Outbox<T> {
    queue: mpsc::Sender<T>,
    trouble: Arc<Trouble>,
}

impl<T: Send + 'static> Outbox<T> {
    /// Starts the task that has `courier` deliver what is posted.
    pub(crate) fn start(
        task: &'static str,
        trouble: Trouble,
        courier: impl Courier<Item = T>,
        tasks: &Tasks,
    ) -> Self {
        let trouble = Arc::new(trouble);
        let (queue, items) = mpsc::channel(QUEUE_ITEMS);
        tasks.spawn(task, carry(items, courier, Arc::clone(&trouble), tasks.shutdown()));
        Self { queue, trouble }
    }

    /// Has `item` sent, or drops it.
    pub(crate) fn post(&self, item: T) {
        match self.queue.try_send(item) {
            // Closed: the process ends.
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => {}
            Err(mpsc::error::TrySendError::Full(_)) => self.trouble.lost(1, "it is too slow"),
        }
    }
}

/// Sends what comes until the process ends, and what is left then, if that does not take long.
async fn carry<C: Courier>(
    items: mpsc::Receiver<C::Item>,
    courier: C,
    trouble: Arc<Trouble>,
    shutdown: Shutdown,
) {
    let out_of_patience = async {
        shutdown.requested().await;
        tokio::time::sleep(LAST_PATIENCE).await;
    };
    tokio::select! {
        () = send_all(items, courier, &trouble, &shutdown) => {}
        () = out_of_patience => {}
    }
}

async fn send_all<C: Courier>(
    mut items: mpsc::Receiver<C::Item>,
    mut courier: C,
    trouble: &Trouble,
    shutdown: &Shutdown,
) {
    let mut batch = Vec::with_capacity(BATCH_ITEMS);
    while !shutdown.is_requested() {
        let gathered = async {
            if items.recv_many(&mut batch, BATCH_ITEMS).await > 0 {
                let _ = tokio::time::timeout(GATHERING, gather(&mut items, &mut batch)).await;
            }
        };
        tokio::select! {
            () = shutdown.requested() => {}
            () = gathered => {}
        }
        deliver(&mut courier, &mut batch, trouble).await;
        if items.is_closed() && items.is_empty() {
            return;
        }
    }
    items.close();
    while items.recv_many(&mut batch, BATCH_ITEMS).await > 0 {
        deliver(&mut courier, &mut batch, trouble).await;
    }
}

/// Fills the batch; ends when it is full.
async fn gather<T>(items: &mut mpsc::Receiver<T>, batch: &mut Vec<T>) {
    while batch.len() < BATCH_ITEMS {
        let room = BATCH_ITEMS - batch.len();
        if items.recv_many(batch, room).await == 0 {
            return;
        }
    }
}

async fn deliver<C: Courier>(courier: &mut C, batch: &mut Vec<C::Item>, trouble: &Trouble) {
    let count = batch.len();
    if count == 0 {
        return;
    }
    match courier.deliver(std::mem::take(batch)).await {
        Ok(()) => trouble.delivered(count),
        Err(reason) => trouble.lost(count, &reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    #[derive(Clone, Default)]
    struct Counting {
        delivered: Arc<AtomicUsize>,
        largest: Arc<AtomicUsize>,
    }

    impl Courier for Counting {
        type Item = usize;

        async fn deliver(&mut self, items: Vec<usize>) -> Result<(), String> {
            self.largest.fetch_max(items.len(), SeqCst);
            self.delivered.fetch_add(items.len(), SeqCst);
            Ok(())
        }
    }

    struct Hanging;

    impl Courier for Hanging {
        type Item = usize;

        async fn deliver(&mut self, _items: Vec<usize>) -> Result<(), String> {
            std::future::pending().await
        }
    }

    fn trouble() -> Trouble {
        Trouble::new("traces", "http://nowhere")
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_posted_goes_out_in_bounded_batches_and_the_end_waits_for_the_rest() {
        let tasks = Tasks::new();
        let counting = Counting::default();
        let outbox = Outbox::start("test", trouble(), counting.clone(), &tasks);
        (0..2_000).for_each(|item| outbox.post(item));
        tokio::time::sleep(10 * GATHERING).await;
        assert_eq!(counting.delivered.load(SeqCst), 2_000);
        assert!(counting.largest.load(SeqCst) <= BATCH_ITEMS);
        outbox.post(1);
        tasks.shut_down().await;
        assert_eq!(counting.delivered.load(SeqCst), 2_001);
    }

    #[tokio::test(start_paused = true)]
    async fn a_courier_that_hangs_costs_a_bounded_queue_and_delays_the_end_for_a_moment() {
        let tasks = Tasks::new();
        let outbox = Outbox::start("test", trouble(), Hanging, &tasks);
        (0..10_000).for_each(|item| outbox.post(item));
        tokio::time::sleep(10 * GATHERING).await;
        (0..10_000).for_each(|item| outbox.post(item));
        assert_eq!(outbox.queue.capacity(), 0);
        let ended = tokio::time::timeout(2 * LAST_PATIENCE, tasks.shut_down());
        assert!(ended.await.is_ok());
    }
}
