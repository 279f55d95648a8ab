//! Transactions of one partition: which are open, which ended lately, which were aborted.

use formats::record_batch::TransactionResult;
use model::{Offset, ProducerId};
use std::collections::{BTreeMap, HashMap};

/// An aborted transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Aborted {
    /// Its producer.
    pub(crate) producer: ProducerId,
    /// Its first offset here.
    pub(crate) first_offset: Offset,
    /// Offset of its abort marker.
    pub(crate) last_offset: Offset,
}

/// The transactions.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Transactions {
    /// First offset by producer.
    open: HashMap<ProducerId, Offset>,
    /// The same by first offset.
    open_from: BTreeMap<Offset, ProducerId>,
    /// First offset of each that ended, by the offset of its marker, until it is settled.
    ended: BTreeMap<Offset, Offset>,
    /// By the offset of the marker, which is unique.
    aborted: BTreeMap<Offset, Aborted>,
}

impl Transactions {
    pub(super) fn is_open(&self, producer: ProducerId) -> bool {
        self.open.contains_key(&producer)
    }

    pub(super) fn start_of(&self, producer: ProducerId) -> Option<Offset> {
        self.open.get(&producer).copied()
    }

    /// A transactional batch: the first one begins the transaction.
    pub(super) fn begin(&mut self, producer: ProducerId, offset: Offset) {
        if !self.is_open(producer) {
            self.open.insert(producer, offset);
            self.open_from.insert(offset, producer);
        }
    }

    /// A marker at `offset`; it ends nothing when the producer wrote nothing here.
    pub(super) fn end(&mut self, producer: ProducerId, result: TransactionResult, offset: Offset) {
        let Some(first_offset) = self.open.remove(&producer) else { return };
        self.open_from.remove(&first_offset);
        self.ended.insert(offset, first_offset);
        if result == TransactionResult::Abort {
            self.note_aborted(Aborted { producer, first_offset, last_offset: offset });
        }
    }

    pub(super) fn first_open_offset(&self) -> Option<Offset> {
        self.open_from.first_key_value().map(|(first_offset, _)| *first_offset)
    }

    pub(super) fn last_stable_offset(&self, high_watermark: Offset) -> Offset {
        let undecided = self.ended.range(high_watermark..).map(|(_, first_offset)| *first_offset);
        undecided.chain(self.first_open_offset()).fold(high_watermark, Offset::min)
    }

    pub(super) fn settle(&mut self, offset: Offset) {
        while let Some(oldest) = self.ended.first_entry()
            && *oldest.key() < offset
        {
            oldest.remove();
        }
    }

    fn note_aborted(&mut self, aborted: Aborted) {
        self.aborted.insert(aborted.last_offset, aborted);
    }

    pub(super) fn aborted_between(&self, from: Offset, to: Offset) -> Vec<Aborted> {
        let reaching = self.aborted.range(from..).map(|(_, aborted)| *aborted);
        let mut found: Vec<_> = reaching.filter(|aborted| aborted.first_offset < to).collect();
        found.sort_unstable_by_key(|aborted| aborted.first_offset);
        found
    }

    pub(super) fn forget_aborted_before(&mut self, offset: Offset) {
        if self.aborted.first_key_value().is_some_and(|(marker, _)| *marker < offset) {
            self.aborted = self.aborted.split_off(&offset);
        }
    }
}
