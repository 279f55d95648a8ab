//! What a history shows of the logs: who sent each value, and what lay at each offset.

use crate::{
    Isolation,
    history::{Deed, History, Outcome, Partition, Record},
    transactions::{Fate, TransactionIndex, Transactions},
};
use std::collections::{HashMap, HashSet};

/// A value that was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Write {
    /// The number of the send.
    pub operation: u64,
    pub offset: Option<u64>,
    pub outcome: Outcome,
    pub transaction: Option<TransactionIndex>,
    pub fate: Option<Fate>,
}

impl Write {
    /// Whether Kafka has promised that it stays.
    pub fn acknowledged(&self) -> bool {
        let committed = self.fate.is_none_or(|fate| fate == Fate::Committed);
        self.outcome == Outcome::Happened && committed
    }

    /// Whether consumers may ever see it.
    pub fn may_be_read(&self, isolation: Isolation) -> bool {
        let ended = !matches!(self.fate, Some(Fate::Aborted | Fate::Open));
        self.outcome != Outcome::Failed && (ended || isolation == Isolation::ReadUncommitted)
    }
}

/// A value at an offset, as a send or a poll told it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Sighting {
    pub offset: u64,
    pub value: u64,
    /// The number of the operation.
    pub operation: u64,
}

/// What is known of a partition's log.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// By offset and value, each pair once.
    pub sightings: Vec<Sighting>,
    /// Offsets that were polled and may be read, ascending: every consumer that comes by gets them.
    pub readable: Vec<u64>,
    /// The lowest offset at which a consumer read or began.
    pub lowest_read: Option<u64>,
    /// The highest offset that was polled.
    pub highest_read: Option<u64>,
}

/// What a history shows.
#[derive(Debug)]
pub(crate) struct Observed {
    pub writes: HashMap<(Partition, u64), Write>,
    pub polled: HashSet<(Partition, u64)>,
    pub logs: Vec<Log>,
}

impl Observed {
    pub fn of(history: &History, transactions: &Transactions) -> Self {
        let logs = std::iter::repeat_with(Log::default).take(history.partition_count()).collect();
        let mut observed = Self { writes: HashMap::new(), polled: HashSet::new(), logs };
        for (place, operation) in history.operations().iter().enumerate() {
            if let Deed::Send(records) = &operation.deed {
                let transaction = transactions.of_operation(place);
                let fate = transaction.and_then(|index| transactions.get(index)).map(|it| it.fate);
                let (operation, outcome) = (operation.id, operation.outcome);
                for record in records {
                    let offset = record.offset;
                    let write = Write { operation, offset, outcome, transaction, fate };
                    observed.note_write(record, write);
                }
            }
        }
        let isolation = history.conditions().isolation;
        for operation in history.operations() {
            match &operation.deed {
                Deed::Poll(records) if operation.outcome != Outcome::Failed => {
                    for record in records {
                        observed.note_read(record, operation.id, isolation);
                    }
                }
                Deed::Seek { partition, offset: Some(offset) } => {
                    if let Some(log) = observed.log_mut(*partition) {
                        log.reached(*offset);
                    }
                }
                _ => {}
            }
        }
        for log in &mut observed.logs {
            log.sightings.sort_unstable();
            log.sightings.dedup_by_key(|sighting| (sighting.offset, sighting.value));
            log.readable.sort_unstable();
            log.readable.dedup();
        }
        observed
    }

    fn note_write(&mut self, record: &Record, write: Write) {
        self.writes.insert((record.partition, record.value), write);
        let offset = record.offset.filter(|_| write.outcome != Outcome::Failed);
        if let (Some(offset), Some(log)) = (offset, self.log_mut(record.partition)) {
            let (value, operation) = (record.value, write.operation);
            log.sightings.push(Sighting { offset, value, operation });
        }
    }

    fn note_read(&mut self, record: &Record, operation: u64, isolation: Isolation) {
        let key = (record.partition, record.value);
        let readable = self.writes.get(&key).is_some_and(|write| write.may_be_read(isolation));
        self.polled.insert(key);
        if let (Some(offset), Some(log)) = (record.offset, self.log_mut(record.partition)) {
            log.sightings.push(Sighting { offset, value: record.value, operation });
            if readable {
                log.readable.push(offset);
            }
            log.reached(offset);
            log.highest_read = log.highest_read.max(Some(offset));
        }
    }

    fn log_mut(&mut self, partition: Partition) -> Option<&mut Log> {
        self.logs.get_mut(partition as usize)
    }
}

impl Log {
    fn reached(&mut self, offset: u64) {
        self.lowest_read = Some(self.lowest_read.map_or(offset, |lowest| lowest.min(offset)));
    }

    /// The readable offsets of a range.
    pub fn readable_in(&self, range: std::ops::Range<u64>) -> &[u64] {
        let from = self.readable.partition_point(|offset| *offset < range.start);
        let to = self.readable.partition_point(|offset| *offset < range.end);
        self.readable.get(from..to).unwrap_or_default()
    }

    /// The value that was seen first at an offset.
    pub fn value_at(&self, offset: u64) -> Option<u64> {
        let place = self.sightings.partition_point(|sighting| sighting.offset < offset);
        let sighting = self.sightings.get(place).filter(|sighting| sighting.offset == offset);
        sighting.map(|sighting| sighting.value)
    }
}
