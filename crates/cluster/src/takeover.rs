//! Whether a partition whose owner died is taken over. Pure; decided by the owner record, never by the topic's config alone.

use crate::{
    picture::mode_of,
    view::{View, wal_of},
};
use formats::metadata::Owner;
use model::{WalId, config::DurabilityMode};
use std::{collections::BTreeSet, time::Duration};

/// What becomes of a partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    /// As [`is_owned`] says.
    Owned,
    /// Taken over without loss of what acks=all promised.
    TakeOver,
    /// Taken over although the dead WAL may hold acknowledged records: they are given up.
    GiveUp,
    /// Offline until its WAL returns, or for so much longer.
    Offline(Option<Duration>),
}

/// What a takeover is decided by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances {
    /// `unclean.leader.election.enable` of the topic.
    pub unclean_allowed: bool,
    /// How long the owner has been seen dead.
    pub dead_for: Duration,
    /// `unclean.takeover.delay`.
    pub unclean_delay: Duration,
}

/// Whether the owner lives, or lives again and will re-claim it.
pub(crate) fn is_owned(record: &Owner, view: &View, live_wals: &BTreeSet<WalId>) -> bool {
    !view.is_over(record) || wal_of(record).is_some_and(|wal| live_wals.contains(&wal))
}

/// Decides one partition's fate.
pub(crate) fn fate(
    record: &Owner,
    view: &View,
    live_wals: &BTreeSet<WalId>,
    circumstances: &Circumstances,
) -> Fate {
    if is_owned(record, view, live_wals) {
        return Fate::Owned;
    }
    if record.clean || mode_of(record) == Some(DurabilityMode::Object) {
        return Fate::TakeOver;
    }
    let Circumstances { unclean_allowed, dead_for, unclean_delay } = *circumstances;
    match unclean_delay.checked_sub(dead_for) {
        _ if !unclean_allowed => Fate::Offline(None),
        None | Some(Duration::ZERO) => Fate::GiveUp,
        Some(left) => Fate::Offline(Some(left)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        SessionStamp,
        stored::Stored,
        succession::{Successor, first},
    };
    use formats::metadata::Session;
    use metadata::Revision;
    use model::{BrokerId, SessionId};

    const WAL: WalId = WalId::from_bytes([9; 16]);

    fn record(mode: DurabilityMode) -> Owner {
        let session = SessionStamp {
            id: SessionId::from_bytes([1; 16]),
            create_revision: Revision(5),
            broker: BrokerId::new(1).unwrap(),
        };
        first(&Successor { session, wal: WAL, head: 0 }, mode, 0).unwrap()
    }

    fn view_with_session(created: u64) -> View {
        let created = Revision(created);
        let session = Stored { value: Session::default(), created, modified: created };
        View { sessions: [(BrokerId::new(1).unwrap(), session)].into(), ..View::default() }
    }

    fn dead(record: &Owner, unclean_allowed: bool, dead_for: u64) -> Fate {
        let circumstances = Circumstances {
            unclean_allowed,
            dead_for: Duration::from_secs(dead_for),
            unclean_delay: Duration::from_secs(60),
        };
        fate(record, &View::default(), &BTreeSet::new(), &circumstances)
    }

    #[test]
    fn a_live_session_keeps_its_partition() {
        let circumstances = Circumstances {
            unclean_allowed: true,
            dead_for: Duration::MAX,
            unclean_delay: Duration::ZERO,
        };
        let record = record(DurabilityMode::Object);
        let decided = |view: &View, wals: &[WalId]| {
            fate(&record, view, &wals.iter().copied().collect(), &circumstances)
        };
        assert_eq!(decided(&view_with_session(5), &[]), Fate::Owned);
        assert_eq!(decided(&view_with_session(6), &[WAL]), Fate::Owned, "it re-claims");
        assert_eq!(decided(&view_with_session(6), &[]), Fate::TakeOver, "another session");
    }

    #[test]
    fn object_and_clean_partitions_of_a_dead_owner_move_at_once() {
        assert_eq!(dead(&record(DurabilityMode::Object), false, 0), Fate::TakeOver);
        let clean = Owner { clean: true, ..record(DurabilityMode::Wal) };
        assert_eq!(dead(&clean, false, 0), Fate::TakeOver);
    }

    #[test]
    fn an_unclean_wal_partition_waits_for_its_disk_for_ever_unless_allowed() {
        assert_eq!(dead(&record(DurabilityMode::Wal), false, 1_000_000), Fate::Offline(None));
    }

    #[test]
    fn an_allowed_unclean_takeover_happens_after_the_delay() {
        let record = record(DurabilityMode::Wal);
        let left = Fate::Offline(Some(Duration::from_secs(1)));
        assert_eq!(dead(&record, true, 59), left);
        assert_eq!(dead(&record, true, 60), Fate::GiveUp);
    }
}
