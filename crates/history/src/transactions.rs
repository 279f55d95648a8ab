//! The transactions of a history: which operations belong to which, and what became of each.

use crate::history::{Deed, History, Outcome};
use std::collections::HashMap;

/// A transaction's place among those of the history.
pub(crate) type TransactionIndex = usize;

/// What became of a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    /// A commit was acknowledged.
    Committed,
    /// A commit was asked for, and nobody knows.
    Unknown,
    /// It was given up, or its commit surely failed.
    Aborted,
    /// Nobody ended it.
    Open,
}

#[derive(Debug)]
pub(crate) struct Transaction {
    /// The number of the operation that began it.
    pub id: u64,
    pub fate: Fate,
    /// Its first commit was invoked at this time.
    pub commit_invoked: Option<u64>,
}

/// The transactions of a history.
#[derive(Debug)]
pub(crate) struct Transactions {
    all: Vec<Transaction>,
    /// The transaction of each operation, by the operation's place.
    of_operation: Vec<Option<TransactionIndex>>,
}

impl Transactions {
    /// Finds them: between a process's `begin` and its next commit or abort. A repeated commit or abort belongs to the
    /// transaction before it.
    pub fn of(history: &History) -> Self {
        let mut all: Vec<Transaction> = Vec::new();
        let mut of_operation = Vec::with_capacity(history.operation_count());
        // The last transaction of each process, and whether it still takes operations.
        let mut last: HashMap<u32, (TransactionIndex, bool)> = HashMap::new();
        for operation in history.operations() {
            match operation.deed {
                Deed::Begin if operation.outcome != Outcome::Failed => {
                    last.insert(operation.process, (all.len(), true));
                    let (fate, commit_invoked) = (Fate::Open, None);
                    all.push(Transaction { id: operation.id, fate, commit_invoked });
                }
                Deed::Commit | Deed::Abort => {
                    if let Some((index, takes)) = last.get_mut(&operation.process) {
                        *takes = false;
                        if let Some(transaction) = all.get_mut(*index) {
                            let is_commit = matches!(operation.deed, Deed::Commit);
                            transaction.end(is_commit, operation.outcome, operation.invoked.time);
                        }
                    }
                }
                _ => {}
            }
            let current = last.get(&operation.process).filter(|(_, takes)| *takes);
            of_operation.push(current.map(|(index, _)| *index));
        }
        Self { all, of_operation }
    }

    /// The transaction that the operation at this place belongs to.
    pub fn of_operation(&self, place: usize) -> Option<TransactionIndex> {
        self.of_operation.get(place).copied().flatten()
    }

    pub fn get(&self, index: TransactionIndex) -> Option<&Transaction> {
        self.all.get(index)
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }
}

impl Transaction {
    /// A commit outweighs an abort: after one that may have happened, an abort proves nothing.
    fn end(&mut self, is_commit: bool, outcome: Outcome, invoked: u64) {
        if is_commit {
            self.commit_invoked.get_or_insert(invoked);
        }
        self.fate = match (self.fate, is_commit, outcome) {
            (Fate::Committed, ..) | (_, true, Outcome::Happened) => Fate::Committed,
            (Fate::Unknown, ..) | (_, true, Outcome::Unknown) => Fate::Unknown,
            _ => Fate::Aborted,
        };
    }
}
