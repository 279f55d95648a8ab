//! A history: operations with their beginning, end and outcome, in the order of their beginnings.

use crate::{Action, Conditions, Event, HistoryError, Phase};
use std::collections::{HashMap, HashSet, hash_map::Entry};

/// A partition's place in [`History::partition_name`].
pub(crate) type Partition = u32;

/// A point in time; points of the same time are in the order of the lines.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Moment {
    pub time: u64,
    pub line: u64,
}

/// A record sent or polled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Record {
    pub partition: Partition,
    /// Known of all that were polled.
    pub offset: Option<u64>,
    pub value: u64,
}

/// What an operation did, as far as checks ask.
#[derive(Debug)]
pub(crate) enum Deed {
    Send(Box<[Record]>),
    Poll(Box<[Record]>),
    Begin,
    Commit,
    Abort,
    /// Assign, subscribe, rebalance: the consumer may go on anywhere.
    Reposition,
    Seek {
        partition: Partition,
        offset: Option<u64>,
    },
    CommitOffsets,
}

/// How it ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    Happened,
    Failed,
    Unknown,
}

#[derive(Debug)]
pub(crate) struct Operation {
    pub id: u64,
    pub process: u32,
    pub invoked: Moment,
    /// None: it never ended.
    pub completed: Option<Moment>,
    pub outcome: Outcome,
    pub deed: Deed,
}

/// A recorded history.
#[derive(Debug)]
pub struct History {
    conditions: Conditions,
    operations: Vec<Operation>,
    partitions: Vec<String>,
}

impl History {
    /// Under what conditions it was recorded.
    pub fn conditions(&self) -> &Conditions {
        &self.conditions
    }

    /// How many operations it has.
    pub fn operation_count(&self) -> usize {
        self.operations.len()
    }

    /// In the order in which they began.
    pub(crate) fn operations(&self) -> &[Operation] {
        &self.operations
    }

    pub(crate) fn partition_count(&self) -> usize {
        self.partitions.len()
    }

    pub(crate) fn partition_name(&self, partition: Partition) -> &str {
        self.partitions.get(partition as usize).map_or("", String::as_str)
    }
}

/// Puts a history together, event by event.
#[derive(Debug)]
pub struct HistoryBuilder {
    history: History,
    names: HashMap<String, Partition>,
    /// Where operations are that have begun, by their numbers.
    begun: HashMap<u64, usize>,
    sent: HashSet<(Partition, u64)>,
    lines: u64,
}

impl HistoryBuilder {
    /// Begins a history.
    ///
    /// # Errors
    /// [`HistoryError::UnknownVersion`].
    pub fn new(conditions: Conditions) -> Result<Self, HistoryError> {
        if conditions.history != Conditions::VERSION {
            let (found, known) = (conditions.history, Conditions::VERSION);
            return Err(HistoryError::UnknownVersion { found, known });
        }
        let history = History { conditions, operations: Vec::new(), partitions: Vec::new() };
        let (names, begun, sent) = (HashMap::new(), HashMap::new(), HashSet::new());
        Ok(Self { history, names, begun, sent, lines: 0 })
    }

    /// Adds what happened next.
    ///
    /// # Errors
    /// When the event contradicts those before it.
    pub fn add(&mut self, event: Event) -> Result<(), HistoryError> {
        self.lines += 1;
        let moment = Moment { time: event.time, line: self.lines };
        match event.phase {
            Phase::Invoke => self.begin(event, moment),
            Phase::Ok => self.end(event, moment, Outcome::Happened),
            Phase::Fail => self.end(event, moment, Outcome::Failed),
            Phase::Info => self.end(event, moment, Outcome::Unknown),
        }
    }

    /// The history. Operations that never ended have an unknown outcome.
    pub fn finish(mut self) -> History {
        self.history.operations.sort_by_key(|operation| operation.invoked);
        self.history
    }

