//! [`CleanedTransactions`]: which batches are of aborted transactions, and which markers are not needed any more.
//!
//! It is told of all batches of a log in offset order, as Kafka's cleaner does it: records of an aborted transaction go at once; a
//! marker stays until no batch of its transaction is left.

use formats::{
    record_batch::{BatchHeader, EndTransactionMarker, TransactionResult},
    segment::AbortedTransaction,
};
use std::collections::{HashMap, HashSet, VecDeque};

/// Transactions as of the batch seen last.
#[derive(Debug, Default)]
pub(crate) struct CleanedTransactions {
    /// Not begun yet, by first offset.
    to_come: VecDeque<AbortedTransaction>,
    /// By producer.
    aborted: HashMap<i64, Aborted>,
    /// Producers with batches whose transactions were committed, or are about to.
    committed: HashSet<i64>,
    /// Ended by a marker that stays, while batches of theirs do.
    kept: Vec<AbortedTransaction>,
}

#[derive(Debug)]
struct Aborted {
    transaction: AbortedTransaction,
    has_batches: bool,
}

impl CleanedTransactions {
    /// Knows these aborted transactions of the log.
    pub(crate) fn new(mut aborted: Vec<AbortedTransaction>) -> Self {
        aborted.sort_unstable_by_key(|it| (it.first_offset, it.last_offset));
        Self { to_come: aborted.into(), ..Self::default() }
    }

    /// Sees a batch of records; answers whether they count for nothing.
    pub(crate) fn see_records(&mut self, header: &BatchHeader) -> bool {
        self.begin_through(header.last_offset());
        if !header.attributes.is_transactional() {
            return false;
        }
        if let Some(aborted) = self.aborted.get_mut(&header.producer_id) {
            aborted.has_batches = true;
            return true;
        }
        self.committed.insert(header.producer_id);
        false
    }

    /// Sees a control batch with its marker, if it has one; answers whether nothing is left of what it ends.
    pub(crate) fn see_marker(
        &mut self,
        header: &BatchHeader,
        marker: Option<EndTransactionMarker>,
    ) -> bool {
        self.begin_through(header.last_offset());
        match marker.map(|marker| marker.result) {
            Some(TransactionResult::Abort) => match self.aborted.remove(&header.producer_id) {
                Some(Aborted { transaction, has_batches: true }) => {
                    self.kept.push(transaction);
                    false
                }
                _ => true,
            },
            Some(TransactionResult::Commit) => !self.committed.remove(&header.producer_id),
            // Emptied before; or of a kind that nobody here knows.
            None => header.record_count == 0,
        }
    }

    /// The aborted transactions that readers must still be told of, of the markers seen since the last call.
    pub(crate) fn take_kept(&mut self) -> Vec<AbortedTransaction> {
        std::mem::take(&mut self.kept)
    }

    fn begin_through(&mut self, offset: i64) {
        while let Some(next) =
            self.to_come.pop_front_if(|next| next.first_offset.to_wire() <= offset)
        {
            let producer = next.producer_id.to_wire();
            let begun = Aborted { transaction: next, has_batches: false };
            self.aborted.entry(producer).or_insert(begun);
        }
    }
}
