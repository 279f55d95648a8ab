//! [`Sequencer`]: everything that changes about one partition, under one short lock.
//!
//! Guarantees: offsets are given in the order of the calls, in the order in which the WAL takes the batches; the high
//! watermark moves forward only, and in a `wal` partition only while the lease holds and the owner record says `wal`; what a
//! waiter is told was true while this lock was held.

use crate::{
    AppendError, Claim, ReadError, SessionStamp, Watermarks,
    epochs::EpochStarts,
    index::{IndexEntry, LogIndex, SegmentSlice},
    manifest_rest::Covered,
    producer_state::ProducerStates,
    recovery::take_in,
    tail::Tail,
    terms::{Position, Recorded, Terms},
    waiters::{WaitFor, Waiters},
};
use formats::metadata::{Manifest, Owner};
use metadata::Revision;
use model::{
    BrokerId, LeaderEpoch, Offset, SessionId,
    config::{DurabilityMode, TopicSettings},
};
use std::sync::{Arc, Weak};
use tokio::sync::{Notify, oneshot};

/// What may be done with the partition now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    /// Everything.
    Serving,
    /// The session is lost: reads only, until it is claimed again.
    Suspended,
    /// Being drained: reads and acknowledgements only.
    Draining,
    /// About to be handed to another broker: reads and acknowledgements only, and its owner record stays as it is.
    Sealed,
    /// Another broker owns it: reads only, of what that one committed.
    Following,
    /// Nothing: it was deleted or lost.
    Closed,
}

/// The right to the partition: an owner record and the session it names.
#[derive(Clone, Debug)]
pub(crate) struct Ownership {
    pub(crate) session: SessionStamp,
    pub(crate) owner_revision: Revision,
    pub(crate) epoch: LeaderEpoch,
    /// The record as it is known to be stored.
    pub(crate) record: Owner,
}

/// An owner record with other terms, and the revision it has or is to replace.
#[derive(Clone, Debug)]
pub(crate) struct NewTerms {
    pub(crate) revision: Revision,
    pub(crate) record: Owner,
}

/// A log as it was read from metadata and objects, with its end replayed from the WAL.
#[derive(Debug)]
pub(crate) struct OpenedLog {
    pub(crate) manifest: Manifest,
    pub(crate) manifest_revision: Revision,
    pub(crate) covered: Covered,
    pub(crate) log_start: Offset,
    pub(crate) index: LogIndex,
    pub(crate) epochs: EpochStarts,
    pub(crate) producers: ProducerStates,
    pub(crate) tail: Tail,
}

/// One partition's mutable state.
#[derive(Debug)]
pub(crate) struct Sequencer {
    pub(crate) phase: Phase,
    pub(crate) ownership: Ownership,
    pub(crate) terms: Terms,
    pub(crate) settings: Arc<TopicSettings>,
    pub(crate) log: OpenedLog,
    /// End of what is cut for a flush of the present session.
    pub(crate) cut_end: Offset,
    /// End of what the WAL has synced.
    synced: Offset,
    high_watermark: Offset,
    sync_waiters: Waiters,
    commit_waiters: Waiters,
    readers: Vec<Weak<Notify>>,
}

/// What an advance left undone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Advance {
    /// The lease does not hold: to be tried again.
    pub(crate) held_back: bool,
    /// The owner record is to be written.
    pub(crate) terms_due: bool,
}

/// What became of a slice that was told of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Followed {
    /// It is the log's end now.
    Taken,
    /// It was there already.
    Known,
    /// Something before it is missing.
    Gap,
}

/// What is known of an append that waits.
#[derive(Debug)]
pub(crate) enum Standing {
    /// It is covered.
    Covered,
    /// Not yet: look again when this wakes.
    Waiting(oneshot::Receiver<()>),
    /// Covered by the WAL, but the lease does not hold.
    HeldBack(oneshot::Receiver<()>),
    /// Covered by the WAL, but the owner record may say that this WAL can be passed over: it is to be written first.
    Withheld(oneshot::Receiver<()>),
}

