//! [`Waiting`]: requests that wait for a group's decision.

use crate::{
    GroupError, SlotError,
    group::{Joined, Synced, Ticket},
    journal::Position,
};
use std::collections::HashMap;
use tokio::sync::oneshot;

/// A decision, and what must be stored before it is told.
pub(super) type Decision<T> = (Result<T, GroupError>, Option<Position>);

/// A request's answer to come.
#[derive(Debug)]
pub(super) struct Answer<T>(oneshot::Receiver<Decision<T>>);

impl<T> Answer<T> {
    /// Waits for the decision.
    ///
    /// # Errors
    /// `NotCoordinator`: the slot was dropped.
    pub(super) async fn received(self) -> Result<Decision<T>, GroupError> {
        self.0.await.map_err(|_| SlotError::NotCoordinator.into())
    }
}

/// Joins and synchronizations of a slot that wait. Dropping it answers them that the slot is gone.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    last: u64,
    joins: HashMap<Ticket, oneshot::Sender<Decision<Joined>>>,
    syncs: HashMap<Ticket, oneshot::Sender<Decision<Synced>>>,
}

impl Waiting {
    /// A join that waits.
    pub(super) fn join(&mut self) -> (Ticket, Answer<Joined>) {
        let (sender, receiver) = oneshot::channel();
        let ticket = self.ticket();
        self.joins.insert(ticket, sender);
        (ticket, Answer(receiver))
    }

    /// A synchronization that waits.
    pub(super) fn sync(&mut self) -> (Ticket, Answer<Synced>) {
        let (sender, receiver) = oneshot::channel();
        let ticket = self.ticket();
        self.syncs.insert(ticket, sender);
        (ticket, Answer(receiver))
    }

    /// Answers joins. A client that is gone takes no answer, which is no concern here.
    pub(super) fn answer_joins(
        &mut self,
        decided: Vec<(Ticket, Result<Joined, GroupError>)>,
        stored: Option<Position>,
    ) {
        for (ticket, result) in decided {
            if let Some(sender) = self.joins.remove(&ticket) {
                let _gone = sender.send((result, stored));
            }
        }
    }

    /// Answers synchronizations.
    pub(super) fn answer_syncs(
        &mut self,
        decided: Vec<(Ticket, Result<Synced, GroupError>)>,
        stored: Option<Position>,
    ) {
        for (ticket, result) in decided {
            if let Some(sender) = self.syncs.remove(&ticket) {
                let _gone = sender.send((result, stored));
            }
        }
    }

    fn ticket(&mut self) -> Ticket {
        self.last += 1;
        Ticket(self.last)
    }
}
