use super::*;
use proptest::prelude::*;

fn at(durable: u64, log_end: u64, idle: bool) -> Position {
    let offset = |value| Offset::new(value).expect("small");
    Position { durable: offset(durable), log_end: offset(log_end), idle }
}

fn terms(wanted: DurabilityMode, recorded: Recorded, synced: u64) -> Terms {
    let synced = Offset::new(synced).expect("small");
    let mut terms = Terms::as_recorded(recorded, synced);
    terms.want(wanted, synced);
    terms
}

#[test]
fn terms_that_are_as_wanted_are_left_alone() {
    assert_eq!(terms(DurabilityMode::Object, Recorded::Object, 5).next(at(3, 5, true)), None);
    assert_eq!(terms(DurabilityMode::Wal, Recorded::Wal, 5).next(at(3, 5, false)), None);
    assert_eq!(terms(DurabilityMode::Wal, Recorded::Wal, 5).next(at(5, 5, false)), None);
    assert_eq!(terms(DurabilityMode::Wal, Recorded::CleanWal, 5).next(at(5, 5, true)), None);
}

#[test]
fn wal_is_in_force_only_once_its_record_is_known_to_be_stored() {
    let mut terms = terms(DurabilityMode::Wal, Recorded::Object, 5);
    assert_eq!(terms.next(at(3, 5, false)), Some(Recorded::Wal));
    terms.send(Recorded::Wal);
    assert!(!terms.let_wal_count());
    assert_eq!(terms.in_force(), DurabilityMode::Object);
    terms.settle(Recorded::Wal);
    assert!(terms.let_wal_count());
}

#[test]
fn object_is_in_force_from_the_change_and_recorded_once_everything_acknowledged_is_stored() {
    let mut terms = terms(DurabilityMode::Wal, Recorded::Wal, 0);
    terms.want(DurabilityMode::Object, Offset::new(7).expect("small"));
    assert_eq!(terms.in_force(), DurabilityMode::Object);
    assert_eq!(terms.next(at(6, 9, false)), None);
    assert_eq!(terms.next(at(7, 9, false)), Some(Recorded::Object));
}

#[test]
fn a_mode_wanted_back_supersedes_the_record_that_may_still_land() {
    let mut terms = terms(DurabilityMode::Wal, Recorded::Wal, 0);
    terms.want(DurabilityMode::Object, Offset::ZERO);
    terms.send(Recorded::Object);
    terms.want(DurabilityMode::Wal, Offset::ZERO);
    assert!(!terms.let_wal_count());
    assert_eq!(terms.next(at(3, 5, false)), Some(Recorded::Wal));
    terms.send(Recorded::Wal);
    assert!(!terms.let_wal_count(), "either may have landed");
    terms.settle(Recorded::Wal);
    assert!(terms.let_wal_count());
}

#[test]
fn only_silence_with_nothing_left_to_store_is_declared_clean() {
    let terms = terms(DurabilityMode::Wal, Recorded::Wal, 5);
    assert_eq!(terms.next(at(5, 5, true)), Some(Recorded::CleanWal));
    assert_eq!(terms.next(at(4, 5, true)), None);
}

#[test]
fn a_declaration_counts_from_the_moment_it_is_sent() {
    let mut terms = terms(DurabilityMode::Wal, Recorded::Wal, 5);
    terms.send(Recorded::CleanWal);
    assert!(!terms.let_wal_count());
    assert_eq!(terms.next(at(5, 6, false)), Some(Recorded::Wal), "withdrawn by an append");
    terms.send(Recorded::Wal);
    assert!(!terms.let_wal_count());
    terms.settle(Recorded::Wal);
    assert!(terms.let_wal_count());
}

#[test]
fn a_declaration_that_landed_is_withdrawn_before_the_next_acknowledgement() {
    let terms = terms(DurabilityMode::Wal, Recorded::CleanWal, 5);
    assert!(!terms.let_wal_count());
    assert_eq!(terms.next(at(5, 6, false)), Some(Recorded::Wal));
    assert_eq!(terms.next(at(5, 6, true)), Some(Recorded::Wal));
}

#[test]
fn what_is_in_doubt_is_always_written_again() {
    for recorded in [Recorded::Object, Recorded::Wal, Recorded::CleanWal] {
        for wanted in [DurabilityMode::Object, DurabilityMode::Wal] {
            let mut terms = terms(wanted, recorded, 5);
            terms.send(Recorded::CleanWal);
            assert!(terms.next(at(4, 6, false)).is_some(), "{recorded:?} {wanted:?}");
        }
    }
}

/// What happens to a partition, one after the other.
#[derive(Clone, Debug)]
enum Event {
    Want(DurabilityMode),
    Append,
    Sync,
    Commit,
    /// A write is sent. It lands or not, now or late, and is answered or not.
    Send {
        idle: bool,
    },
    Land(usize),
    Answer,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        Just(Event::Want(DurabilityMode::Object)),
        Just(Event::Want(DurabilityMode::Wal)),
        Just(Event::Append),
        Just(Event::Sync),
        Just(Event::Commit),
        any::<bool>().prop_map(|idle| Event::Send { idle }),
        any::<usize>().prop_map(Event::Land),
        Just(Event::Answer),
    ];
    prop::collection::vec(event, 1..60)
}

/// A store with one record, and writes that compare its revision.
struct Store {
    stored: Recorded,
    revision: u64,
    on_the_way: Vec<(u64, Recorded)>,
}

impl Store {
    fn land(&mut self, at: usize) {
        if self.on_the_way.is_empty() {
            return;
        }
        let (revision, record) = self.on_the_way.remove(at % self.on_the_way.len());
        if revision == self.revision {
            self.stored = record;
            self.revision += 1;
        }
    }
}

proptest! {
    /// The rule itself: a successor that finds the record as it is stored at any moment, with this disk lost, loses nothing that
    /// was acknowledged when the record let it pass over the WAL.
    #[test]
    fn no_stored_record_ever_lets_a_successor_lose_an_acknowledgement(events in events()) {
        let mut terms = terms(DurabilityMode::Wal, Recorded::Wal, 0);
        let mut store = Store { stored: Recorded::Wal, revision: 1, on_the_way: Vec::new() };
        let mut known_revision = 1;
        let (mut log_end, mut synced, mut durable, mut acknowledged) = (0, 0, 0, 0);
        let offset = |value| Offset::new(value).expect("small");
        for event in events {
            match event {
                Event::Want(mode) => terms.want(mode, offset(synced)),
                Event::Append => log_end += 1,
                Event::Sync => synced = log_end,
                Event::Commit => durable = log_end,
                Event::Send { idle } => {
                    if let Some(next) = terms.next(at(durable, log_end, idle)) {
                        terms.send(next);
                        store.on_the_way.push((known_revision, next));
                    }
                }
                Event::Land(which) => store.land(which),
                Event::Answer => {
                    if store.revision > known_revision {
                        known_revision = store.revision;
                        terms.settle(store.stored);
                    }
                }
            }
            acknowledged = acknowledged.max(durable);
            if terms.let_wal_count() {
                acknowledged = acknowledged.max(synced);
            }
            if store.stored != Recorded::Wal {
                prop_assert!(acknowledged <= durable, "{:?}", store.stored);
            }
        }
    }
}