impl Sequencer {
    /// Starts to serve a log whose tail is replayed (and therefore synced), under the mode of its owner record until
    /// [`Sequencer::apply_settings`].
    pub(crate) fn new(
        ownership: Ownership,
        recorded: Recorded,
        settings: Arc<TopicSettings>,
        log: OpenedLog,
    ) -> Self {
        let durable = log.index.end();
        Self {
            phase: Phase::Serving,
            ownership,
            terms: Terms::as_recorded(recorded, log.tail.end()),
            settings,
            cut_end: durable,
            synced: log.tail.end(),
            high_watermark: durable,
            log,
            sync_waiters: Waiters::default(),
            commit_waiters: Waiters::default(),
            readers: Vec::new(),
        }
    }

    /// End of what is stored and committed.
    pub(crate) fn durable(&self) -> Offset {
        self.log.index.end()
    }

    /// End of what was appended.
    pub(crate) fn log_end(&self) -> Offset {
        self.log.tail.end()
    }

    /// End of what consumers may see.
    pub(crate) fn high_watermark(&self) -> Offset {
        self.high_watermark
    }

    /// End of what `read_committed` consumers may see. `DeleteRecords` may go beyond the start of an open transaction.
    fn last_stable_offset(&self) -> Offset {
        let open_from = self.log.producers.last_stable_offset(self.high_watermark);
        open_from.max(self.log.log_start)
    }

    /// All positions.
    pub(crate) fn watermarks(&self) -> Watermarks {
        Watermarks {
            log_start: self.log.log_start,
            durable: self.durable(),
            high_watermark: self.high_watermark,
            last_stable: self.last_stable_offset(),
            log_end: self.log_end(),
            leader_epoch: self.ownership.epoch,
        }
    }

    /// What an append under these acks has to wait for.
    pub(crate) fn wait_for(&self, acks: crate::Acks) -> WaitFor {
        match (acks, self.terms.in_force()) {
            (crate::Acks::None, _) => WaitFor::Nothing,
            (crate::Acks::Leader, _) => WaitFor::Sync,
            (crate::Acks::All, DurabilityMode::Object) => WaitFor::Commit,
            (crate::Acks::All, DurabilityMode::Wal) => WaitFor::Mode,
        }
    }

    /// Whether the WAL must sync a frame of such an append at once. In `wal` partitions the high watermark waits for it.
    pub(crate) fn needs_sync(&self, wait_for: WaitFor) -> bool {
        wait_for == WaitFor::Sync || self.terms.in_force() == DurabilityMode::Wal
    }

    /// Refuses appends where there must be none.
    pub(crate) fn check_appendable(&self) -> Result<(), AppendError> {
        match self.phase {
            Phase::Serving => Ok(()),
            Phase::Suspended | Phase::Sealed => Err(AppendError::NotReady),
            Phase::Draining => Err(AppendError::Stopping),
            Phase::Following | Phase::Closed => Err(AppendError::NotOwner),
        }
    }

    /// Refuses reads where there must be none.
    pub(crate) fn check_readable(&self) -> Result<(), ReadError> {
        match self.phase {
            Phase::Closed => Err(ReadError::NotOwner),
            Phase::Serving
            | Phase::Suspended
            | Phase::Draining
            | Phase::Sealed
            | Phase::Following => Ok(()),
        }
    }

    /// Checks a client's epoch.
    pub(crate) fn check_epoch(&self, believed: Option<LeaderEpoch>) -> Result<(), ReadError> {
        let current = self.ownership.epoch;
        match believed {
            Some(got) if got < current => Err(ReadError::FencedEpoch { current, got }),
            Some(got) if got > current => Err(ReadError::UnknownEpoch { current, got }),
            _ => Ok(()),
        }
    }

    /// Notes that the WAL has synced everything before `end`.
    pub(crate) fn note_synced(&mut self, end: Offset) {
        self.synced = self.synced.max(end);
    }

