//! Owner records, from one to the next: what a claim, a re-claim, a takeover and a handover write. Pure.
//!
//! Every new session takes a new epoch, and every change of session appends the predecessor with its final head to `unfolded`, so
//! that a chain of crashes loses no commit (DESIGN section 5).

use crate::{
    SessionStamp,
    epoch::next_epoch,
    picture::{mode_of, stored_mode},
};
use formats::metadata::{Owner, Unfolded};
use metadata::Revision;
use model::{SessionId, WalId, config::DurabilityMode};

/// Who a record is written for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Successor {
    /// Its session.
    pub session: SessionStamp,
    /// Its WAL.
    pub wal: WalId,
    /// The last seq its session had committed when this was decided: what follows may hold the partition.
    pub head: u64,
}

/// Epochs are used up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("leader epochs are used up")]
pub(crate) struct EpochsUsedUp;

/// The first record of a partition.
pub(crate) fn first(
    to: &Successor,
    mode: DurabilityMode,
    generation: u64,
) -> Result<Owner, EpochsUsedUp> {
    let epoch = next_epoch(None, generation).ok_or(EpochsUsedUp)?.get();
    Ok(Owner { since_epoch: epoch, ..record(to, epoch, mode) })
}

/// The record by which the WAL that owns a partition takes it into a new session. Ownership stays unbroken.
///
/// The mode in force changes here when the topic's settings ask for it: `object` to `wal` at once; `wal` to `object` only when
/// the record says clean, because what was acknowledged at fsync may not be in object storage yet.
pub(crate) fn reclaim(
    from: &Owner,
    final_head: u64,
    to: &Successor,
    wanted: DurabilityMode,
    generation: u64,
) -> Result<Owner, EpochsUsedUp> {
    let epoch = next_epoch(Some(from.leader_epoch), generation).ok_or(EpochsUsedUp)?.get();
    let mode = match mode_of(from) {
        Some(DurabilityMode::Wal) if !from.clean => DurabilityMode::Wal,
        _ => wanted,
    };
    Ok(Owner {
        since_epoch: from.since_epoch,
        unfolded: with_predecessor(from, final_head),
        given_up_takeovers: from.given_up_takeovers,
        ..record(to, epoch, mode)
    })
}

/// The record by which another WAL takes a partition over from a dead session. `given_up`: what the dead WAL held is given up.
pub(crate) fn take_over(
    from: &Owner,
    final_head: u64,
    to: &Successor,
    mode: DurabilityMode,
    generation: u64,
    given_up: bool,
) -> Result<Owner, EpochsUsedUp> {
    let epoch = next_epoch(Some(from.leader_epoch), generation).ok_or(EpochsUsedUp)?.get();
    Ok(Owner {
        since_epoch: epoch,
        unfolded: with_predecessor(from, final_head),
        given_up_takeovers: from.given_up_takeovers + u64::from(given_up),
        ..record(to, epoch, mode)
    })
}

/// The record by which a living owner hands a partition on, whose last commit with anything of it is `through_seq`.
pub(crate) fn hand_over(
    from: &Owner,
    through_seq: u64,
    to: &Successor,
    mode: DurabilityMode,
    generation: u64,
) -> Result<Owner, EpochsUsedUp> {
    take_over(from, through_seq, to, mode, generation, false)
}

fn record(to: &Successor, epoch: u32, mode: DurabilityMode) -> Owner {
    Owner {
        format: 1,
        broker: to.session.broker.get(),
        session: to.session.id.as_bytes().to_vec().into(),
        session_create_revision: to.session.create_revision.0,
        wal_id: to.wal.as_bytes().to_vec().into(),
        leader_epoch: epoch,
        since_epoch: epoch,
        mode: stored_mode(mode),
        clean: false,
        from_seq: to.head + 1,
        unfolded: Vec::new(),
        given_up_takeovers: 0,
    }
}

fn with_predecessor(from: &Owner, through_seq: u64) -> Vec<Unfolded> {
    let mut unfolded = from.unfolded.clone();
    if from.from_seq <= through_seq {
        unfolded.push(Unfolded {
            session: from.session.clone(),
            from_seq: from.from_seq,
            through_seq,
        });
    }
    unfolded
}

/// Whether `record` was written for that session.
pub(crate) fn is_held_by(record: &Owner, session: &SessionStamp) -> bool {
    SessionId::from_slice(&record.session) == Some(session.id)
        && Revision(record.session_create_revision) == session.create_revision
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::BrokerId;

    fn successor(byte: u8, head: u64) -> Successor {
        Successor {
            session: SessionStamp {
                id: SessionId::from_bytes([byte; 16]),
                create_revision: Revision(u64::from(byte)),
                broker: BrokerId::new(1).unwrap(),
            },
            wal: WalId::from_bytes([9; 16]),
            head,
        }
    }

    #[test]
    fn a_double_crash_appends_both_sessions_to_unfolded() {
        let first = first(&successor(1, 0), DurabilityMode::Object, 0).unwrap();
        let second = reclaim(&first, 7, &successor(2, 0), DurabilityMode::Object, 0).unwrap();
        let third = reclaim(&second, 3, &successor(3, 0), DurabilityMode::Object, 0).unwrap();
        let listed: Vec<_> =
            third.unfolded.iter().map(|u| (u.session[0], u.from_seq, u.through_seq)).collect();
        assert_eq!(listed, [(1, 1, 7), (2, 1, 3)]);
        assert_eq!((third.leader_epoch, third.since_epoch), (3, 1));
    }

    #[test]
    fn a_session_that_committed_nothing_leaves_no_entry() {
        let first = first(&successor(1, 4), DurabilityMode::Object, 0).unwrap();
        let second = reclaim(&first, 4, &successor(2, 0), DurabilityMode::Object, 0).unwrap();
        assert!(second.unfolded.is_empty());
    }

    #[test]
    fn a_takeover_begins_a_new_ownership_and_counts_what_is_given_up() {
        let first = first(&successor(1, 0), DurabilityMode::Wal, 0).unwrap();
        let taken = take_over(&first, 2, &successor(2, 5), DurabilityMode::Wal, 0, true).unwrap();
        assert_eq!((taken.leader_epoch, taken.since_epoch), (2, 2));
        assert_eq!((taken.given_up_takeovers, taken.from_seq), (1, 6));
    }

    #[test]
    fn wal_becomes_object_only_when_clean_and_object_becomes_wal_at_once() {
        let wal = first(&successor(1, 0), DurabilityMode::Wal, 0).unwrap();
        let next = |from: &Owner, wanted| {
            mode_of(&reclaim(from, 0, &successor(2, 0), wanted, 0).unwrap()).unwrap()
        };
        assert_eq!(next(&wal, DurabilityMode::Object), DurabilityMode::Wal);
        let clean = Owner { clean: true, ..wal };
        assert_eq!(next(&clean, DurabilityMode::Object), DurabilityMode::Object);
        let object = first(&successor(1, 0), DurabilityMode::Object, 0).unwrap();
        assert_eq!(next(&object, DurabilityMode::Wal), DurabilityMode::Wal);
    }

    #[test]
    fn a_generation_lifts_epochs_above_all_earlier_ones() {
        let old = first(&successor(1, 0), DurabilityMode::Object, 0).unwrap();
        let new = reclaim(&old, 0, &successor(2, 0), DurabilityMode::Object, 1).unwrap();
        assert_eq!(new.leader_epoch, (1 << 20) + 1);
    }
}
