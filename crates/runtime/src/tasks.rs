//! Tasks: every task has a parent, a name, and ends at shutdown.

use std::future::Future;
use tokio::task::JoinHandle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

/// Tells a task that it should end. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    /// Waits until shutdown is asked for; returns at once when it was.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn requested(&self) {
        self.0.cancelled().await;
    }

    /// Whether shutdown was asked for.
    pub fn is_requested(&self) -> bool {
        self.0.is_cancelled()
    }
}

/// A group of tasks with one shutdown. A clone is the same group; [`Tasks::child`] makes a subgroup.
#[derive(Clone, Debug)]
pub struct Tasks {
    tracker: TaskTracker,
    token: CancellationToken,
}

impl Default for Tasks {
    fn default() -> Self {
        Self::new()
    }
}

impl Tasks {
    /// A group without a parent.
    pub fn new() -> Self {
        Self { tracker: TaskTracker::new(), token: CancellationToken::new() }
    }

    /// A group that is shut down when this one is, or before it.
    pub fn child(&self) -> Self {
        Self { tracker: TaskTracker::new(), token: self.token.child_token() }
    }

    /// Runs `future` as a task of this group, under a span of that name.
    #[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
    pub fn spawn<F>(&self, name: &'static str, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let future = future.instrument(tracing::debug_span!("task", task = name));
        tokio::spawn(self.tracker.track_future(future))
    }

    /// The signal that the group's tasks end by.
    pub fn shutdown(&self) -> Shutdown {
        Shutdown(self.token.clone())
    }

    /// Asks the tasks of this group and its children to end, without waiting.
    pub fn request_shutdown(&self) {
        self.token.cancel();
    }

    /// Asks this group's tasks to end and waits until they have. Children are asked, not waited for.
    pub async fn shut_down(&self) {
        self.token.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn shutting_down_waits_for_the_groups_tasks() {
        let tasks = Tasks::new();
        let shutdown = tasks.shutdown();
        let task = tasks.spawn("waits", async move {
            shutdown.requested().await;
            tokio::task::yield_now().await;
            7
        });
        assert!(!task.is_finished());
        tasks.shut_down().await;
        assert!(task.is_finished());
        assert_eq!(task.await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_childs_shutdown_leaves_its_parent_running_but_not_the_other_way_round() {
        let parent = Tasks::new();
        let (first, second) = (parent.child(), parent.child());
        first.shut_down().await;
        assert!(first.shutdown().is_requested());
        assert!(!parent.shutdown().is_requested() && !second.shutdown().is_requested());
        parent.request_shutdown();
        assert!(second.shutdown().is_requested());
    }
}