    /// Takes new settings into force: another mode as far as the owner record allows (DESIGN section 3). To be followed by
    /// [`Sequencer::advance`].
    pub(crate) fn apply_settings(&mut self, settings: Arc<TopicSettings>) {
        self.terms.want(settings.durability_mode, self.synced);
        self.settings = settings;
        self.sync_waiters.wake_all();
    }

    /// Takes in a record of this ownership that is stored, under which no earlier one can land any more. To be followed by
    /// [`Sequencer::advance`].
    pub(crate) fn adopt_record(&mut self, stored: &NewTerms) {
        let Some(recorded) = Recorded::of(&stored.record) else { return };
        if stored.revision > self.ownership.owner_revision {
            self.ownership.owner_revision = stored.revision;
            self.ownership.record = stored.record.clone();
            self.terms.settle(recorded);
        }
    }

    /// Goes on under a new claim, with everything appended so far.
    pub(crate) fn adopt_claim(&mut self, ownership: Ownership, recorded: Recorded) {
        self.ownership = ownership;
        self.terms = Terms::as_recorded(recorded, self.synced);
    }

    /// Where the log stands, for its terms.
    pub(crate) fn position(&self, idle: bool) -> Position {
        Position { durable: self.durable(), log_end: self.log_end(), idle }
    }

    /// Moves the high watermark as far as durability under the mode in force allows, and wakes whom that concerns.
    /// `lease_holds` is asked only when something rests on it.
    pub(crate) fn advance(&mut self, lease_holds: impl FnOnce() -> bool) -> Advance {
        let durable = self.durable();
        self.commit_waiters.wake_through(durable);
        let leads_by_wal = self.phase != Phase::Closed && self.synced > durable;
        let leads_watermark =
            self.terms.in_force() == DurabilityMode::Wal && self.synced > self.high_watermark;
        let rests_on_lease =
            leads_by_wal && (leads_watermark || self.sync_waiters.any_through(self.synced));
        let leased = rests_on_lease && self.phase != Phase::Suspended && lease_holds();
        let by_wal = if leased { self.synced.max(durable) } else { durable };
        self.sync_waiters.wake_through(by_wal);
        self.raise_high_watermark(match self.terms.let_wal_count() {
            true => by_wal,
            false => durable,
        });
        self.log.producers.settle(durable);
        // The index names those that are stored; reads of the tail need the others.
        self.log.producers.forget_aborted_before(durable.min(self.log.tail.start()));
        Advance {
            held_back: rests_on_lease && !leased,
            terms_due: self.terms.next(self.position(false)).is_some(),
        }
    }

    /// Takes in what the owner committed, in a log that is followed.
    pub(crate) fn follow(&mut self, segment: SegmentSlice) -> Followed {
        let slice = Arc::clone(&segment.slice);
        if slice.end_offset <= self.durable() {
            return Followed::Known;
        }
        if self.log.index.push(IndexEntry::Slice(segment)).is_err() {
            return Followed::Gap;
        }
        take_in(&slice, &mut self.log.epochs, &mut self.log.producers);
        self.reach_end();
        Followed::Taken
    }

    /// Puts a log that was read anew in the place of one that is followed, unless it is older. Whoever waits looks again: the epoch may
    /// be another.
    pub(crate) fn follow_anew(&mut self, log: OpenedLog) {
        if log.index.end() >= self.durable() {
            let log_start = log.log_start.max(self.log.log_start);
            self.log = log;
            self.raise_log_start(log_start);
            self.reach_end();
        }
        self.wake_all();
    }

    /// Everything that is listed is durable, and nothing else is known.
    fn reach_end(&mut self) {
        let durable = self.durable();
        self.log.tail = Tail::new(durable);
        self.log.producers.settle(durable);
        self.log.producers.forget_aborted_before(durable);
        (self.cut_end, self.synced) = (durable, durable);
        self.raise_high_watermark(durable);
    }

    fn raise_high_watermark(&mut self, to: Offset) {
        if to > self.high_watermark {
            self.high_watermark = to;
            self.wake_readers();
        }
    }

