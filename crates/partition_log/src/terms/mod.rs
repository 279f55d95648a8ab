//! [`Terms`]: under which durability mode a partition is served now, and what its owner record is to say next. Pure.
//!
//! The topic's settings say what is wanted, the owner record says what a successor would go by (DESIGN section 3). Nothing is
//! acknowledged or served from the WAL unless *every* record that may be stored says `wal` and not clean: the one known to be
//! stored, and all that were sent and may still land. A record that is in doubt is settled by another write on the same
//! revision: whichever lands first makes the others fail.

mod idle;
mod queue;
mod worker;

pub(crate) use queue::TermsQueue;
pub(crate) use worker::keep;

use formats::metadata::{DurabilityMode as StoredMode, Owner};
use model::{Offset, config::DurabilityMode};

/// What an owner record says of the mode in force.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Recorded {
    /// `object`: what acks=all promised is in objects.
    Object,
    /// `wal`: the WAL may hold what was acknowledged and objects lack.
    Wal,
    /// `wal`, declared clean: objects have everything that was acknowledged.
    CleanWal,
}

/// Where a log stands, as far as its terms depend on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Position {
    /// End of what is stored and committed.
    pub(crate) durable: Offset,
    /// End of what was appended.
    pub(crate) log_end: Offset,
    /// Nothing was appended for long.
    pub(crate) idle: bool,
}

/// The terms of one partition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Terms {
    wanted: DurabilityMode,
    recorded: Recorded,
    /// Records that were sent, and may still land.
    sent: Vec<Recorded>,
    /// End of what may have been acknowledged from the WAL when `wal` stopped to be wanted.
    acknowledged: Offset,
}

impl Terms {
    /// The terms of a claim whose record is known to be stored; nothing else is wanted yet. What is synced may have been
    /// acknowledged before.
    pub(crate) fn as_recorded(recorded: Recorded, synced: Offset) -> Self {
        let wanted = match recorded {
            Recorded::Object => DurabilityMode::Object,
            Recorded::Wal | Recorded::CleanWal => DurabilityMode::Wal,
        };
        Self { wanted, recorded, sent: Vec::new(), acknowledged: synced }
    }

    /// Another mode is wanted from now on.
    pub(crate) fn want(&mut self, wanted: DurabilityMode, synced: Offset) {
        if wanted != self.wanted {
            self.wanted = wanted;
            self.acknowledged = synced;
        }
    }

    /// The mode that acknowledgements follow: `wal` only while it is both wanted and recorded.
    pub(crate) fn in_force(&self) -> DurabilityMode {
        match (self.wanted, self.recorded) {
            (DurabilityMode::Wal, Recorded::Wal | Recorded::CleanWal) => DurabilityMode::Wal,
            _ => DurabilityMode::Object,
        }
    }

    /// Whether what the WAL has synced counts as acknowledged and may be served: no record that may be stored lets a successor pass
    /// over this WAL.
    pub(crate) fn let_wal_count(&self) -> bool {
        let says_wal = |recorded: &Recorded| *recorded == Recorded::Wal;
        self.in_force() == DurabilityMode::Wal
            && says_wal(&self.recorded)
            && self.sent.iter().all(says_wal)
    }

    /// Whether silence is to be declared: `wal` is in force, and the record does not say clean yet.
    pub(crate) fn may_become_clean(&self) -> bool {
        self.in_force() == DurabilityMode::Wal && self.recorded == Recorded::Wal
    }

    /// What the owner record is to say next; `None` when nothing is to be written.
    pub(crate) fn next(&self, log: Position) -> Option<Recorded> {
        let in_doubt = !self.sent.is_empty();
        let caught_up = log.durable == log.log_end;
        let next = match (self.recorded, self.wanted) {
            (Recorded::Object, DurabilityMode::Object) => Recorded::Object,
            (Recorded::Object, DurabilityMode::Wal) => Recorded::Wal,
            (_, DurabilityMode::Object) if log.durable >= self.acknowledged => Recorded::Object,
            (Recorded::CleanWal, _) if caught_up && !in_doubt => Recorded::CleanWal,
            _ if caught_up && log.idle => Recorded::CleanWal,
            _ => Recorded::Wal,
        };
        (in_doubt || next != self.recorded).then_some(next)
    }

    /// A record is about to be sent: from here on it may be stored.
    pub(crate) fn send(&mut self, record: Recorded) {
        if !self.sent.contains(&record) {
            self.sent.push(record);
        }
    }

    /// This is stored, at a revision that none of the records sent so far can replace.
    pub(crate) fn settle(&mut self, stored: Recorded) {
        self.recorded = stored;
        self.sent.clear();
    }
}

impl Recorded {
    /// What a record says; `None` when it is damaged.
    pub(crate) fn of(owner: &Owner) -> Option<Self> {
        match (StoredMode::try_from(owner.mode).ok()?, owner.clean) {
            (StoredMode::Object, _) => Some(Self::Object),
            (StoredMode::Wal, false) => Some(Self::Wal),
            (StoredMode::Wal, true) => Some(Self::CleanWal),
            (StoredMode::Unspecified, _) => None,
        }
    }

    /// The same record, saying this.
    pub(crate) fn put_into(self, owner: &Owner) -> Owner {
        let (mode, clean) = match self {
            Self::Object => (StoredMode::Object, false),
            Self::Wal => (StoredMode::Wal, false),
            Self::CleanWal => (StoredMode::Wal, true),
        };
        Owner { mode: mode.into(), clean, ..owner.clone() }
    }
}

#[cfg(test)]
mod tests;
