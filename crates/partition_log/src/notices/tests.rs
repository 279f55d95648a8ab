use super::*;
use std::time::Duration;

const READER: BrokerId = match BrokerId::new(2) {
    Some(id) => id,
    None => panic!("2 is a broker id"),
};

fn session(byte: u8) -> SessionId {
    SessionId::from_bytes([byte; 16])
}

fn at(milliseconds: u64) -> BootTime {
    BootTime(Duration::from_millis(milliseconds))
}

fn partition(index: u32) -> PartitionId {
    let partition = model::PartitionIndex::new(index).expect("an index");
    PartitionId { topic: model::TopicId::from_bytes([1; 16]), partition }
}

fn commit(seq: u64, footer_bytes: usize) -> Notice {
    let object = format!("data/{seq}");
    Notice::Committed { seq, object, footer: vec![0; footer_bytes].into() }
}

fn wanted(by: u8, position: u64) -> NoticesWanted {
    NoticesWanted { session: Some(session(by)), position, unserved: Vec::new() }
}

/// Notices of session 1, with a follower that asked at time 0.
fn followed() -> Notices {
    let notices = Notices::default();
    notices.begin(session(1));
    notices.look(READER, &NoticesWanted::default(), at(0));
    notices
}

#[test]
fn a_follower_is_told_what_came_since_it_asked() {
    let notices = followed();
    assert_eq!(notices.look(READER, &wanted(1, 0), at(0)), None);
    notices.tell(session(1), at(1), || commit(1, 10));
    notices.tell(session(1), at(1), || commit(2, 10));
    let found = notices.look(READER, &wanted(1, 1), at(2)).expect("a notice");
    assert_eq!((found.gap, found.next), (false, 2));
    assert_eq!(found.notices, [Arc::new(commit(2, 10))]);
}

#[test]
fn who_knows_nothing_or_another_session_is_told_of_a_gap() {
    let notices = followed();
    notices.tell(session(1), at(1), || commit(1, 10));
    for wanted in [NoticesWanted::default(), wanted(2, 0), wanted(1, 9)] {
        let found = notices.look(READER, &wanted, at(1)).expect("an answer");
        assert_eq!((found.session, found.gap, found.next), (session(1), true, 1));
        assert!(found.notices.is_empty());
    }
    notices.begin(session(2));
    assert!(notices.look(READER, &wanted(1, 1), at(1)).expect("an answer").gap);
}

#[test]
fn what_nobody_follows_is_not_kept_and_shows_as_a_gap() {
    let notices = Notices::default();
    notices.begin(session(1));
    notices.tell(session(1), at(0), || panic!("nobody wants it"));
    let found = notices.look(READER, &wanted(1, 0), at(0)).expect("an answer");
    assert_eq!((found.gap, found.next), (true, 1));
    notices.tell(session(1), at(70_000), || panic!("the follower is gone"));
}

#[test]
fn what_is_kept_and_what_is_told_at_once_is_bounded() {
    let notices = followed();
    let half = KEPT_BYTES / 2;
    (1..=3).for_each(|seq| notices.tell(session(1), at(0), || commit(seq, half)));
    assert!(notices.look(READER, &wanted(1, 0), at(0)).expect("an answer").gap);
    let found = notices.look(READER, &wanted(1, 2), at(0)).expect("an answer");
    assert_eq!((found.gap, found.next), (false, 3));
    (4..=9).for_each(|seq| notices.tell(session(1), at(0), || commit(seq, ANSWER_BYTES / 2)));
    let found = notices.look(READER, &wanted(1, 6), at(0)).expect("an answer");
    assert_eq!(found.next, 8, "the second fills the answer");
}

#[test]
fn a_follower_is_current_while_it_asks_and_keeps_up() {
    let notices = followed();
    let is_current = |now| notices.is_current(READER, partition(0), at(now));
    assert!(!is_current(0), "it has a gap to fill first");
    notices.look(READER, &wanted(1, 0), at(10));
    assert!(is_current(4_009));
    assert!(!is_current(4_010), "it did not ask any more");
    notices.look(READER, &wanted(1, 0), at(5_000));
    notices.tell(session(1), at(5_000), || commit(1, 10));
    notices.look(READER, &wanted(1, 0), at(8_000));
    notices.tell(session(1), at(8_000), || commit(2, 10));
    notices.look(READER, &wanted(1, 1), at(10_000));
    assert!(is_current(11_999), "at 8 seconds there was no more to know than it knows");
    notices.look(READER, &wanted(1, 1), at(12_000));
    assert!(!is_current(14_000), "it stands still");
    notices.look(READER, &wanted(1, 2), at(14_001));
    assert!(is_current(14_001));
}

#[test]
fn a_partition_that_a_follower_can_not_serve_is_named() {
    let notices = followed();
    let wanted = NoticesWanted { unserved: vec![partition(3)], ..wanted(1, 0) };
    notices.look(READER, &wanted, at(0));
    assert!(notices.is_current(READER, partition(0), at(0)));
    assert!(!notices.is_current(READER, partition(3), at(0)));
}