    /// Judges an append that waits: the only place where one is found acknowledged.
    pub(crate) fn standing(
        &mut self,
        end: Offset,
        wait_for: WaitFor,
        lease_holds: impl FnOnce() -> bool,
    ) -> Result<Standing, AppendError> {
        if wait_for == WaitFor::Nothing || end <= self.durable() {
            return Ok(Standing::Covered);
        }
        if self.phase == Phase::Closed {
            return Err(AppendError::NotOwner);
        }
        let in_object = self.terms.in_force() == DurabilityMode::Object;
        if wait_for == WaitFor::Commit || wait_for == WaitFor::Mode && in_object {
            return Ok(Standing::Waiting(self.commit_waiters.wait(end)));
        }
        if end > self.synced {
            return Ok(Standing::Waiting(self.sync_waiters.wait(end)));
        }
        if self.phase == Phase::Suspended || !lease_holds() {
            return Ok(Standing::HeldBack(self.sync_waiters.wait(end)));
        }
        // In `object`, acks=1 promises no more than this disk.
        if in_object || self.terms.let_wal_count() {
            return Ok(Standing::Covered);
        }
        Ok(Standing::Withheld(self.sync_waiters.wait(end)))
    }

    /// Wakes everybody who waits, to look again.
    pub(crate) fn wake_all(&mut self) {
        self.sync_waiters.wake_all();
        self.commit_waiters.wake_all();
        self.wake_readers();
    }

    /// Wakes `reader` at the next advance.
    pub(crate) fn wake_on_advance(&mut self, reader: &Arc<Notify>) {
        self.readers.retain(|known| known.strong_count() > 0);
        if !self.readers.iter().any(|known| std::ptr::eq(known.as_ptr(), Arc::as_ptr(reader))) {
            self.readers.push(Arc::downgrade(reader));
        }
    }

    /// Wakes the readers that registered.
    pub(crate) fn wake_readers(&mut self) {
        for reader in self.readers.drain(..).filter_map(|reader| reader.upgrade()) {
            reader.notify_one();
        }
    }

    /// Moves the log's start forward.
    pub(crate) fn raise_log_start(&mut self, to: Offset) {
        if to > self.log.log_start {
            self.log.log_start = to;
            self.log.index.prune(to);
            self.log.epochs.truncate_before(to);
            self.log.producers.forget_aborted_before(to);
            self.wake_readers();
        }
    }

    /// Bytes of the log: what is stored, and what is only in memory.
    pub(crate) fn size_bytes(&self) -> u64 {
        let uncommitted = self.log.tail.bytes_between(self.durable(), self.log_end());
        self.log.index.size_bytes() + uncommitted
    }

    /// Bytes appended and not yet committed.
    pub(crate) fn uncommitted_bytes(&self) -> u64 {
        self.log.tail.bytes_between(self.durable(), self.log_end())
    }
}

impl Ownership {
    /// The right of the session that the claim's record names.
    ///
    /// # Errors
    /// A sentence: the record is damaged.
    pub(crate) fn of_owner(claim: &Claim) -> Result<(Self, Recorded), String> {
        let damaged = || "its owner record is damaged".to_owned();
        let session = SessionStamp {
            id: SessionId::from_slice(&claim.owner.session).ok_or_else(damaged)?,
            create_revision: Revision(claim.owner.session_create_revision),
            broker: BrokerId::new(claim.owner.broker).ok_or_else(damaged)?,
        };
        Self::of(claim, session).ok_or_else(damaged)
    }

    /// The right that `claim` gives to `session`, and the mode in force; `None` when the record is damaged.
    pub(crate) fn of(claim: &Claim, session: SessionStamp) -> Option<(Self, Recorded)> {
        let ownership = Self {
            session,
            epoch: LeaderEpoch::new(claim.owner.leader_epoch)?,
            owner_revision: claim.owner_revision,
            record: claim.owner.clone(),
        };
        Some((ownership, Recorded::of(&claim.owner)?))
    }
}