    fn begin(&mut self, event: Event, invoked: Moment) -> Result<(), HistoryError> {
        let Event { process, id, action, .. } = event;
        let deed = self.deed(action);
        if let Deed::Send(records) = &deed {
            self.note_sent(records)?;
        }
        match self.begun.entry(id) {
            Entry::Occupied(_) => return Err(HistoryError::Repeated { id }),
            Entry::Vacant(entry) => entry.insert(self.history.operations.len()),
        };
        let (completed, outcome) = (None, Outcome::Unknown);
        self.history.operations.push(Operation { id, process, invoked, completed, outcome, deed });
        Ok(())
    }

    fn note_sent(&mut self, records: &[Record]) -> Result<(), HistoryError> {
        for record in records {
            if !self.sent.insert((record.partition, record.value)) {
                let partition = self.history.partition_name(record.partition).to_owned();
                return Err(HistoryError::SentTwice { partition, value: record.value });
            }
        }
        Ok(())
    }

    fn end(&mut self, event: Event, at: Moment, outcome: Outcome) -> Result<(), HistoryError> {
        let Event { process, id, action, .. } = event;
        let deed = self.deed(action);
        let place = self.begun.get(&id).copied();
        let operation = place.and_then(|place| self.history.operations.get_mut(place));
        let operation = operation.ok_or(HistoryError::NeverBegan { id })?;
        if operation.completed.is_some() {
            return Err(HistoryError::Repeated { id });
        }
        let same = process == operation.process && at.time >= operation.invoked.time;
        if !same || !operation.deed.may_end_as(&deed, outcome) {
            return Err(HistoryError::Contradiction { id });
        }
        operation.completed = Some(at);
        operation.outcome = outcome;
        if !matches!(&deed, Deed::Send(records) if records.is_empty()) {
            operation.deed = deed;
        }
        Ok(())
    }

    fn deed(&mut self, action: Action) -> Deed {
        match action {
            Action::Send { records } => {
                let records = records.into_iter().flat_map(|(name, records)| {
                    let partition = self.partition(name);
                    let record = move |(offset, value)| Record { partition, offset, value };
                    records.into_iter().map(record)
                });
                Deed::Send(records.collect())
            }
            Action::Poll { records } => {
                let records = records.into_iter().flat_map(|(name, records)| {
                    let partition = self.partition(name);
                    records.into_iter().map(move |(offset, value)| Record {
                        partition,
                        offset: Some(offset),
                        value,
                    })
                });
                Deed::Poll(records.collect())
            }
            Action::Begin => Deed::Begin,
            Action::Commit => Deed::Commit,
            Action::Abort => Deed::Abort,
            Action::Assign { .. } | Action::Subscribe { .. } | Action::Rebalance { .. } => {
                Deed::Reposition
            }
            Action::Seek { partition, offset } => {
                Deed::Seek { partition: self.partition(partition), offset }
            }
            Action::CommitOffsets { .. } => Deed::CommitOffsets,
        }
    }

    fn partition(&mut self, name: String) -> Partition {
        let partitions = &mut self.history.partitions;
        match self.names.entry(name) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                let partition = partitions.len() as Partition;
                partitions.push(entry.key().clone());
                *entry.insert(partition)
            }
        }
    }
}

impl Deed {
    /// Whether an operation that began as this one may end as `end`: a send that happened names the same records, any
    /// other one may leave them away.
    fn may_end_as(&self, end: &Self, outcome: Outcome) -> bool {
        match (self, end) {
            (Self::Send(sent), Self::Send(ended)) => {
                let optional = outcome != Outcome::Happened && ended.is_empty();
                let same = |(sent, ended): (&Record, &Record)| {
                    (sent.partition, sent.value) == (ended.partition, ended.value)
                };
                optional || (sent.len() == ended.len() && sent.iter().zip(ended).all(same))
            }
            (begun, ended) => std::mem::discriminant(begun) == std::mem::discriminant(ended),
        }
    }
}
