//! [`Queue`] and [`Batch`]: submissions that wait, and as many of them as one transaction takes.

use super::{Append, Position, Submission, Trim};
use bytes::Bytes;
use metadata::Operation;
use std::collections::{BTreeMap, VecDeque};

/// Operations of submissions in one transaction; the store takes 128, and the head is one.
const BATCH_OPERATIONS: usize = 120;

/// Bytes of submissions in one transaction; the store takes 1.5 MiB.
const BATCH_BYTES: usize = 1400 * 1024;

/// What an operation adds to a request beyond key and value.
const ENVELOPE_BYTES: usize = 64;

impl Submission {
    /// Whether it can be written: a transaction has its limits.
    pub fn fits(&self) -> bool {
        self.count() <= BATCH_OPERATIONS && self.bytes() <= BATCH_BYTES
    }

    /// The same for one that gets a trim yet.
    pub(crate) fn fits_with_room(&self) -> bool {
        self.count() < BATCH_OPERATIONS && self.bytes() <= BATCH_BYTES - 1024
    }

    fn count(&self) -> usize {
        self.operations.len() + self.appends.len() + self.trims.len()
    }

    fn bytes(&self) -> usize {
        let appends = self.appends.iter().map(|it| it.family.len() + it.piece.len());
        let trims = self.trims.iter().map(|it| it.start.len() + it.family.len());
        let operations = self.operations.iter().map(operation_bytes);
        operations.chain(appends).chain(trims).map(|bytes| bytes + ENVELOPE_BYTES).sum()
    }
}

fn operation_bytes(operation: &Operation) -> usize {
    match operation {
        Operation::Put { key, value, .. } => key.len() + value.len(),
        Operation::Delete(key) => key.len(),
        Operation::DeleteRange(start, end) => start.len() + end.len(),
        Operation::Read(_) => 0,
    }
}

/// Submissions that wait, in order.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<Submission>,
    bytes: usize,
    last: Position,
}

impl Queue {
    /// Adds one; answers its place.
    pub(super) fn push(&mut self, submission: Submission) -> Position {
        self.bytes += submission.bytes();
        self.waiting.push_back(submission);
        self.last = Position(self.last.0 + 1);
        self.last
    }

    /// The place of the last one ever added.
    pub(super) fn last(&self) -> Position {
        self.last
    }

    /// Bytes that wait.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes as many as one transaction holds, the oldest first; `None` when nothing waits.
    pub(super) fn take(&mut self) -> Option<Batch> {
        let mut batch = Batch::default();
        while let Some(first) = self.waiting.front() {
            if batch.submissions > 0 && !batch.takes(first) {
                break;
            }
            let Some(submission) = self.waiting.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(submission.bytes());
            batch.add(submission);
        }
        batch.through = Position(self.last.0 - self.waiting.len() as u64);
        batch.is_all = self.waiting.is_empty();
        (batch.submissions > 0).then_some(batch)
    }
}

/// What goes into one transaction.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Everything up to here is in this batch or an earlier one.
    pub(super) through: Position,
    /// How many submissions it holds.
    pub(super) submissions: usize,
    /// Whether it holds all that waited.
    pub(super) is_all: bool,
    bytes: usize,
    operations: Vec<Operation>,
    pieces: BTreeMap<Bytes, Vec<u8>>,
    trims: Vec<Trim>,
}

impl Batch {
    /// Whether a submission goes into the same transaction. Pieces of one family are one operation, however many they are.
    fn takes(&self, submission: &Submission) -> bool {
        let new = submission.appends.iter().filter(|it| !self.pieces.contains_key(&it.family));
        let count = self.operations.len() + self.pieces.len() + self.trims.len();
        let more = submission.operations.len() + new.count() + submission.trims.len();
        count + more <= BATCH_OPERATIONS
            && self.bytes + submission.bytes() <= BATCH_BYTES
            && !self.contradicts(submission)
    }

    /// Whether a submission puts a key that this batch deletes with others: the store refuses that in one transaction.
    fn contradicts(&self, submission: &Submission) -> bool {
        submission.operations.iter().any(|operation| match operation {
            Operation::Put { key, .. } => self.operations.iter().any(|earlier| match earlier {
                Operation::DeleteRange(start, end) => start <= key && key < end,
                _ => false,
            }),
            _ => false,
        })
    }

    fn add(&mut self, submission: Submission) {
        self.submissions += 1;
        self.bytes += submission.bytes();
        for operation in submission.operations {
            // A transaction changes a key once: what came later counts.
            self.operations.retain(|earlier| !replaces(&operation, earlier));
            self.operations.push(operation);
        }
        for Append { family, piece } in submission.appends {
            self.pieces.entry(family).or_default().extend_from_slice(&piece);
        }
        self.trims.extend(submission.trims);
    }

    /// The operations of transaction number `seq`.
    pub(super) fn into_operations(self, seq: u64) -> Vec<Operation> {
        let numbered = |family: &Bytes| {
            Bytes::from([family.as_ref(), format!("{seq:020}").as_bytes()].concat())
        };
        let appends = self
            .pieces
            .iter()
            .map(|(family, pieces)| Operation::put(numbered(family), pieces.clone()));
        let trims = self
            .trims
            .iter()
            .map(|trim| Operation::DeleteRange(trim.start.clone(), numbered(&trim.family)));
        let changes: Vec<_> = appends.chain(trims).collect();
        self.operations.into_iter().chain(changes).collect()
    }
}

/// Whether `later` leaves nothing of what `earlier` does.
fn replaces(later: &Operation, earlier: &Operation) -> bool {
    let changed = match earlier {
        Operation::Put { key, .. } | Operation::Delete(key) => key,
        Operation::DeleteRange(..) | Operation::Read(_) => return false,
    };
    match later {
        Operation::Put { key, .. } | Operation::Delete(key) => key == changed,
        Operation::DeleteRange(start, end) => start <= changed && changed < end,
        Operation::Read(_) => false,
    }
}
