//! [`DirtyKeys`]: the keys of a log's dirty part and where each was seen last, as far as memory allows.

use super::{CleanedTransactions, KeyOffsets, RECORDS_LIMIT_BYTES};
use bytes::Bytes;
use formats::{
    record_batch::{BatchHeader, records},
    segment::AbortedTransaction,
};
use model::Offset;

/// Takes the batches from the first dirty offset on, in order.
#[derive(Debug)]
pub(crate) struct DirtyKeys {
    keys: KeyOffsets,
    transactions: CleanedTransactions,
    from: Offset,
    /// Every key below is known.
    end: Offset,
    is_full: bool,
}

impl DirtyKeys {
    /// Knows no key of the log from `from` on, of which these transactions were aborted.
    pub(crate) fn new(keys: KeyOffsets, aborted: Vec<AbortedTransaction>, from: Offset) -> Self {
        let transactions = CleanedTransactions::new(aborted);
        Self { keys, transactions, from, end: from, is_full: false }
    }

    /// Takes the keys of a batch in; a batch that can't be read has none, as it is kept.
    pub(crate) fn take(&mut self, batch: &Bytes) {
        let Ok(header) = BatchHeader::parse(batch) else { return };
        if self.is_full {
            return;
        }
        let skipped = if header.attributes.is_control() {
            self.transactions
                .see_marker(&header, crate::produced::end_marker(batch).ok().flatten());
            true
        } else {
            self.transactions.see_records(&header)
        };
        if skipped || self.take_records(batch) {
            self.pass(Offset::from_wire(header.next_offset()));
        }
    }

    /// Everything before `end` was taken.
    pub(crate) fn pass(&mut self, end: Option<Offset>) {
        if !self.is_full {
            self.end = self.end.max(end.unwrap_or_default());
        }
    }

    /// Whether there is no room for the keys that follow.
    pub(crate) fn is_full(&self) -> bool {
        self.is_full
    }

    /// The keys, and the end of the part of the log that they are all of.
    pub(crate) fn finish(self) -> (KeyOffsets, Offset) {
        (self.keys, self.end)
    }

    /// `false` when there was no room.
    fn take_records(&mut self, batch: &Bytes) -> bool {
        let Ok(records) = records(batch, RECORDS_LIMIT_BYTES) else { return true };
        for record in records {
            let Ok(record) = record else { return true };
            let Some(offset) = Offset::from_wire(record.offset) else { continue };
            let Some(key) = record.key.filter(|_| offset >= self.from) else { continue };
            if !self.keys.put(&key, offset) {
                self.is_full = true;
                return false;
            }
            self.end = self.end.max(offset.plus(1));
        }
        true
    }
}
